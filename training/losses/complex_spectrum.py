"""Distance of complex spectra whose magnitudes are compressed: unlike mel distances, of phases too.

Source:
    Braun & Tashev, arXiv:2009.12286, section 3.2.
"""

import torch
from torch import Tensor, nn

WINDOW = 512
HOP = 128
POWER = 0.3
_FLOOR = 1e-3
"""Magnitudes below it are not compressed further: their gradients would have no bound."""


class ComplexSpectrumDistance(nn.Module):
    """Mean squared distance of real and imaginary parts, magnitudes raised to the power 0.3."""

    window: Tensor

    def __init__(self) -> None:
        """Make the window."""
        super().__init__()
        self.register_buffer("window", torch.hann_window(WINDOW), persistent=False)

    def forward(self, decoded: Tensor, target: Tensor) -> Tensor:
        """Return the distance, a scalar.

        Args:
            decoded: ``(batch, samples)``.
            target: Of the same shape; gets no gradient.
        """
        with torch.no_grad():
            wanted = self.compressed(target)
        return (self.compressed(decoded) - wanted).square().mean()

    def compressed(self, samples: Tensor) -> Tensor:
        """Return real and imaginary parts, ``(batch, bins, frames, 2)``."""
        spectra = torch.stft(samples.float(), WINDOW, HOP, WINDOW, self.window, return_complex=True)
        parts = torch.view_as_real(spectra)
        power = parts.square().sum(dim=-1, keepdim=True).clamp(min=_FLOOR**2)
        return parts * power ** ((POWER - 1) / 2)
