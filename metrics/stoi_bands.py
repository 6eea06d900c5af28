"""From samples to the band envelopes that STOI and ESTOI compare.

Source:
    Taal et al., IEEE TASLP 19(7), 2011, doi:10.1109/TASL.2011.2114881, section II, with the details
    of the authors' MATLAB code: symmetric Hann windows without their zeros, the last frame left
    out, bands from the bins nearest to their edges, and Octave's resampler.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from codecbench.core.errors import TooShortError

SAMPLE_RATE = 10000
FRAME = 256
HOP = 128
FFT = 512
BANDS = 15
LOWEST_CENTRE_HZ = 150.0
SEGMENT_FRAMES = 30
DYNAMIC_RANGE_DB = 40.0
MIN_SECONDS = (SEGMENT_FRAMES * HOP + FRAME) / SAMPLE_RATE
"""What 30 frames take when none of them is silent."""
_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoiReference:
    """What the reference decides.

    Attributes:
        n_samples: Length at 10 kHz.
        active: Which frames are kept, shape ``(frames,)``.
        bands: Band envelopes of what is kept, shape ``(BANDS, frames kept - 1)``.
    """

    n_samples: int
    active: NDArray[np.bool_]
    bands: NDArray[np.float64]


def analyse_reference(samples: NDArray[np.float64], sample_rate: int) -> StoiReference:
    """Find the active frames of a reference and their band envelopes.

    Raises:
        TooShortError: Fewer than 30 frames remain after silence removal.
    """
    resampled = resample_as_octave(samples, sample_rate)
    frames = _windowed_frames(resampled)
    if len(frames) <= SEGMENT_FRAMES:
        raise TooShortError(_too_few(len(frames) - 1))
    level_db = 20.0 * np.log10(np.sqrt(np.einsum("ij,ij->i", frames, frames)) + _EPS)
    active = level_db > level_db.max() - DYNAMIC_RANGE_DB
    if int(active.sum()) <= SEGMENT_FRAMES:
        raise TooShortError(_too_few(int(active.sum()) - 1))
    return StoiReference(
        n_samples=resampled.size, active=active, bands=_band_envelopes(frames[active])
    )


def analyse_degraded(
    reference: StoiReference, samples: NDArray[np.float64], sample_rate: int
) -> NDArray[np.float64]:
    """Compute the band envelopes of a degraded signal where the reference is active.

    Returns:
        Shape ``(BANDS, frames)`` as in `reference`.
    """
    resampled = resample_as_octave(samples, sample_rate)
    return _band_envelopes(_windowed_frames(resampled)[reference.active])


def segments(bands: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return all stretches of 30 frames as a view, shape ``(BANDS, segments, 30)``."""
    return sliding_window_view(bands, SEGMENT_FRAMES, axis=1)


def resample_as_octave(samples: NDArray[np.float64], sample_rate: int) -> NDArray[np.float64]:
    """Resample to 10 kHz as GNU Octave's ``resample`` does, which the definition relies on."""
    from scipy.signal import resample_poly

    if sample_rate == SAMPLE_RATE:
        return samples
    common = math.gcd(SAMPLE_RATE, sample_rate)
    up, down = SAMPLE_RATE // common, sample_rate // common
    return np.asarray(resample_poly(samples, up, down, window=octave_filter(up, down)))


@lru_cache(maxsize=16)
def octave_filter(up: int, down: int) -> NDArray[np.float64]:
    """Design Octave's anti-aliasing filter: Kaiser window, 60 dB, roll-off a tenth of the cutoff.

    Returns:
        An odd number of taps, symmetric, with a sum of 1.

    Source:
        Oppenheim and Schafer, Discrete-Time Signal Processing, section 7.5 (Kaiser's formulas).
    """
    rejection_db = 60.0
    cutoff = 1.0 / (2.0 * max(up, down))
    half = math.ceil((rejection_db - 8.0) / (28.714 * cutoff / 10.0))
    beta = 0.1102 * (rejection_db - 8.7)
    taps = np.kaiser(2 * half + 1, beta) * np.sinc(2.0 * cutoff * np.arange(-half, half + 1))
    return np.asarray(taps / taps.sum())


def _windowed_frames(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    # A frame that ends exactly with the signal is left out, as in the authors' code.
    count = max(0, -(-(samples.size - FRAME) // HOP))
    if count == 0:
        return np.zeros((0, FRAME))
    return np.asarray(sliding_window_view(samples, FRAME)[::HOP][:count] * frame_window())


@lru_cache(maxsize=1)
def frame_window() -> NDArray[np.float64]:
    """Return the window of a frame, shape ``(FRAME,)``."""
    return np.asarray(np.hanning(FRAME + 2)[1:-1])


def _band_envelopes(kept: NDArray[np.float64]) -> NDArray[np.float64]:
    """Join the frames kept by overlap-add, and take the band envelopes of the joined signal.

    Args:
        kept: Windowed frames, shape ``(frames, FRAME)``.

    Returns:
        Shape ``(BANDS, frames - 1)``.
    """
    import scipy.fft

    joined = np.zeros((len(kept) + 1, HOP))
    joined[:-1] = kept[:, :HOP]
    joined[1:] += kept[:, HOP:]
    spectrum = scipy.fft.rfft(_windowed_frames(joined.ravel()), n=FFT, axis=1)
    power = np.square(spectrum.real)
    power += np.square(spectrum.imag)
    return np.asarray(np.sqrt(band_matrix() @ power.T))


@lru_cache(maxsize=1)
def band_matrix() -> NDArray[np.float64]:
    """Return which bins belong to which third-octave band, shape ``(BANDS, FFT // 2 + 1)``."""
    bins_hz = np.arange(FFT // 2 + 1) * (SAMPLE_RATE / FFT)
    matrix = np.zeros((BANDS, bins_hz.size))
    for band in range(BANDS):
        low, high = (
            int(np.argmin(np.abs(bins_hz - LOWEST_CENTRE_HZ * 2.0 ** ((2 * band + side) / 6.0))))
            for side in (-1, 1)
        )
        matrix[band, low:high] = 1.0
    return matrix


def _too_few(frames: int) -> str:
    return f"{max(0, frames)} frames after silence removal; STOI needs {SEGMENT_FRAMES}"
