"""Mean distance of logarithmic mel spectra at several resolutions.

Source:
    Kong et al., arXiv:2010.05646, equation 7, for one resolution; Kumar et al., arXiv:2306.06546,
    section 3.5, for the use of several.
"""

import torch
from torch import Tensor, nn

from codecbench.adapters.neural.layers.log_mel import FLOOR, mel_filters


class LogMelDistance(nn.Module):
    """L1 distance of natural logarithms of mel magnitudes, averaged over resolutions."""

    def __init__(
        self,
        resolutions: tuple[tuple[int, int], ...] = ((512, 40), (1024, 80), (2048, 80)),
        *,
        sample_rate: int = 16000,
    ) -> None:
        """Make windows and filters.

        Args:
            resolutions: Window, which is also the transform, in samples, and number of bands of
                each; the hop is a quarter of the window.
            sample_rate: In Hz.
        """
        super().__init__()
        self.resolutions = resolutions
        for index, (window, bands) in enumerate(resolutions):
            filters = mel_filters(
                sample_rate=sample_rate, n_fft=window, bands=bands, high_hz=sample_rate / 2
            )
            shape = torch.hann_window(window)
            self.register_buffer(f"window_{index}", shape, persistent=False)
            self.register_buffer(
                f"filters_{index}", torch.from_numpy(filters).float(), persistent=False
            )

    def forward(self, decoded: Tensor, target: Tensor) -> Tensor:
        """Return the distance, a scalar.

        Args:
            decoded: ``(batch, samples)``.
            target: Of the same shape; gets no gradient.
        """
        return self.both(decoded, target)[0]

    def both(self, decoded: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Return the distance, and one in which loud bands count more than quiet ones.

        Most bands of speech are quiet, and logarithms know no difference. The second distance is
        that of the roots of the magnitudes, as a share of what there is.
        """
        logarithmic = decoded.new_zeros(())
        loud = decoded.new_zeros(())
        for index in range(len(self.resolutions)):
            with torch.no_grad():
                wanted = self.log_mel(target, index)
                root = (wanted / 2).exp()
            found = self.log_mel(decoded, index)
            logarithmic = logarithmic + (found - wanted).abs().mean()
            loud = loud + ((found / 2).exp() - root).abs().sum() / root.sum()
        count = len(self.resolutions)
        return logarithmic / count, loud / count

    def log_mel(self, samples: Tensor, index: int) -> Tensor:
        """Return the logarithmic mel spectrum at one resolution, ``(batch, bands, frames)``."""
        window, _ = self.resolutions[index]
        spectra = torch.stft(
            samples.float(),
            window,
            window // 4,
            window,
            self.get_buffer(f"window_{index}"),
            return_complex=True,
        )
        # The magnitude of zero has no gradient.
        power = (spectra.real.square() + spectra.imag.square()).clamp(min=1e-12)
        return (self.get_buffer(f"filters_{index}") @ power.sqrt()).clamp(min=FLOOR).log()
