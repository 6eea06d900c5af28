"""The projected scalar quantiser of PSQ, its training modes, and the residual baseline.

Source:
    Brendel et al., arXiv:2405.08417. Equation 6 as printed rounds to 2/Δ + 1 values; the text and
    equation 21 speak of (2/Δ)^R cells. Built is the latter, the mid-rise quantiser, whose indices
    cost log2(2/Δ) bits.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from codecbench.adapters.neural.layers.vector_quantizer import VectorQuantizer

TrainingMode: TypeAlias = Literal["noise", "straight_through"]
COMMITMENT = 0.25
"""Weight of the commitment loss of the residual baseline; ours, the paper gives none."""


@dataclass(frozen=True, slots=True)
class Quantized:
    """What a quantiser makes of a latent signal.

    Attributes:
        latent: What the decoder gets, ``(batch, channels, frames)``; in training with gradients.
        codes: Indices that would be sent, int64 ``(batch, codebooks, frames)``.
        loss: What training adds to its loss, a scalar; zero for scalar quantisers.
    """

    latent: Tensor
    codes: Tensor
    loss: Tensor


class ProjectedScalarQuantizer(nn.Module):
    """Project linearly to R numbers in (-1, 1) and quantise each with L levels; project back.

    In training (`nn.Module.train`) the rounding is replaced: "noise" adds uniform noise as wide as
    a cell, which needs no gradient trick; "straight_through" rounds and lets the gradient pass. In
    evaluation mode it always rounds.

    Attributes:
        step: Width Δ = 2/L of a cell.
    """

    def __init__(
        self, channels: int, dimensions: int, levels: int, *, mode: TrainingMode = "noise"
    ) -> None:
        """Make the projections.

        Args:
            channels: Of the latent signal.
            dimensions: Numbers R per frame.
            levels: Values L of each; even ones give the paper's mid-rise quantiser.
            mode: What stands for rounding in training.
        """
        super().__init__()
        self.project = nn.Conv1d(channels, dimensions, 1)
        self.expand = nn.Conv1d(dimensions, channels, 1)
        self.codebook_sizes = (levels,) * dimensions
        self.levels = levels
        self.step = 2.0 / levels
        self.mode = mode

    def forward(self, latent: Tensor, generator: torch.Generator | None = None) -> Quantized:
        """Quantise as in training, or hard in evaluation mode.

        Args:
            latent: ``(batch, channels, frames)``.
            generator: Of the noise; torch's own by default.
        """
        values = torch.tanh(self.project(latent))
        codes = self._round(values)
        if self.training and self.mode == "noise":
            noise = torch.rand(values.shape, generator=generator, device=values.device)
            sent = values + (noise - 0.5) * self.step
        else:
            sent = self._values(codes)
            if self.training:
                sent = values + (sent - values).detach()
        return Quantized(self.expand(sent), codes, values.new_zeros(()))

    def encode(self, latent: Tensor, dither: Tensor | None = None) -> Tensor:
        """Return codes, int64 ``(batch, R, frames)``.

        Args:
            latent: ``(batch, channels, frames)``.
            dither: Added before rounding, ``(R, frames)``, within half a cell; the decoder
                subtracts the same. What overshoots is limited to the outermost cells.
        """
        values = torch.tanh(self.project(latent))
        return self._round(values if dither is None else values + dither)

    def decode(self, codes: Tensor, dither: Tensor | None = None) -> Tensor:
        """Return the latent signal of codes, ``(batch, channels, frames)``."""
        values = self._values(codes)
        expanded: Tensor = self.expand(values if dither is None else values - dither)
        return expanded

    def _round(self, values: Tensor) -> Tensor:
        cells = torch.floor((values.detach() + 1.0) / self.step)
        return cells.clamp_(0, self.levels - 1).long()

    def _values(self, codes: Tensor) -> Tensor:
        """Return the midpoints of cells."""
        return (codes.to(self.expand.weight.dtype) + 0.5) * self.step - 1.0


class ResidualBaseline(nn.Module):
    """Residual vector quantisation of the latent signal, which the paper compares with.

    The paper gives no details: codebooks of 1024 are searched by distance and trained by their
    own loss, as in VQ-VAE.
    """

    def __init__(self, channels: int, codebooks: int, size: int) -> None:
        """Make the codebooks."""
        super().__init__()
        self.codebook_sizes = (size,) * codebooks
        self.layers = nn.ModuleList(VectorQuantizer(size, channels) for _ in range(codebooks))

    def forward(self, latent: Tensor, generator: torch.Generator | None = None) -> Quantized:
        """Quantise; in training the gradient passes straight through, and `loss` is filled."""
        del generator  # nothing is random here
        vectors = latent.transpose(1, 2)
        total = torch.zeros_like(vectors)
        loss = latent.new_zeros(())
        rows = []
        for layer in self.layers:
            residual = vectors - total.detach()
            codes, words = layer(residual)
            loss = loss + functional.mse_loss(words, residual.detach())
            loss = loss + COMMITMENT * functional.mse_loss(residual, words.detach())
            total = total + words
            rows.append(codes)
        sent = vectors + (total - vectors).detach() if self.training else total
        return Quantized(sent.transpose(1, 2), torch.stack(rows, dim=1), loss)

    def encode(self, latent: Tensor, dither: Tensor | None = None) -> Tensor:
        """Return codes, int64 ``(batch, codebooks, frames)``; there is no dither for vectors."""
        del dither
        quantized: Quantized = self(latent)
        return quantized.codes

    def decode(self, codes: Tensor, dither: Tensor | None = None) -> Tensor:
        """Return the latent signal of codes, ``(batch, channels, frames)``."""
        del dither
        total = torch.zeros((), device=codes.device)
        for row, layer in enumerate(self.layers):
            assert isinstance(layer, VectorQuantizer)
            total = total + layer.lookup(codes[:, row])
        return total.transpose(1, 2)
