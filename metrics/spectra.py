"""Magnitude spectra that several metrics share, computed once for each signal."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from codecbench.core.audio import Audio

_BLOCK = 32768
"""Samples in the frames that are transformed together."""


def magnitude_spectrum(audio: Audio, window_length: int) -> NDArray[np.float32]:
    """Return the centred short-time magnitude spectrum with a hop of a quarter window.

    Frame k is centred on sample ``k * window_length / 4``; the ends are mirrored. The window is a
    periodic Hann window, not normalised.

    Args:
        audio: Longer than half a window.
        window_length: In samples, a multiple of four.

    Returns:
        Shape ``(frames, window_length // 2 + 1)``; kept with the signal and read-only.
    """
    return audio.derive(
        f"magnitude-spectrum:{window_length}", lambda: _magnitudes(audio.samples, window_length)
    )


def periodic_hann(length: int) -> NDArray[np.float64]:
    """Return a Hann window whose period is its length."""
    return 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(length) / length)


def _magnitudes(samples: NDArray[np.float32], length: int) -> NDArray[np.float32]:
    # Transformed in float64: in float32 a pure tone fills all other bins with rounding noise above
    # the floor of 1e-5 that mel distances have. The result is as good in float32, and half as big.
    padded = np.pad(samples.astype(np.float64), length // 2, mode="reflect")
    frames = sliding_window_view(padded, length)[:: length // 4]
    window = periodic_hann(length)
    bins = length // 2 + 1
    magnitudes = np.empty((len(frames), bins), dtype=np.float32)
    # In blocks whose buffers stay in the cache; all frames at once take four times as long.
    rows = max(1, _BLOCK // length)
    block, spectrum = np.empty((rows, length)), np.empty((rows, bins), dtype=np.complex128)
    power, square = np.empty((rows, bins)), np.empty((rows, bins))
    for start in range(0, len(frames), rows):
        out = magnitudes[start : start + rows]
        used = slice(len(out))
        np.multiply(frames[start : start + rows], window, out=block[used])
        np.fft.rfft(block[used], axis=1, out=spectrum[used])
        # Faster than np.abs, which guards against overflows that samples in [-1, 1] cannot cause.
        np.square(spectrum.real[used], out=power[used])
        power[used] += np.square(spectrum.imag[used], out=square[used])
        np.sqrt(power[used], out=out, casting="same_kind")
    magnitudes.setflags(write=False)
    return magnitudes
