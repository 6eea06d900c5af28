"""CheapTrick: the spectral envelope free of the harmonics, as a cepstrum.

The same numbers as WORLD's, several times faster: frames go through the Fourier transform
together, the noise that guards against zero power is drawn once for all signals, and the envelope
stays a cepstrum, which is what mel-cepstra are made of, so it is not exponentiated, transformed
and transformed back.

Source:
    Morise, CheapTrick, Speech Communication 67, 2015, doi:10.1016/j.specom.2014.09.003, and its
    published form in WORLD, https://github.com/mmorise/World, src/cheaptrick.cpp.
"""

from threading import Lock

import numpy as np
from numpy.typing import NDArray

from codecbench.core.dependency import require

_ROWS = 64
"""Frames that are transformed together; their buffers stay in the cache."""
_NOISE_KEPT = 2_000_000
"""Numbers of the noise that are kept, 8 MB: enough for 12 s of speech."""
_NOISE_SEED = (123456789, 362436069, 521288629, 88675123)
"""Marsaglia's example, which WORLD starts every analysis with; WORLD, src/matlabfunctions.cpp."""


class _Noise:
    """The beginning of WORLD's noise, drawn when first asked for; every analysis starts at 0."""

    def __init__(self) -> None:
        self._kept = np.empty(0, dtype=np.uint32)
        self._state = np.array(_NOISE_SEED, dtype=np.uint32)
        self._lock = Lock()

    def reader(self, wanted: int) -> "_NoiseReader":
        """Return a reader from the start, for about as many numbers as are wanted."""
        from codecbench.metrics.world_envelope_kernels import draw_noise

        with self._lock:
            missing = min(wanted, _NOISE_KEPT) - self._kept.size
            if missing > 0:
                more = np.empty(missing, dtype=np.uint32)
                draw_noise(self._state, more)
                self._kept = np.concatenate((self._kept, more))
            return _NoiseReader(self._kept, self._state.copy())


class _NoiseReader:
    """Hands out noise in order: first what is kept, then what is drawn anew."""

    def __init__(self, kept: NDArray[np.uint32], state: NDArray[np.uint32]) -> None:
        self._kept = kept
        self._state = state
        self._position = 0

    def take(self, count: int) -> NDArray[np.uint32]:
        """Return the next numbers, shape ``(count,)``."""
        from codecbench.metrics.world_envelope_kernels import draw_noise

        start, self._position = self._position, self._position + count
        known = self._kept[start : self._position]
        if known.size == count:
            return known
        rest = np.empty(count - known.size, dtype=np.uint32)
        draw_noise(self._state, rest)
        return np.concatenate((known, rest))


_NOISE = _Noise()


def envelope_cepstra(
    samples: NDArray[np.float64],
    sample_rate: int,
    f0: NDArray[np.float64],
    times: NDArray[np.float64],
    *,
    fft_size: int,
    count: int,
) -> NDArray[np.float64]:
    """Compute cepstra of the CheapTrick envelope.

    Args:
        samples: float64, shape ``(samples,)``, at least one.
        sample_rate: In Hz.
        f0: In Hz, 0 where unvoiced, shape ``(frames,)``; below three periods in a transform it
            counts as unvoiced.
        times: Centres of the frames in s, same shape.
        fft_size: A power of two.
        count: How many coefficients, at most ``fft_size // 2 + 1``.

    Returns:
        The first coefficients of the inverse Fourier transform of the envelope's log power, shape
        ``(frames, count)``.

    Raises:
        MissingDependencyError: scipy is absent.
    """
    from codecbench.metrics.world_envelope_kernels import (
        UNVOICED_F0_HZ,
        lift,
        smooth_power,
        window_frames,
    )

    fft = require("scipy.fft")
    bins = fft_size // 2 + 1
    # The longest window of three periods that fits; WORLD, src/cheaptrick.cpp.
    lowest = 3.0 * sample_rate / (fft_size - 3.0)
    used = np.where(f0 <= lowest, UNVOICED_F0_HZ, f0)
    halves = (1.5 * sample_rate / used + 0.5).astype(np.int64)
    # The thousandth guards against 79.9999..; WORLD, src/cheaptrick.cpp.
    centres = (times * sample_rate + 0.001 + 0.5).astype(np.int64)
    needed = np.cumsum(2 * halves + 1 + bins)
    reader = _NOISE.reader(int(needed[-1]))
    cepstra = np.empty((f0.size, count))
    frames, power = np.empty((_ROWS, fft_size)), np.empty((_ROWS, bins))
    taken = 0
    for start in range(0, f0.size, _ROWS):
        stop = min(start + _ROWS, f0.size)
        pitch, sides = used[start:stop], halves[start:stop]
        noise = reader.take(int(needed[stop - 1]) - taken)
        taken = int(needed[stop - 1])
        block, levels = frames[: stop - start], power[: stop - start]
        window_frames(samples, sample_rate, centres[start:stop], sides, pitch, noise, block)
        spectra = fft.rfft(block, axis=1)
        smooth_power(spectra, sample_rate, sides, pitch, noise, levels)
        np.log(levels, out=levels)
        # The log spectrum is even, so its Fourier transform is a cosine transform.
        part = fft.dct(levels, type=1, axis=1, overwrite_x=True)[:, :count]
        np.divide(part, fft_size, out=cepstra[start:stop])
        lift(cepstra[start:stop], sample_rate, pitch)
    return cepstra
