"""Distances of magnitude spectra at several resolutions.

Source:
    Yamamoto, Song & Kim, "Parallel WaveGAN", arXiv:1910.11480, equations 5 to 7 and table of
    resolutions; the logarithmic term is the mean over bins and frames.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

RESOLUTIONS = ((1024, 120, 600), (2048, 240, 1200), (512, 50, 240))
"""Transform, hop and window in samples."""
FLOOR = 1e-7
"""Least power of a bin: its root and its logarithm need a gradient. Source: Parallel WaveGAN's
reference implementation."""


class MultiResolutionStft(nn.Module):
    """Spectral convergence and distance of logarithmic magnitudes, each a mean over resolutions."""

    def __init__(self, resolutions: Sequence[tuple[int, int, int]] = RESOLUTIONS) -> None:
        """Make the windows.

        Args:
            resolutions: Transform, hop and window of each, in samples.
        """
        super().__init__()
        self.resolutions = tuple(resolutions)
        for index, (_, _, window) in enumerate(self.resolutions):
            shape = torch.hann_window(window)
            self.register_buffer(f"window_{index}", shape, persistent=False)

    def forward(self, decoded: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Return both terms as scalars.

        Args:
            decoded: ``(batch, samples)``.
            target: Of the same shape; gets no gradient.
        """
        convergence = decoded.new_zeros(())
        logarithmic = decoded.new_zeros(())
        for index in range(len(self.resolutions)):
            with torch.no_grad():
                wanted = self.magnitudes(target, index)
            found = self.magnitudes(decoded, index)
            convergence = convergence + _norm(wanted - found) / _norm(wanted)
            logarithmic = logarithmic + (wanted.log() - found.log()).abs().mean()
        count = len(self.resolutions)
        return convergence / count, logarithmic / count

    def magnitudes(self, samples: Tensor, index: int) -> Tensor:
        """Return the magnitudes at one resolution, ``(batch, bins, frames)``."""
        n_fft, hop, window = self.resolutions[index]
        spectra = torch.stft(
            samples.float(),
            n_fft,
            hop,
            window,
            self.get_buffer(f"window_{index}"),
            return_complex=True,
        )
        return (spectra.real.square() + spectra.imag.square()).clamp(min=FLOOR).sqrt()


def _norm(x: Tensor) -> Tensor:
    return x.square().sum().sqrt()
