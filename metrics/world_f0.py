"""DIO and StoneMask: the fundamental frequency, as WORLD finds it, several times faster.

DIO cuts the signal into half-octave bands and looks for the one in which the fundamental is alone.
The bands come from one pass of short Fourier transforms with filters made once, instead of two
transforms of the whole signal for each band. StoneMask needs eight bins of a frame's spectrum, so
it computes those alone.

In digital silence the bands hold nothing but the rounding errors of WORLD's transforms. It has
not been seen to find pitch there, but a track that reaches such a place may go either way. The
result tells, and the caller asks WORLD itself.

Source:
    Morise, Kawahara and Katayose, AES 35th Int. Conf., 2009 (DIO); Morise, Speech Communication
    67, 2015 (WORLD's parts); https://github.com/mmorise/World, src/dio.cpp, src/stonemask.cpp.
"""

import math
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from codecbench.core.dependency import require

_BLOCK = 4096
"""Length of the short Fourier transforms; their buffers stay in the cache."""
_CHANNELS_IN_OCTAVE = 2.0
_LARGEST_STEP = 0.1
"""Both are DIO's defaults; WORLD, src/dio.cpp."""
_LOW_CUT_HZ = 50.0
"""WORLD, src/world/constantnumbers.h."""
_NUTTALL = (0.355768, -0.487396, 0.144232, -0.012604)
"""Nuttall, IEEE TASSP 29(1), 1981, doi:10.1109/TASSP.1981.1163506; WORLD, src/common.cpp."""
_ROUNDING = 1e-13
"""Slope of an event, relative to the most that a filter makes of the whole signal, below which
rounding moves it by over a thousandth of a sample: the errors of WORLD's transforms are a few
1e-17 of that."""


class _Bands:
    """The band filters for one sample rate and range of F0."""

    def __init__(self, sample_rate: int, f0_floor: float, f0_ceil: float) -> None:
        fft = require("scipy.fft")
        self.sample_rate = sample_rate
        octaves = math.log(f0_ceil / f0_floor) / math.log(2.0)
        count = 1 + int(octaves * _CHANNELS_IN_OCTAVE)
        self.edges_hz = [
            f0_floor * 2.0 ** ((band + 1) / _CHANNELS_IN_OCTAVE) for band in range(count)
        ]
        self.low_cut = _low_cut(sample_rate)
        self.halves = [int(sample_rate / edge / 2.0 + 0.5) for edge in self.edges_hz]
        self.low_passes = [_nuttall(4 * half) for half in self.halves]
        # Both filters of a band as one, its middle at sample 0 of a block.
        self.reach = self.low_cut.size // 2 + 2 * max(self.halves)
        self.spectra, self.gains = [], []
        for half, low_pass in zip(self.halves, self.low_passes, strict=True):
            taps = np.convolve(self.low_cut, low_pass)
            padded = np.zeros(_BLOCK)
            padded[: taps.size] = taps
            middle = self.low_cut.size // 2 + 2 * half
            self.spectra.append(fft.rfft(np.roll(padded, -middle)))
            self.gains.append(float(np.abs(taps).sum()))

    def whole_size(self, length: int) -> int:
        """Return how long WORLD's transform of a signal is; WORLD, src/dio.cpp."""
        needed = length + self.low_cut.size + 4 * int(1.0 + self.sample_rate / self.edges_hz[0] / 2)
        return int(2 ** (int(math.log2(needed)) + 1))

    def blemish(
        self, band: int, size: int, last: float, before: complex
    ) -> tuple[float, float, float]:
        """Return what WORLD adds to a band by mixing up the last two bins of its spectrum.

        It mirrors the product of spectra about one half sample too early, and so multiplies and
        overwrites the last two bins; a millionth of the signal comes of it.

        Args:
            band: Number of the band.
            size: Length of WORLD's transform.
            last: Last bin of the signal's transform.
            before: The one before.

        Returns:
            As for `join_blocks`.
        """
        reach, half = self.low_cut.size // 2, self.halves[band]
        cut_last, cut_before = _top_bins(self.low_cut, size, reach)
        pass_last, pass_before = _top_bins(self.low_passes[band], size, 0)
        last *= cut_last
        right = before * cut_before * pass_before
        wrong = last * right
        constant = (wrong.real - last * pass_last) / size
        # Back in time the bin before the last one turns against the alternating sign, and the
        # band is read 2 * half samples on, an even number.
        phasor = 2.0 * (wrong - right) * np.exp(-2j * np.pi * 2 * half / size) / size
        return constant, float(phasor.real), float(phasor.imag)


@lru_cache(maxsize=8)
def _bands(sample_rate: int, f0_floor: float, f0_ceil: float) -> _Bands:
    return _Bands(sample_rate, f0_floor, f0_ceil)


def _top_bins(taps: NDArray[np.float64], size: int, middle: int) -> tuple[float, complex]:
    """Return the last two bins of a filter's transform, the last one first."""
    index = np.arange(taps.size) - middle
    signed = np.where(index % 2, -taps, taps)
    return float(signed.sum()), complex((signed * np.exp(2j * np.pi * index / size)).sum())


