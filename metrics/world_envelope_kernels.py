"""The inner loops of CheapTrick, compiled; what lies between them are Fourier transforms.

Import this module inside a function: it loads numba. Steps and constants are those of CheapTrick
(Morise, Speech Communication 67, 2015, doi:10.1016/j.specom.2014.09.003) as WORLD has it,
https://github.com/mmorise/World, src/cheaptrick.cpp and src/common.cpp. Cosines at equal steps are
made lane by lane by turning phasors, which LLVM turns into vector instructions.
"""

import math

import numpy as np
from numpy.typing import NDArray

from codecbench.metrics.compiled import compiled

LANES = 8
"""Phasors turned side by side; a constant, so that loops unroll."""

UNVOICED_F0_HZ = 500.0
"""What stands in for F0 where there is none; WORLD, src/world/constantnumbers.h."""

WINDOW_NOISE = 1e-12
SPECTRUM_NOISE = 2.0**-52
"""Of the safeguards against zero power: deviation before the spectrum, factor after smoothing;
WORLD, src/world/constantnumbers.h, src/cheaptrick.cpp."""

RECOVERY = -0.15
"""The constant q1 of the spectral recovery; WORLD, src/cheaptrick.cpp."""


@compiled
def draw_noise(state: NDArray[np.uint32], noise: NDArray[np.uint32]) -> None:
    """Fill an array with WORLD's noise: sums of twelve 28-bit numbers of a xorshift generator.

    Args:
        state: The generator's four words, carried forward.
        noise: Filled; ``noise / 2**28 - 6`` is about normally distributed.

    Source:
        Marsaglia, Xorshift RNGs, J. Stat. Softw. 8(14), 2003, doi:10.18637/jss.v008.i14, section
        3.1 with shifts 11, 8, 19; WORLD, src/matlabfunctions.cpp.
    """
    x, y, z, w = state[0], state[1], state[2], state[3]
    for index in range(noise.size):
        total = np.uint32(0)
        for _ in range(12):
            t = np.uint32(x ^ np.uint32(x << np.uint32(11)))
            x, y, z = y, z, w
            w = np.uint32((w ^ (w >> np.uint32(19))) ^ (t ^ (t >> np.uint32(8))))
            total = np.uint32(total + (w >> np.uint32(4)))
        noise[index] = total
    state[0], state[1], state[2], state[3] = x, y, z, w


@compiled
def _make_window(half: int, f0: float, sample_rate: int, window: NDArray[np.float64]) -> float:
    """Fill in a Hann window of three periods, of energy 1, and return the sum of its samples."""
    length = 2 * half + 1
    for side in range(half + 1):
        position_s = side / 1.5 / sample_rate
        value = 0.5 * math.cos(math.pi * position_s * f0) + 0.5
        window[half + side] = value
        window[half - side] = value
    square = 0.0
    for index in range(length):
        square += window[index] * window[index]
    root = math.sqrt(square)
    total = 0.0
    for index in range(length):
        window[index] /= root
        total += window[index]
    return total


@compiled
def window_frames(
    samples: NDArray[np.float64],
    sample_rate: int,
    centres: NDArray[np.int64],
    halves: NDArray[np.int64],
    f0: NDArray[np.float64],
    noise: NDArray[np.uint32],
    frames: NDArray[np.float64],
) -> None:
    """Cut out frames, three periods of F0 long, free of their weighted mean.

    Args:
        samples: Signal; its end samples are repeated beyond its ends.
        sample_rate: In Hz.
        centres: Middle sample of each frame, shape ``(frames,)``.
        halves: Samples on either side of the middle, same shape.
        f0: In Hz, above 0, same shape.
        noise: One number for each sample of the windows, then one for each bin, frame by frame.
        frames: Filled, shape ``(frames, fft_size)``, zeros after the window.
    """
    bins = frames.shape[1] // 2 + 1
    window = np.empty(frames.shape[1])
    position, known, total = 0, -1.0, 0.0
    last = samples.size - 1
    for row in range(centres.size):
        half = halves[row]
        length = 2 * half + 1
        if f0[row] != known:
            known = f0[row]
            total = _make_window(half, known, sample_rate, window)
        frame = frames[row]
        first = centres[row] - half
        if first >= 0 and first + length - 1 <= last:
            for index in range(length):
                frame[index] = samples[first + index]
        else:
            for index in range(length):
                frame[index] = samples[min(last, max(0, first + index))]
        mean = 0.0
        for index in range(length):
            hiss = noise[position + index] / 268435456.0 - 6.0
            frame[index] = frame[index] * window[index] + hiss * WINDOW_NOISE
            mean += frame[index]
        mean /= total
        for index in range(length):
            frame[index] -= window[index] * mean
        for index in range(length, frame.size):
            frame[index] = 0.0
        position += length + bins


