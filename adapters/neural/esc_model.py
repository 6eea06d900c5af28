"""ESC: a complex spectrogram, a Swin transformer, and six quantisers from the coarse level up.

Source:
    Gu & Diao, "ESC: Efficient Speech Coding with Cross-Scale Residual Vector Quantized
    Transformers", EMNLP 2024, arXiv:2404.19441, and the authors' code (MIT, commit 1ec4cf3),
    whose names of parameters are kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from codecbench.adapters.neural.esc_attention import Mlp, SwinBlock
from codecbench.adapters.neural.esc_patches import HEIGHT, PATCH, PatchDeEmbed, PatchEmbed
from codecbench.adapters.neural.esc_quantizer import OVERLAP, ProductQuantizer
from codecbench.adapters.neural.layers.packed_linear import pack_linears

# Configuration of all published models: configs/9kbps_esc_*.yaml of the authors' repository.
HOP_LENGTH = 80
WINDOW_LENGTH = 320
BINS = 192
FFT_LENGTH = 2 * (BINS - 1)
WIDTHS = (45, 72, 96, 144, 192, 384)
HEADS = (3, 6, 12, 24, 24)
LEVELS = len(WIDTHS)
STREAMS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class EscConfig:
    """What differs between the published models, and between those and narrower ones.

    Attributes:
        depth: Transformer blocks per layer.
        codebook_dims: Dimensions of the codewords of each stream.
        widths: Channels of the tokens at each level, the finest first.
        heads: Of the attention below each change of level; each divides the widths on both sides.
    """

    depth: int = 2
    codebook_dims: tuple[int, ...] = (8,) * STREAMS
    widths: tuple[int, ...] = WIDTHS
    heads: tuple[int, ...] = HEADS


class Spectrogram(nn.Module):
    """Complex spectrogram and back; real and imaginary part are channels."""

    window: Tensor

    def __init__(self) -> None:
        """Make the Hann window."""
        super().__init__()
        self.register_buffer("window", torch.hann_window(WINDOW_LENGTH))

    def forward(self, samples: Tensor) -> Tensor:
        """Return ``(batch, 2, 192, frames)`` of ``(batch, samples)``."""
        spectrum = torch.stft(
            samples,
            FFT_LENGTH,
            HOP_LENGTH,
            WINDOW_LENGTH,
            self.window,
            center=True,
            pad_mode="reflect",
            return_complex=True,
        )
        return torch.view_as_real(spectrum).permute(0, 3, 1, 2)

    def inverse(self, spectrum: Tensor) -> Tensor:
        """Return ``(batch, 80 · (frames - 1))`` samples."""
        complex_spectrum = torch.view_as_complex(spectrum.permute(0, 2, 3, 1).contiguous())
        return torch.istft(
            complex_spectrum, FFT_LENGTH, HOP_LENGTH, WINDOW_LENGTH, self.window, center=True
        )


class Downsample(nn.Module):
    """Merge pairs of neighbouring frequency bands."""

    def __init__(self, inputs: int, outputs: int) -> None:
        """Make the layers."""
        super().__init__()
        self.norm = nn.LayerNorm(2 * inputs)
        self.down = nn.Linear(2 * inputs, outputs, bias=False)

    def forward(self, x: Tensor, height: int) -> Tensor:
        """Return ``(batch, height / 2 · time, outputs)``."""
        batch, _, channels = x.shape
        pairs = x.view(batch, height // 2, 2, -1, channels).transpose(2, 3)
        out: Tensor = self.down(self.norm(pairs.reshape(batch, -1, 2 * channels)))
        return out


class Upsample(nn.Module):
    """Split each frequency band into two."""

    def __init__(self, inputs: int, outputs: int) -> None:
        """Make the layers."""
        super().__init__()
        self.norm = nn.LayerNorm(inputs)
        self.up = nn.Linear(inputs, 2 * outputs, bias=False)

    def forward(self, x: Tensor, height: int) -> Tensor:
        """Return ``(batch, 2 · height · time, outputs)``."""
        batch = x.shape[0]
        pairs = self.up(self.norm(x)).view(batch, height, x.shape[1] // height, 2, -1)
        out: Tensor = pairs.transpose(2, 3).reshape(batch, -1, pairs.shape[-1])
        return out


class TransformerLayer(nn.Module):
    """Swin blocks at the width of the input, and then the change of resolution."""

    def __init__(
        self, width: int, heads: int, depth: int, *, resampler: nn.Module | None = None
    ) -> None:
        """Make the blocks, every other one shifted."""
        super().__init__()
        self.swint_blocks = nn.ModuleList(
            SwinBlock(width, heads, shifted=index % 2 == 1) for index in range(depth)
        )
        self.subsample = resampler

    def forward(self, x: Tensor, height: int) -> Tensor:
        """Return tokens at the next level; `height` is that of `x`."""
        for block in self.swint_blocks:
            x = block(x, height)
        return x if self.subsample is None else self.subsample(x, height)


class Encoder(nn.Module):
    """From a spectrogram to tokens at six levels."""

    def __init__(self, config: EscConfig) -> None:
        """Make the layers."""
        super().__init__()
        widths, depth = config.widths, config.depth
        self.patch_embed = PatchEmbed(widths[0])
        self.pre_nn = TransformerLayer(widths[0], config.heads[0], depth)
        self.blocks = nn.ModuleList(
            TransformerLayer(fine, heads, depth, resampler=Downsample(fine, coarse))
            for (fine, coarse), heads in zip(pairwise(widths), config.heads, strict=True)
        )

    def forward(self, spectrum: Tensor) -> list[Tensor]:
        """Return the tokens of all levels, the finest first."""
        height = HEIGHT
        levels = [self.pre_nn(self.patch_embed(spectrum), height)]
        for block in self.blocks:
            levels.append(block(levels[-1], height))
            height //= 2
        return levels


class Decoder(nn.Module):
    """From the coarsest tokens to a spectrogram; what is quantised at each level comes between."""

    def __init__(self, config: EscConfig) -> None:
        """Make the layers."""
        super().__init__()
        widths, depth = config.widths, config.depth
        levels = list(zip(pairwise(reversed(widths)), reversed(config.heads), strict=True))
        self.blocks = nn.ModuleList(
            TransformerLayer(coarse, heads, depth, resampler=Upsample(coarse, fine))
            for (coarse, fine), heads in levels
        )
        self.post_nn = TransformerLayer(widths[0], config.heads[0], depth)
        self.patch_deembed = PatchDeEmbed(widths[0])

    def climb(self, x: Tensor, level: int) -> Tensor:
        """Go from `level` to the next finer one; 0 is the coarsest."""
        out: Tensor = self.blocks[level](x, height_of(level))
        return out

    def finish(self, x: Tensor) -> Tensor:
        """Return the spectrogram of the finest tokens."""
        out: Tensor = self.patch_deembed(self.post_nn(x, HEIGHT))
        return out


def height_of(level: int) -> int:
    """Return the frequency bands at a level of the decoder; 0 is the coarsest."""
    return HEIGHT >> (LEVELS - 1 - level)


class EscModel(nn.Module):
    """The codec: streams 0 and 1 code the coarsest level, each further stream a finer one."""

    def __init__(self, config: EscConfig) -> None:
        """Make all layers; the model always has six streams."""
        super().__init__()
        self.config = config
        self.ft = Spectrogram()
        self.ift = Spectrogram()
        widths = [config.widths[-1], *reversed(config.widths[1:])]
        heights = [height_of(0), *(height_of(level) for level in range(STREAMS - 1))]
        self.quantizers = nn.ModuleList(
            ProductQuantizer(width, height, dims)
            for width, height, dims in zip(widths, heights, config.codebook_dims, strict=True)
        )
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)

    def encode(self, samples: Tensor, streams: int = STREAMS) -> Tensor:
        """Return codes, int64 ``(batch, streams, 3, frames)``.

        Args:
            samples: ``(batch, samples)``; ``samples // 80`` must leave 0 or 3 when divided by 4.
            streams: 1 … 6.
        """
        levels = self.encoder(self.ft(samples))[::-1]
        codes = [self.quantizer(0).encode(levels[0])]
        x = torch.zeros_like(levels[0])
        for level in range(streams - 1):
            # What the stream before brought; the last one's codewords are never needed here.
            x = x + self.quantizer(level).decode(codes[-1])
            if level > 0:
                x = self.decoder.climb(x, level - 1)
            codes.append(self.quantizer(level + 1).encode(levels[level] - x))
        return torch.stack(codes, dim=1)

    def decode(self, codes: Tensor) -> Tensor:
        """Return ``(batch, 80 · (4 · frames - 1))`` samples of codes of any number of streams."""
        streams = codes.shape[1]
        x = self.quantizer(0).decode(codes[:, 0])
        for level in range(STREAMS - 1):
            if level + 1 < streams:
                x = x + self.quantizer(level + 1).decode(codes[:, level + 1])
            x = self.decoder.climb(x, level)
        return self.ift.inverse(self.decoder.finish(x))

    def fold(self) -> None:
        """Make ready for coding: merge what is linear, lay weights out, fuse activations.

        The model computes the same and can no longer be trained or saved.
        """
        self.decoder.patch_deembed.fold()
        for module in self.modules():
            if isinstance(module, Mlp):
                module.fold()
        pack_linears(self)

    def quantizer(self, stream: int) -> ProductQuantizer:
        """Return the quantiser of a stream."""
        found = self.quantizers[stream]
        assert isinstance(found, ProductQuantizer)  # for the type checker: ModuleList forgets
        return found


def frames_of(n_samples: int) -> int:
    """Return the frames of codes of a signal: one for every four frames of the spectrogram."""
    return (1 + n_samples // HOP_LENGTH) // (PATCH[1] * OVERLAP)


def accepts_length(n_samples: int) -> bool:
    """Whether the model can code a signal: its tokens must pair up, and reflection must fit."""
    tokens = (1 + n_samples // HOP_LENGTH) // PATCH[1]
    return tokens >= OVERLAP and tokens % OVERLAP == 0 and n_samples > FFT_LENGTH // 2


def infer_config(shapes: dict[str, Sequence[int]]) -> EscConfig:
    """Read the configuration off the shapes of a checkpoint's tensors.

    The files that come with checkpoints cannot be trusted with it: the same name stands for
    different dimensions in different versions of the authors' repository.
    """
    prefix = "encoder.pre_nn.swint_blocks."
    blocks = {key.removeprefix(prefix).split(".")[0] for key in shapes if key.startswith(prefix)}
    # What is absent is left at a default; strict loading names what is missing.
    return EscConfig(
        depth=len(blocks) or EscConfig().depth,
        codebook_dims=tuple(
            _dimension(shapes, f"quantizers.{stream}.vqs.0.embedding.weight", 1, 8)
            for stream in range(STREAMS)
        ),
        widths=(
            _dimension(shapes, f"{prefix}0.norm1.weight", 0, WIDTHS[0]),
            *(
                _dimension(shapes, f"encoder.blocks.{level}.subsample.down.weight", 0, width)
                for level, width in enumerate(WIDTHS[1:])
            ),
        ),
        heads=tuple(
            _dimension(
                shapes,
                f"encoder.blocks.{level}.swint_blocks.0.attn.relative_position_bias_table",
                1,
                heads,
            )
            for level, heads in enumerate(HEADS)
        ),
    )


def _dimension(shapes: dict[str, Sequence[int]], name: str, axis: int, default: int) -> int:
    shape = shapes.get(name, ())
    return shape[axis] if len(shape) > axis else default