def _low_cut(sample_rate: int) -> NDArray[np.float64]:
    """Return a high-pass: a pulse less a Hann window; WORLD, src/dio.cpp."""
    reach = int(sample_rate / _LOW_CUT_HZ + 0.5)
    length = 2 * reach + 1
    hann = 0.5 - 0.5 * np.cos(np.arange(1, length + 1) * 2.0 * np.pi / (length + 1))
    taps = np.asarray(-hann / hann.sum())
    taps[reach] += 1.0
    return taps


def _nuttall(length: int) -> NDArray[np.float64]:
    angle = 2.0 * np.pi * np.arange(length) / (length - 1.0)
    terms = [weight * np.cos(k * angle) for k, weight in enumerate(_NUTTALL)]
    return np.asarray(sum(terms))


def dio(
    samples: NDArray[np.float64],
    sample_rate: int,
    *,
    f0_floor: float,
    f0_ceil: float,
    frame_ms: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64], bool]:
    """Estimate F0 by DIO.

    Args:
        samples: float64, shape ``(samples,)``, at least two.
        sample_rate: In Hz.
        f0_floor: Lowest F0 in Hz.
        f0_ceil: Highest F0 in Hz.
        frame_ms: Frame period in ms.

    Returns:
        F0 in Hz, 0 where unvoiced; the centres of the frames in s; and whether the track hangs on
        rounding errors, so that WORLD may find another one. The arrays have shape ``(frames,)``.

    Raises:
        MissingDependencyError: scipy is absent.
    """
    from codecbench.metrics.world_dio_kernels import band_candidates
    from codecbench.metrics.world_track_kernels import join_candidates

    frames = int(1000.0 * samples.size / sample_rate / frame_ms) + 1
    times = np.asarray(np.arange(frames) * frame_ms / 1000.0, dtype=np.float64)
    f0 = np.zeros(frames)
    # Three periods of the lowest F0, odd; WORLD, src/dio.cpp.
    shortest = int(0.5 + 1000.0 / frame_ms / f0_floor) * 2 + 1
    if frames <= shortest:
        return f0, times, False
    bands = _bands(sample_rate, f0_floor, f0_ceil)
    # WORLD takes one sample more than there are, a zero.
    signal = np.append(samples, 0.0)
    signal -= signal.mean()
    level = float(np.sqrt(np.mean(np.square(signal))))
    candidates = np.empty((len(bands.edges_hz), frames))
    scores = np.empty_like(candidates)
    doubtful = np.zeros((len(bands.edges_hz), frames), dtype=np.bool_)
    for band, filtered in enumerate(_filter(signal, bands)):
        band_candidates(
            filtered,
            _ROUNDING * level * bands.gains[band],
            float(sample_rate),
            bands.edges_hz[band],
            (f0_floor, f0_ceil),
            times,
            candidates[band],
            scores[band],
            doubtful[band],
        )
    edges = np.array(bands.edges_hz)
    hangs = join_candidates(candidates, scores, doubtful, edges, shortest, _LARGEST_STEP, f0)
    return f0, times, bool(hangs)


def _filter(signal: NDArray[np.float64], bands: _Bands) -> Iterator[NDArray[np.float64]]:
    """Yield the signal band by band; each is gone when the next one comes."""
    from codecbench.metrics.world_dio_kernels import join_blocks, top_bins

    fft = require("scipy.fft")
    length = signal.size
    step = _BLOCK - 2 * bands.reach
    rows = -(-length // step)
    padded = np.zeros(rows * step + 2 * bands.reach)
    padded[bands.reach : bands.reach + length] = signal
    blocks = np.lib.stride_tricks.sliding_window_view(padded, _BLOCK)[::step]
    spectra = fft.rfft(blocks, axis=1)
    product, filtered = np.empty_like(spectra), np.empty(length)
    size = bands.whole_size(length)
    last, *before = top_bins(signal, size)
    for band, spectrum in enumerate(bands.spectra):
        np.multiply(spectra, spectrum, out=product)
        pieces = fft.irfft(product, n=_BLOCK, axis=1)
        blemish = bands.blemish(band, size, last, complex(*before))
        join_blocks(pieces, bands.reach, blemish, 2.0 * math.pi / size, filtered)
        yield filtered


def stonemask(
    samples: NDArray[np.float64],
    sample_rate: int,
    f0: NDArray[np.float64],
    times: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Refine F0 by StoneMask.

    Args:
        samples: float64, shape ``(samples,)``.
        sample_rate: In Hz.
        f0: First estimate in Hz, 0 where unvoiced, shape ``(frames,)``.
        times: Centres of the frames in s, same shape.

    Returns:
        F0 in Hz, same shape.
    """
    from codecbench.metrics.world_stonemask_kernels import refine_track

    refined = np.empty_like(f0)
    refine_track(samples, sample_rate, f0, times, refined)
    return refined