@compiled
def _fill_below(raw: NDArray[np.float64], f0: float, bin_hz: float) -> None:
    """Add to the power below F0 its own mirror image at half of F0."""
    below = int(f0 / bin_hz) + 1
    image = np.empty(below)
    for k in range(below):
        place = (f0 - k * bin_hz) / bin_hz
        base = int(place)
        image[k] = raw[base] + (raw[base + 1] - raw[base]) * (place - base)
    for k in range(below):
        raw[k] += image[k]


@compiled
def _running_sum(
    raw: NDArray[np.float64], edge: int, bin_hz: float, sums: NDArray[np.float64]
) -> None:
    """Fill in the running sum of the power, mirrored by so many bins at both ends."""
    bins = raw.size
    running = 0.0
    for k in range(edge):
        running += raw[edge - k] * bin_hz
        sums[k] = running
    for k in range(bins - 1):
        running += raw[k] * bin_hz
        sums[edge + k] = running
    for k in range(edge + 1):
        running += raw[bins - 1 - k] * bin_hz
        sums[edge + bins - 1 + k] = running


@compiled
def smooth_power(
    spectra: NDArray[np.complex128],
    sample_rate: int,
    halves: NDArray[np.int64],
    f0: NDArray[np.float64],
    noise: NDArray[np.uint32],
    power: NDArray[np.float64],
) -> None:
    """Turn spectra into power, fill the gap below F0, and average over two thirds of F0.

    Args:
        spectra: Shape ``(frames, bins)``.
        sample_rate: In Hz.
        halves: As for `window_frames`.
        f0: As for `window_frames`.
        noise: As for `window_frames`.
        power: Filled, shape ``(frames, bins)``, above 0.
    """
    bins = spectra.shape[1]
    size = 2 * (bins - 1)
    raw = np.empty(bins)
    sums = np.empty(3 * bins)
    low_part, high_part = np.empty(bins), np.empty(bins)
    bin_hz = sample_rate / size
    position, known = 0, -1.0
    for row in range(spectra.shape[0]):
        spectrum = spectra[row]
        for k in range(bins):
            raw[k] = spectrum[k].real * spectrum[k].real + spectrum[k].imag * spectrum[k].imag
        _fill_below(raw, f0[row], bin_hz)
        # The mean over a width is the difference of the running sum.
        width = f0[row] * 2.0 / 3.0
        edge = int(width * size / sample_rate) + 1
        _running_sum(raw, edge, bin_hz, sums)
        # Places are computed bin by bin, rounding as in WORLD: where the spectrum drops by 120 dB,
        # as low-passed speech does, the last digits of the running sum are what is left there.
        origin = -(edge - 0.5) * sample_rate / size
        low = int((-width / 2.0 - origin) / bin_hz)
        high = int((-width / 2.0 + width - origin) / bin_hz)
        if f0[row] != known:
            known = f0[row]
            for k in range(bins):
                frequency = k * bin_hz - width / 2.0
                low_part[k] = (frequency - origin) / bin_hz - (low + k)
                high_part[k] = (frequency + width - origin) / bin_hz - (high + k)
        position += 2 * halves[row] + 1
        out = power[row]
        for k in range(bins):
            lower = sums[low + k] + (sums[low + k + 1] - sums[low + k]) * low_part[k]
            upper = sums[high + k] + (sums[high + k + 1] - sums[high + k]) * high_part[k]
            hiss = abs(noise[position + k] / 268435456.0 - 6.0)
            out[k] = (upper - lower) / width + hiss * SPECTRUM_NOISE
        position += bins


@compiled
def lift(cepstra: NDArray[np.float64], sample_rate: int, f0: NDArray[np.float64]) -> None:
    """Smooth the log spectrum once more, and recover what the smoothing took, in place.

    Args:
        cepstra: Shape ``(frames, quefrencies)``, from quefrency 0 on.
        sample_rate: In Hz.
        f0: As for `window_frames`.
    """
    count = cepstra.shape[1]
    lifter = np.empty(count + LANES)
    cosine, sine = np.empty(LANES), np.empty(LANES)
    known = -1.0
    for row in range(cepstra.shape[0]):
        if f0[row] != known:
            known = f0[row]
            step = math.pi * known / sample_rate
            for lane in range(LANES):
                cosine[lane], sine[lane] = math.cos(lane * step), math.sin(lane * step)
            turn, twist = math.cos(LANES * step), math.sin(LANES * step)
            for start in range(0, count, LANES):
                for lane in range(LANES):
                    wave = sine[lane]
                    # cos 2a = 1 - 2 sin^2 a, with a = pi f0 quefrency.
                    recovery = 1.0 - 4.0 * RECOVERY * wave * wave
                    angle = max((start + lane) * step, 1e-300)
                    lifter[start + lane] = wave / angle * recovery
                    again = cosine[lane] * turn - sine[lane] * twist
                    sine[lane] = sine[lane] * turn + cosine[lane] * twist
                    cosine[lane] = again
            lifter[0] = 1.0
        out = cepstra[row]
        for k in range(count):
            out[k] *= lifter[k]
