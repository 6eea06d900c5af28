"""The spectrogram of ViSQOL: root-mean-square levels of a gammatone filter bank, frame by frame.

Source: M. Slaney, "An Efficient Implementation of the Patterson-Holdsworth Auditory Filter Bank",
Apple Technical Report 35, 1993; window and rates as in google/visqol 38d0b016.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

EAR_Q = 9.26449
MIN_BANDWIDTH_HZ = 24.7
"""Glasberg and Moore's bandwidth: f / EAR_Q + MIN_BANDWIDTH_HZ."""

LOWEST_HZ = 50.0
WINDOW_S = 0.08
HOPS_PER_WINDOW = 4
"""Lowest centre frequency, window length and overlap; visqol_manager.cc, analysis_window.h."""

NOISE_FLOOR_DB = -45.0
"""Absolute floor of every level; misc_audio.cc."""


@dataclass(frozen=True)  # no slots: the window and the filters are kept once computed
class FilterBank:
    """A gammatone filter bank with its framing.

    Attributes:
        sample_rate: In Hz.
        bands: Number of filters.
        highest_hz: Upper end of the ERB scale, at most half the sample rate.
    """

    sample_rate: int
    bands: int
    highest_hz: float

    @property
    def size(self) -> int:
        """Samples in a frame."""
        return round(self.sample_rate * WINDOW_S)

    @property
    def hop(self) -> int:
        """Samples from one frame to the next."""
        return self.size // HOPS_PER_WINDOW

    @property
    def frame_s(self) -> float:
        """Seconds from one frame to the next."""
        return self.hop / self.sample_rate

    def count_frames(self, n_samples: int) -> int:
        """Return how many frames a signal has; none if it is not longer than the window."""
        return 1 + (n_samples - self.size) // self.hop if n_samples > self.size else 0

    @cached_property
    def window(self) -> NDArray[np.float64]:
        """Symmetric Hann window, shape ``(size,)``."""
        k = np.arange(self.size)
        return np.asarray(0.5 - 0.5 * np.cos(2 * np.pi * k / (self.size - 1)), dtype=np.float64)

    @cached_property
    def _filters(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return design_filters(
            self.sample_rate, self.bands, min(self.highest_hz, self.sample_rate / 2)
        )

    def levels_db(
        self, samples: NDArray[np.float64], starts: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Return the level of every band in the frames that begin at `starts`.

        Args:
            samples: Shape ``(samples,)``.
            starts: First sample of each frame.

        Returns:
            10 log10 of the root mean square, at least `NOISE_FLOOR_DB`, shape ``(bands, frames)``,
            lowest band first. (10, not 20: so ViSQOL is defined.)
        """
        from codecbench.metrics.visqol_kernels import frame_levels

        sections, gains = self._filters
        levels = frame_levels(
            np.ascontiguousarray(samples), np.asarray(starts, np.int64), self.window, sections
        )
        # Below the floor of -45 dB nothing matters, so a zero becomes anything tiny.
        levels = np.maximum(levels / gains[:, None], 1e-30)
        return np.asarray(np.maximum(10.0 * np.log10(levels), NOISE_FLOOR_DB), dtype=np.float64)

    def spectrogram_db(self, samples: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return `levels_db` of all frames of a signal, shape ``(bands, frames)``."""
        starts = self.hop * np.arange(self.count_frames(samples.size), dtype=np.int64)
        return self.levels_db(samples, starts)


@lru_cache(maxsize=8)
def filter_bank(sample_rate: int, bands: int, highest_hz: float) -> FilterBank:
    """Return the filter bank, designed once per process."""
    return FilterBank(sample_rate, bands, highest_hz)


def design_filters(
    sample_rate: int, bands: int, highest_hz: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Design Slaney's four-section gammatone filters on the ERB scale.

    Each section has the pole pair ``r exp(±jθ)`` and one real zero; the leading coefficient is 1
    and the cascade's magnitude at the centre frequency is returned beside it.

    Args:
        sample_rate: In Hz.
        bands: Number of filters.
        highest_hz: Upper end of the scale; the centre frequencies end below it.

    Returns:
        Sections, shape ``(bands, 6)``: a1, a2, c1 … c4; gains, shape ``(bands,)``. Lowest first.
    """
    offset = EAR_Q * MIN_BANDWIDTH_HZ
    steps = np.arange(bands, 0, -1) / bands
    ratio = (LOWEST_HZ + offset) / (highest_hz + offset)
    centres = (highest_hz + offset) * ratio**steps - offset
    # 1.019: bandwidth of a fourth-order gammatone for one ERB (Patterson and others, 1992).
    decay = 1.019 * 2 * np.pi * (centres / EAR_Q + MIN_BANDWIDTH_HZ)
    theta = 2 * np.pi * centres / sample_rate
    radius = np.exp(-decay / sample_rate)
    spread = np.array([1, -1, 1, -1]) * np.sqrt(3 + np.array([1, 1, -1, -1]) * np.sqrt(8))
    zeros = radius[:, None] * (np.cos(theta)[:, None] + np.sin(theta)[:, None] * spread)
    sections = np.column_stack([-2 * radius * np.cos(theta), radius**2, -zeros])
    z = np.exp(-1j * theta)[:, None]
    numerator = np.prod(1 - zeros * z, axis=1)
    denominator = 1 + sections[:, :1] * z + sections[:, 1:2] * z**2
    gains = np.abs(numerator / denominator[:, 0] ** 4)
    return np.ascontiguousarray(sections), gains
