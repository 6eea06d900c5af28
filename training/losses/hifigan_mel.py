"""HiFi-GAN's mel spectrum and the distances that HiFi-Codec makes of it.

Source:
    Kong et al., "HiFi-GAN", arXiv:2010.05646, section 2.4; Yang et al., "HiFi-Codec",
    arXiv:2305.02765, and https://github.com/yangdongchao/AcademiCodec, commit b6ac134, for sizes
    and weights.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from codecbench.adapters.neural.layers.log_mel import FLOOR, mel_filters

BANDS = 80
SMALL = ((512, 120), (256, 60))
"""Transform, which is also the window, and hop of the further spectra. The official code computes a
third one, (128, 30), and leaves it out of the sum."""
_TINY = 1e-9


class HifiGanMel(nn.Module):
    """Natural logarithm of mel magnitudes; the ends are mirrored so that hops are whole."""

    window: Tensor
    filters: Tensor

    def __init__(
        self, *, n_fft: int, hop: int, window: int, bands: int = BANDS, sample_rate: int = 16000
    ) -> None:
        """Make window and filters, from 0 Hz to half the sample rate.

        Args:
            n_fft: Transform in samples.
            hop: From frame to frame, in samples.
            window: In samples, at most `n_fft`.
            bands: Number of filters, of equal area.
            sample_rate: In Hz.
        """
        super().__init__()
        self.n_fft, self.hop = n_fft, hop
        filters = mel_filters(
            sample_rate=sample_rate, n_fft=n_fft, bands=bands, high_hz=sample_rate / 2
        )
        self.register_buffer("window", torch.hann_window(window), persistent=False)
        self.register_buffer("filters", torch.from_numpy(filters).float(), persistent=False)

    def forward(self, samples: Tensor) -> Tensor:
        """Return ``(batch, bands, frames)`` of ``(batch, samples)``."""
        margin = (self.n_fft - self.hop) // 2
        padded = functional.pad(samples.float()[:, None], (margin, margin), mode="reflect")[:, 0]
        spectra = torch.stft(
            padded,
            self.n_fft,
            self.hop,
            self.window.numel(),
            self.window,
            center=False,
            return_complex=True,
        )
        magnitudes = (spectra.real.square() + spectra.imag.square() + _TINY).sqrt()
        mels: Tensor = torch.log((self.filters @ magnitudes).clamp(min=FLOOR))
        return mels

    def distance(self, decoded: Tensor, target: Tensor) -> Tensor:
        """Return the mean absolute difference; `target` gets no gradient."""
        with torch.no_grad():
            wanted: Tensor = self(target)
        found: Tensor = self(decoded)
        return (found - wanted).abs().mean()


class HifiCodecMelDistance(nn.Module):
    """The distance at the codec's own resolution and, with less weight, at two finer ones."""

    def __init__(
        self, *, n_fft: int = 1024, hop: int = 200, window: int = 800, sample_rate: int = 16000
    ) -> None:
        """Make the spectra; the defaults are those for 16 kHz."""
        super().__init__()
        self.main = HifiGanMel(n_fft=n_fft, hop=hop, window=window, sample_rate=sample_rate)
        self.small = nn.ModuleList(
            HifiGanMel(n_fft=size, hop=step, window=size, sample_rate=sample_rate)
            for size, step in SMALL
        )

    def forward(self, decoded: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Return the distance at the main resolution, and the sum of the others.

        Args:
            decoded: ``(batch, samples)``.
            target: Of the same shape; gets no gradient.
        """
        others = [
            each.distance(decoded, target) for each in self.small if isinstance(each, HifiGanMel)
        ]
        return self.main.distance(decoded, target), torch.stack(others).sum()
