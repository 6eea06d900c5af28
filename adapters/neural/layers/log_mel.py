"""Logarithmic mel spectra of causal frames, with the filters that HiFi-GAN and librosa use.

Source:
    M. Slaney, "Auditory Toolbox", technical report 1998-010: linear below 1000 Hz, logarithmic
    above, triangles of equal area. Kong et al., arXiv:2010.05646: magnitudes, limited at 1e-5.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from codecbench.adapters.neural.layers.stft import CausalStft

FLOOR = 1e-5
_HZ_PER_MEL = 200.0 / 3.0
_BREAK_HZ = 1000.0
_BREAK_MEL = _BREAK_HZ / _HZ_PER_MEL
_LOG_STEP = np.log(6.4) / 27.0
"""Above 1000 Hz, 27 mels are a factor of 6.4."""


class LogMel(nn.Module):
    """Natural logarithm of mel magnitudes, one frame for each hop."""

    def __init__(
        self, *, sample_rate: int, window: int, hop: int, n_fft: int, bands: int, high_hz: float
    ) -> None:
        """Make window and filters, from 0 Hz to `high_hz`."""
        super().__init__()
        self.stft = CausalStft(window=window, hop=hop, n_fft=n_fft)
        filters = mel_filters(sample_rate=sample_rate, n_fft=n_fft, bands=bands, high_hz=high_hz)
        self.register_buffer("filters", torch.from_numpy(filters).float(), persistent=False)
        self.filters: Tensor

    def forward(self, samples: Tensor) -> Tensor:
        """Return ``(batch, bands, frames)``.

        Args:
            samples: ``(batch, samples)``, a whole number of hops.
        """
        return torch.log((self.filters @ self.stft(samples).abs()).clamp(min=FLOOR))


def mel_filters(*, sample_rate: int, n_fft: int, bands: int, high_hz: float) -> NDArray[np.float64]:
    """Return triangular filters of equal area, ``(bands, n_fft // 2 + 1)``."""
    edges = _mel_to_hz(np.linspace(0.0, float(_hz_to_mel(np.array(high_hz))), bands + 2))
    frequencies = np.arange(n_fft // 2 + 1) * sample_rate / n_fft
    low, centre, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising = (frequencies - low) / (centre - low)
    falling = (high - frequencies) / (high - centre)
    triangles = np.clip(np.minimum(rising, falling), 0.0, None)
    filters: NDArray[np.float64] = triangles * 2.0 / (high - low)
    return filters


def _hz_to_mel(hz: NDArray[np.float64]) -> NDArray[np.float64]:
    above = _BREAK_MEL + np.log(np.maximum(hz, _BREAK_HZ) / _BREAK_HZ) / _LOG_STEP
    return np.where(hz < _BREAK_HZ, hz / _HZ_PER_MEL, above)


def _mel_to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    above = _BREAK_HZ * np.exp(_LOG_STEP * (np.maximum(mel, _BREAK_MEL) - _BREAK_MEL))
    return np.where(mel < _BREAK_MEL, mel * _HZ_PER_MEL, above)
