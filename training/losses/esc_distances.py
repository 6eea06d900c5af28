"""What ESC minimises: mel spectra at seven resolutions, and compressed complex spectra.

Source:
    Gu & Diao, "ESC", EMNLP 2024, arXiv:2404.19441, section 3.4, and the authors' code (MIT), which
    sums over resolutions and takes magnitudes and logarithms alike.
"""

import torch
from torch import Tensor, nn

from codecbench.metrics.mel_filters import mel_weights

WINDOWS = (32, 64, 128, 256, 512, 1024, 2048)
MELS = (5, 10, 20, 40, 80, 160, 320)
MEL_FLOOR = 1e-5
POWER = 0.3
POWER_OFFSET = 1e-10


class EscMelDistance(nn.Module):
    """Sum over resolutions of the distances of mel magnitudes and of log10 of their squares.

    Filters are HTK's without normalisation, windows periodic Hann, frames centred and the ends
    mirrored.
    """

    def __init__(self, *, sample_rate: int = 16000) -> None:
        """Make windows and filters.

        Args:
            sample_rate: In Hz.
        """
        super().__init__()
        for window, mels in zip(WINDOWS, MELS, strict=True):
            filters = torch.from_numpy(mel_weights(sample_rate, window, mels, "htk").T.copy())
            self.register_buffer(f"window_{window}", torch.hann_window(window), persistent=False)
            self.register_buffer(f"filters_{window}", filters.float(), persistent=False)

    def forward(self, decoded: Tensor, target: Tensor) -> Tensor:
        """Return the distance, a scalar.

        Args:
            decoded: ``(batch, samples)``, more than 1024 of them.
            target: Of the same shape; gets no gradient.
        """
        return torch.stack([part for pair in self.parts(decoded, target) for part in pair]).sum()

    def parts(self, decoded: Tensor, target: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Return the distance of magnitudes and that of logarithms for each resolution."""
        found = []
        for window in WINDOWS:
            mine = self.magnitudes(decoded, window)
            with torch.no_grad():
                wanted = self.magnitudes(target, window)
            logarithms = [each.clamp(min=MEL_FLOOR).square().log10() for each in (mine, wanted)]
            found.append(
                ((mine - wanted).abs().mean(), (logarithms[0] - logarithms[1]).abs().mean())
            )
        return found

    def magnitudes(self, samples: Tensor, window: int) -> Tensor:
        """Return mel magnitudes at one resolution, ``(batch, mels, frames)``."""
        spectra = torch.stft(
            samples.float(),
            window,
            window // 4,
            window,
            self.get_buffer(f"window_{window}"),
            return_complex=True,
        )
        return self.get_buffer(f"filters_{window}") @ spectra.abs()


def compressed_distance(decoded: Tensor, target: Tensor) -> Tensor:
    """Return the mean squared difference of spectra whose parts are raised to the power of 0.3.

    Args:
        decoded: Real and imaginary parts, in any shape.
        target: Of the same shape.
    """
    return (_compress(decoded) - _compress(target)).square().mean()


def _compress(parts: Tensor) -> Tensor:
    return parts.sign() * (parts.abs() + POWER_OFFSET) ** POWER
