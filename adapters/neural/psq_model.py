"""PSQ's network: causal spectra, encoder, quantiser, decoder, causal synthesis.

Published are the blocks, their kernels, channels and strides, the window and the compression
(arXiv:2405.08417, table I). Not published, and chosen so that parameters and multiply-accumulates
of all four variants of table II are met as printed: kernels of strided and transposed convolutions,
width of the ConvBlocks, the layers of the conditioning. Free of any trace in the table, and ours:
causal framing, residuals, the order of the skip blocks, and dimensions and levels of the quantiser.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn

from codecbench.adapters.neural.layers.stft import CausalIstft, CausalStft
from codecbench.adapters.neural.psq_blocks import (
    DecoderBlock,
    Dpcrnn,
    EncoderBlock,
    TadeResidualBlock,
)
from codecbench.adapters.neural.psq_quantizer import (
    ProjectedScalarQuantizer,
    Quantized,
    ResidualBaseline,
    TrainingMode,
)

QuantizerKind: TypeAlias = Literal["scalar", "rvq"]
# Table I, and section III-A for the spectra.
KERNELS = (7, 5, 5, 5, 3, 3)
CHANNELS = (256, 128, 64, 64, 32, 32)
STRIDES = (1, 1, 1, 1, 1, 2)
WINDOW = 320
HOP = 160
N_FFT = 512
COMPRESSION = 0.3
LATENT = CHANNELS[-1]
PACKET_SAMPLES = HOP * 2
"""Samples per latent frame: 20 ms at 16 kHz."""
_BANDS = N_FFT + 2
"""Real and imaginary parts of all frequencies."""
_FLOOR = 1e-7
"""Least magnitude that is compressed: the power of zero has no gradient."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PsqConfig:
    """What may differ between two PSQ networks.

    Attributes:
        dimensions: Codes per frame of 20 ms; codebooks for the baseline.
        levels: Values of each code; codewords for the baseline.
        quantizer: "scalar", or "rvq" for the baseline.
        dpcrnn: Have the recurrent blocks.
        skips: Have the blocks that bring each encoder block's output to the latent signal.
        styling: Condition the decoder blocks on the latent signal.
    """

    dimensions: int = 10
    levels: int = 8
    quantizer: QuantizerKind = "scalar"
    dpcrnn: bool = True
    skips: bool = True
    styling: bool = True


@dataclass(frozen=True, slots=True)
class PsqOutput:
    """What one pass in training gives.

    Attributes:
        samples: Decoded signal ``(batch, samples - 160)``, aligned with the input; the last hop
            would need one more frame.
        quantized: Latent signal, codes and loss of the quantiser.
    """

    samples: Tensor
    quantized: Quantized


class PsqEncoder(nn.Module):
    """From a signal to the latent signal."""

    def __init__(self, config: PsqConfig) -> None:
        """Make the layers."""
        super().__init__()
        self.stft = CausalStft(window=WINDOW, hop=HOP, n_fft=N_FFT)
        inputs = (_BANDS, *CHANNELS[:-1])
        self.blocks = nn.ModuleList(
            EncoderBlock(*shape) for shape in zip(inputs, CHANNELS, KERNELS, STRIDES, strict=True)
        )
        self.dpcrnn = Dpcrnn(LATENT, batch_norm=False) if config.dpcrnn else nn.Identity()
        self.skips = nn.ModuleList(
            TadeResidualBlock(LATENT, channels, kernel)
            for channels, kernel in zip(CHANNELS, KERNELS, strict=True)
            if config.skips
        )

    def forward(self, samples: Tensor) -> Tensor:
        """Return ``(batch, 32, samples / 320)``.

        Args:
            samples: ``(batch, samples)``, a whole number of packets.
        """
        x: Tensor = compress(self.stft(samples))
        conditions = []
        for block in self.blocks:
            x = block(x)
            conditions.append(x)
        x = self.dpcrnn(x)
        for skip, condition in zip(self.skips, conditions, strict=False):
            # Before the last block there are two frames for each one of the latent signal.
            matched = condition.view(*condition.shape[:2], x.shape[-1], -1).mean(dim=-1)
            x = skip(x, matched)
        return x


