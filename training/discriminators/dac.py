"""DAC's discriminator, which adversarial ESC uses too: periods, and bands of complex spectra.

Source:
    Kumar et al., "High-Fidelity Audio Compression with Improved RVQGAN", arXiv:2306.06546, section
    3.4, and the authors' code (MIT) with the settings for 16 kHz: no multi-scale part.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import ceil

import torch
from torch import Tensor, nn
from torch.nn import functional

from codecbench.training.discriminators import period
from codecbench.training.discriminators.conv_stack import Discriminator, Verdict, normed

WINDOWS = (2048, 1024, 512)
EDGES = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)
"""Of the bands, as shares of the bins."""
BAND_CHANNELS = 32
SLOPE = 0.1
PEAK = 0.8
_TINY = 1e-9
_DROPPED = 2
"""Frames at each end that see nothing but padding."""


class BandDiscriminator(nn.Module):
    """Looks at each band of a complex spectrum through layers of its own, and then at all."""

    window: Tensor

    def __init__(self, window: int, *, channels: int = BAND_CHANNELS) -> None:
        """Make the layers.

        Args:
            window: And transform, in samples; the hop is a quarter of it.
            channels: Of every layer.
        """
        super().__init__()
        bins = window // 2 + 1
        self.bands = [(int(low * bins), int(high * bins)) for low, high in pairwise(EDGES)]
        self.band_convs = nn.ModuleList(_band_layers(channels) for _ in self.bands)
        self.post = normed(nn.Conv2d(channels, 1, 3, padding=1), "weight")
        self.register_buffer("window", torch.hann_window(window), persistent=False)

    def forward(self, samples: Tensor) -> Verdict:
        """Return the verdict on ``(batch, samples)``."""
        features: list[Tensor] = []
        ends = []
        spectra = self.spectra(samples)
        for (low, high), layers in zip(self.bands, self.band_convs, strict=True):
            x = spectra[..., low:high]
            assert isinstance(layers, nn.ModuleList)  # for the type checker: ModuleList forgets
            for layer in layers:
                x = functional.leaky_relu(layer(x), SLOPE)
                features.append(x)
            ends.append(x)
        return Verdict(self.post(torch.cat(ends, dim=-1)), features)

    def spectra(self, samples: Tensor) -> Tensor:
        """Return ``(batch, 2, frames, bins)``, as many frames as begun hops."""
        length = self.window.numel()
        hop = length // 4
        n_samples = samples.shape[-1]
        missing = ceil(n_samples / hop) * hop - n_samples
        margin = (length - hop) // 2
        padded = functional.pad(
            samples.float()[:, None], (margin, margin + missing), mode="reflect"
        )[:, 0]
        spectra = torch.stft(padded, length, hop, length, self.window, return_complex=True)
        kept = spectra[..., _DROPPED:-_DROPPED]
        return torch.view_as_real(kept).permute(0, 3, 2, 1)


def _band_layers(channels: int) -> nn.ModuleList:
    layers = [normed(nn.Conv2d(2, channels, (3, 9), padding=(1, 4)), "weight")]
    for _ in range(3):
        conv = nn.Conv2d(channels, channels, (3, 9), (1, 2), padding=(1, 4))
        layers.append(normed(conv, "weight"))
    layers.append(normed(nn.Conv2d(channels, channels, 3, padding=1), "weight"))
    return nn.ModuleList(layers)


class DacDiscriminator(Discriminator):
    """All of DAC's, on signals without offset and at one level."""

    def __init__(
        self,
        *,
        periods: Sequence[int] = period.PERIODS,
        period_channels: Sequence[int] = period.CHANNELS,
        windows: Sequence[int] = WINDOWS,
        band_channels: int = BAND_CHANNELS,
    ) -> None:
        """Make the discriminators.

        Args:
            periods: In samples.
            period_channels: Of the layers of those.
            windows: In samples.
            band_channels: Of the layers of those.
        """
        super().__init__(
            [
                period.multi_period(periods, channels=period_channels, always_pad=True),
                *(BandDiscriminator(window, channels=band_channels) for window in windows),
            ]
        )

    def forward(self, samples: Tensor) -> list[Verdict]:
        """Return the verdicts on ``(batch, samples)``: periods, then windows."""
        centred = samples - samples.mean(dim=-1, keepdim=True)
        peak = centred.abs().amax(dim=-1, keepdim=True)
        return super().forward(PEAK * centred / (peak + _TINY))
