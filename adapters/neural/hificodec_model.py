"""HiFi-Codec's network: a HiFi-GAN turned round, group-residual quantisation, and HiFi-GAN.

This is the network of the official code, which alone loads the published checkpoints, not the one
of the paper's section 3.2 (SEANet with LSTM), for which no weights exist. A state dict has the
sections `encoder`, `quantizer` and `generator` of an official checkpoint as its first names.

Source:
    Yang et al., "HiFi-Codec: Group-residual Vector quantization for High Fidelity Audio Codec",
    arXiv:2305.02765; code https://github.com/yangdongchao/AcademiCodec, commit b6ac134,
    ``academicodec/models/hificodec``.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from codecbench.adapters.neural.layers.hifigan import (
    SLOPE,
    HifiGanGenerator,
    ResidualBlock,
    same_conv,
    with_weight_norm,
)
from codecbench.adapters.neural.layers.vector_quantizer import VectorQuantizer

LATENT = 512
"""Channels between encoder, quantiser and generator, and after the generator's first convolution;
fixed in the official code."""
WIDTH = 32
"""Channels after the encoder's first convolution; fixed in the official code."""
NORM_CHANNELS = 16
"""Channels per group of the encoder's norms."""
BLOCK_KERNELS = (3, 7, 11)
LAYERS = 2
"""Residual layers of the quantiser; fixed in the official code."""
LAST_SLOPE = 0.01
"""The encoder's last rectifier has torch's default slope, unlike all the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HifiCodecConfig:
    """What tells one HiFi-Codec from another.

    Attributes:
        rates: Upsampling factors of the generator; the encoder has them in reverse.
        kernels: Taps of the generator's upsampling.
        groups: Parts of the latent vector that are quantised on their own.
        codebook_size: Entries of every codebook.
        width: Channels after the encoder's first convolution, a multiple of 8; each of its four
            stages doubles them.
        latent: Channels of the frames, a multiple of `groups`.
        channels: After the generator's first convolution; each stage halves them.
    """

    rates: tuple[int, ...] = (8, 5, 4, 2)
    kernels: tuple[int, ...] = (16, 11, 8, 4)
    groups: int = 2
    codebook_size: int = 1024
    width: int = WIDTH
    latent: int = LATENT
    channels: int = LATENT


class Encoder(nn.Module):
    """From a waveform to frames of 512 values, each of which depends on the whole waveform.

    After each residual block the running sum is normalised over groups of 16 channels and over
    *all* time, so neither cutting nor padding leaves the frames alone.
    """

    def __init__(
        self,
        rates: Sequence[int],
        kernels: Sequence[int],
        *,
        width: int = WIDTH,
        latent: int = LATENT,
    ) -> None:
        """Make the layers.

        Args:
            rates: Downsampling factors, first layer first.
            kernels: Taps of the downsampling convolutions.
            width: Channels after the first convolution.
            latent: Channels of the frames.
        """
        super().__init__()
        self.conv_pre = same_conv(1, width, 7)
        self.ups = nn.ModuleList()  # The official name, although these go down.
        self.resblocks = nn.ModuleList()
        self.normalize = nn.ModuleList()
        for rate, taps in zip(rates, kernels, strict=True):
            down = nn.Conv1d(width, 2 * width, taps, rate, padding=(taps - rate) // 2)
            self.ups.append(with_weight_norm(down))
            width *= 2
            for kernel in reversed(BLOCK_KERNELS):
                self.resblocks.append(ResidualBlock(width, kernel))
                self.normalize.append(nn.GroupNorm(width // NORM_CHANNELS, width, eps=1e-6))
        self.conv_post = nn.Conv1d(width, latent, 3, padding=1)  # No weight norm here.

    def forward(self, samples: Tensor) -> Tensor:
        """Return ``(batch, 512, frames)`` for ``(batch, 1, samples)``; incomplete frames go."""
        x = self.conv_pre(samples)
        fields = len(BLOCK_KERNELS)
        for stage, down in enumerate(self.ups):
            x = down(functional.leaky_relu_(x, SLOPE))
            mixed: Tensor | None = None
            for index in range(stage * fields, (stage + 1) * fields):
                part = self.resblocks[index](x)
                mixed = self.normalize[index](part if mixed is None else part.add_(mixed))
            assert mixed is not None  # there are three blocks
            x = mixed.div_(fields)
        post: Tensor = self.conv_post(functional.leaky_relu_(x, LAST_SLOPE))
        return post


class Quantizer(nn.Module):
    """Group-residual vector quantisation: two layers, in each one codebook for every group."""

    def __init__(self, groups: int, codebook_size: int, *, latent: int = LATENT) -> None:
        """Make the codebooks.

        Args:
            groups: How many parts the values of a frame are cut into; divides `latent`.
            codebook_size: Entries of each codebook.
            latent: Values of a frame.
        """
        super().__init__()
        self.groups = groups
        self.latent = latent
        self.quantizer_modules = _codebooks(groups, codebook_size, latent)
        self.quantizer_modules2 = _codebooks(groups, codebook_size, latent)

    def encode(self, latent: Tensor) -> Tensor:
        """Return codes int64 ``(batch, 2 · groups, frames)``, layer by layer.

        Args:
            latent: ``(batch, 512, frames)``.
        """
        batch, _, frames = latent.shape
        residual = latent.transpose(1, 2).reshape(batch * frames, self.latent)
        rows: list[Tensor] = []
        for layer in (self.quantizer_modules, self.quantizer_modules2):
            parts = residual.chunk(self.groups, dim=1)
            chosen = [book.search(part) for book, part in zip(_each(layer), parts, strict=True)]
            rows += chosen
            residual = residual - self._look_up(layer, chosen)
        return torch.stack(rows).reshape(len(rows), batch, frames).transpose(0, 1)

    def decode(self, codes: Tensor) -> Tensor:
        """Return ``(batch, 512, frames)`` for codes ``(batch, 2 · groups, frames)``."""
        first, second = codes.unbind(1)[: self.groups], codes.unbind(1)[self.groups :]
        found = self._look_up(self.quantizer_modules, first)
        found = found + self._look_up(self.quantizer_modules2, second)
        return found.transpose(1, 2)

    @staticmethod
    def _look_up(books: nn.ModuleList, codes: Sequence[Tensor]) -> Tensor:
        return torch.cat(
            [book.lookup(row) for book, row in zip(_each(books), codes, strict=True)], dim=-1
        )


def _codebooks(groups: int, size: int, latent: int) -> nn.ModuleList:
    books = nn.ModuleList(VectorQuantizer(size, latent // groups) for _ in range(groups))
    for weight in books.parameters():
        nn.init.uniform_(weight, -1.0 / size, 1.0 / size)  # as in the official code
    return books


def _each(books: nn.ModuleList) -> Iterator[VectorQuantizer]:
    return (cast(VectorQuantizer, book) for book in books)


class HifiCodecModel(nn.Module):
    """Encoder, quantiser and generator together."""

    def __init__(self, config: HifiCodecConfig) -> None:
        """Make the layers for one configuration."""
        super().__init__()
        self.config = config
        self.encoder = Encoder(
            config.rates[::-1], config.kernels[::-1], width=config.width, latent=config.latent
        )
        self.quantizer = Quantizer(config.groups, config.codebook_size, latent=config.latent)
        self.generator = HifiGanGenerator(
            config.latent,
            channels=config.channels,
            upsample_rates=config.rates,
            upsample_kernels=config.kernels,
            block_kernels=BLOCK_KERNELS,
        )

    def encode(self, samples: Tensor) -> Tensor:
        """Return codes int64 ``(batch, codebooks, frames)``, as many frames as are complete.

        Args:
            samples: ``(batch, samples)``, at least one hop.
        """
        return self.quantizer.encode(self.encoder(samples[:, None]))

    def decode(self, codes: Tensor) -> Tensor:
        """Return samples ``(batch, frames · hop_length)`` in [-1, 1] for what `encode` gives."""
        wave: Tensor = self.generator(self.quantizer.decode(codes))
        return wave[:, 0]


def infer_config(
    shapes: Mapping[str, Sequence[int]], *, rates: tuple[int, ...], kernels: tuple[int, ...]
) -> HifiCodecConfig:
    """Read the widths off the shapes of a checkpoint's tensors.

    Args:
        shapes: By plain name.
        rates: Upsampling factors of the generator, which no tensor tells.
        kernels: Its taps.
    """
    known = HifiCodecConfig()
    books = [key for key in shapes if key.startswith("quantizer.quantizer_modules.")]
    # What is absent is left at a default; strict loading names what is missing.
    return HifiCodecConfig(
        rates=rates,
        kernels=kernels,
        groups=len(books) or known.groups,
        width=_first(shapes, "encoder.conv_pre.weight_v", known.width),
        latent=_first(shapes, "encoder.conv_post.weight", known.latent),
        channels=_first(shapes, "generator.conv_pre.weight_v", known.channels),
    )


def _first(shapes: Mapping[str, Sequence[int]], name: str, default: int) -> int:
    shape = shapes.get(name, ())
    return shape[0] if shape else default
