"""Mel filter banks after Slaney and after HTK, applied band by band.

Source:
    M. Slaney, Auditory Toolbox, Interval Research TR 1998-010 (linear below 1 kHz, logarithmic
    above; filters of equal area); S. Young et al., The HTK Book, section 5.6 (filters of equal
    height on the scale 2595 log10(1 + f / 700)).
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Scale: TypeAlias = Literal["slaney", "htk"]

_GROUP = 20
"""Filters that are applied together: enough for an efficient product, few enough to skip zeros."""
_SLANEY_HZ_PER_MEL = 200.0 / 3.0
_SLANEY_BREAK_HZ = 1000.0
_SLANEY_LOG_STEP = np.log(6.4) / 27.0  # 27 filters from 1 kHz to 6.4 kHz


@dataclass(frozen=True, slots=True, kw_only=True)
class MelFilters:
    """A bank of triangular filters, cut into groups that touch few bins.

    Attributes:
        n_mels: Number of filters.
        groups: For each group its first filter, its first bin, and its weights, shape
            ``(bins, filters)``.
    """

    n_mels: int
    groups: tuple[tuple[int, int, NDArray[np.float32]], ...]

    def apply(self, spectrum: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return mel values ``(frames, n_mels)`` of a spectrum ``(frames, bins)``."""
        out = np.empty((len(spectrum), self.n_mels), dtype=np.float32)
        for filter_at, bin_at, weights in self.groups:
            bins, filters = weights.shape
            band = spectrum[:, bin_at : bin_at + bins]
            np.matmul(band, weights, out=out[:, filter_at : filter_at + filters])
        return out


@lru_cache(maxsize=64)
def mel_filters(sample_rate: int, n_fft: int, n_mels: int, scale: Scale) -> MelFilters:
    """Make the filter bank from 0 Hz to half the sample rate."""
    weights = mel_weights(sample_rate, n_fft, n_mels, scale)
    groups = []
    for start in range(0, n_mels, _GROUP):
        group = weights[:, start : start + _GROUP]
        used = np.flatnonzero(group.any(axis=1))
        low, high = (int(used[0]), int(used[-1]) + 1) if used.size else (0, 1)
        groups.append((start, low, np.ascontiguousarray(group[low:high], dtype=np.float32)))
    return MelFilters(n_mels=n_mels, groups=tuple(groups))


def mel_weights(sample_rate: int, n_fft: int, n_mels: int, scale: Scale) -> NDArray[np.float64]:
    """Return all weights, shape ``(n_fft // 2 + 1, n_mels)``.

    Args:
        sample_rate: In Hz.
        n_fft: Length of the transform in samples.
        n_mels: Number of filters.
        scale: "slaney" gives every filter an area of 1 Hz, "htk" a height of 1.
    """
    bins_hz = np.arange(n_fft // 2 + 1)[:, None] * (sample_rate / n_fft)
    top = _hz_to_mel(np.array([sample_rate / 2.0]), scale)[0]
    edges_hz = _mel_to_hz(np.linspace(0.0, top, n_mels + 2), scale)
    low, centre, high = edges_hz[:-2], edges_hz[1:-1], edges_hz[2:]
    rising = (bins_hz - low) / (centre - low)
    falling = (high - bins_hz) / (high - centre)
    weights: NDArray[np.float64] = np.maximum(0.0, np.minimum(rising, falling))
    if scale == "slaney":
        weights *= 2.0 / (high - low)
    return weights


def _hz_to_mel(hz: NDArray[np.float64], scale: Scale) -> NDArray[np.float64]:
    if scale == "htk":
        return np.asarray(2595.0 * np.log10(1.0 + hz / 700.0))
    above = np.log(np.maximum(hz, _SLANEY_BREAK_HZ) / _SLANEY_BREAK_HZ) / _SLANEY_LOG_STEP
    return np.asarray(np.minimum(hz, _SLANEY_BREAK_HZ) / _SLANEY_HZ_PER_MEL + above)


def _mel_to_hz(mel: NDArray[np.float64], scale: Scale) -> NDArray[np.float64]:
    if scale == "htk":
        return np.asarray(700.0 * (10.0 ** (mel / 2595.0) - 1.0))
    break_mel = _SLANEY_BREAK_HZ / _SLANEY_HZ_PER_MEL
    above = np.exp(_SLANEY_LOG_STEP * np.maximum(mel - break_mel, 0.0))
    return np.asarray(np.minimum(mel, break_mel) * _SLANEY_HZ_PER_MEL * above)