class PsqDecoder(nn.Module):
    """From the quantised latent signal to a signal."""

    def __init__(self, config: PsqConfig) -> None:
        """Make the layers."""
        super().__init__()
        self.dpcrnn = Dpcrnn(LATENT, batch_norm=True) if config.dpcrnn else nn.Identity()
        outputs = (_BANDS, *CHANNELS[:-1])
        condition = LATENT if config.styling else 0
        self.blocks = nn.ModuleList(
            DecoderBlock(*shape, condition=condition)
            for shape in reversed(list(zip(CHANNELS, outputs, KERNELS, STRIDES, strict=True)))
        )
        self.istft = CausalIstft(window=WINDOW, hop=HOP, n_fft=N_FFT)

    def forward(self, latent: Tensor) -> Tensor:
        """Return the final samples, ``(batch, 320 · frames - 160)`` from the start of a signal.

        Args:
            latent: ``(batch, 32, frames)``.
        """
        x = self.dpcrnn(latent)
        for block in self.blocks:
            if latent.shape[-1] < x.shape[-1]:
                latent = latent.repeat_interleave(x.shape[-1] // latent.shape[-1], dim=-1)
            x = block(x, latent)
        samples: Tensor = self.istft(expand(x))
        return samples


class PsqModel(nn.Module):
    """The whole codec.

    Call it for training; `encode` and `decode` are for coding and need evaluation mode.
    """

    def __init__(self, config: PsqConfig, *, mode: TrainingMode = "noise") -> None:
        """Make the layers.

        Args:
            config: What network.
            mode: What stands for rounding when a scalar quantiser is trained.
        """
        super().__init__()
        self.config = config
        self.encoder = PsqEncoder(config)
        self.quantizer: ProjectedScalarQuantizer | ResidualBaseline
        if config.quantizer == "rvq":
            self.quantizer = ResidualBaseline(LATENT, config.dimensions, config.levels)
        else:
            self.quantizer = ProjectedScalarQuantizer(
                LATENT, config.dimensions, config.levels, mode=mode
            )
        self.decoder = PsqDecoder(config)

    def forward(self, samples: Tensor, generator: torch.Generator | None = None) -> PsqOutput:
        """Code and decode in one pass with gradients.

        Args:
            samples: ``(batch, samples)``, a whole number of packets of 320.
            generator: Of the quantiser's noise; torch's own by default.
        """
        quantized: Quantized = self.quantizer(self.encoder(samples), generator)
        return PsqOutput(self.decoder(quantized.latent), quantized)

    def encode(self, samples: Tensor, dither: Tensor | None = None) -> Tensor:
        """Return codes, int64 ``(batch, codebooks, frames)``.

        Args:
            samples: ``(batch, samples)``, a whole number of packets of 320.
            dither: See `ProjectedScalarQuantizer.encode`.
        """
        return self.quantizer.encode(self.encoder(samples), dither)

    def decode(self, codes: Tensor, dither: Tensor | None = None) -> Tensor:
        """Return the final samples of codes, ``(batch, samples)``."""
        samples: Tensor = self.decoder(self.quantizer.decode(codes, dither))
        return samples


def compress(spectra: Tensor) -> Tensor:
    """Raise magnitudes to the power 0.3 and stack real over imaginary parts.

    Args:
        spectra: Complex ``(batch, bins, frames)``.

    Returns:
        Real ``(batch, 2 · bins, frames)``.
    """
    parts = torch.cat([spectra.real, spectra.imag], dim=1)
    power = spectra.real.square() + spectra.imag.square()
    scale = power.clamp(min=_FLOOR**2).pow((COMPRESSION - 1) / 2)
    return parts * torch.cat([scale, scale], dim=1)


def expand(parts: Tensor) -> Tensor:
    """Undo `compress`."""
    if parts.dtype in (torch.bfloat16, torch.float16):
        parts = parts.float()  # there are no complex numbers of these
    real, imaginary = parts.chunk(2, dim=1)
    scale = (real.square() + imaginary.square()).pow((1 / COMPRESSION - 1) / 2)
    return torch.complex(real * scale, imaginary * scale)
