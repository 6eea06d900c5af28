"""StoneMask, compiled: F0 refined by the instantaneous frequencies of its harmonics.

Import this module inside a function: it loads numba. Steps and constants are those of StoneMask
as WORLD has them, https://github.com/mmorise/World, src/stonemask.cpp.
"""

import math

import numpy as np
from numpy.typing import NDArray

from codecbench.metrics.compiled import compiled

SAFEGUARD = 1e-12
LOWEST_F0_HZ = 40.0
"""What keeps a divisor from zero, and below what nothing is refined; WORLD,
src/world/constantnumbers.h."""
LANES = 16
"""Sums and phasors that go side by side; a constant, and large enough for vector instructions."""
BINS = 8
"""Bins of a frame that are transformed side by side, for each half of the frame."""


@compiled
def _weigh_harmonics(
    frames: NDArray[np.float64],
    length: int,
    size: int,
    sample_rate: int,
    f0: float,
    harmonics: int,
    work: NDArray[np.float64],
) -> float:
    """Return F0 as the instantaneous frequencies of its first harmonics have it, weighted.

    Args:
        frames: The frame under its window and under the window's derivative, then a zero.
        length: Samples in the frame.
        size: Length of the discrete Fourier transform of which only some bins are needed.
        sample_rate: In Hz.
        f0: First estimate in Hz.
        harmonics: At most `BINS`.
        work: Shape ``(8, LANES)``.
    """
    half = (length + 1) // 2
    turn, twist, real, imag = work[0], work[1], work[2], work[3]
    sums = work[4:8]
    bins = np.empty(BINS, dtype=np.int64)
    for lane in range(LANES):
        k = lane % BINS
        wanted = int(f0 * size / sample_rate * (k + 1) + 0.5) if k < harmonics else 0
        bins[k] = min(wanted, size // 2)
        angle = 2.0 * math.pi * bins[k] / size
        turn[lane], twist[lane] = math.cos(angle), -math.sin(angle)
        # The frame's halves are transformed side by side, the later one with its own phase.
        angle = 2.0 * math.pi * ((bins[k] * half * (lane // BINS)) % size) / size
        real[lane], imag[lane] = math.cos(angle), -math.sin(angle)
    for kind in range(4):
        for lane in range(LANES):
            sums[kind, lane] = 0.0
    for index in range(half):
        a, b = frames[0, index], frames[1, index]
        c, d = frames[0, index + half], frames[1, index + half]
        for lane in range(LANES):
            value = a if lane < BINS else c
            change = b if lane < BINS else d
            cosine, sine = real[lane], imag[lane]
            sums[0, lane] += value * cosine
            sums[1, lane] += value * sine
            sums[2, lane] += change * cosine
            sums[3, lane] += change * sine
            real[lane] = cosine * turn[lane] - sine * twist[lane]
            imag[lane] = cosine * twist[lane] + sine * turn[lane]
    for kind in range(4):
        for k in range(BINS):
            sums[kind, k] += sums[kind, k + BINS]
    total, weights = 0.0, 0.0
    for lane in range(harmonics):
        power = sums[0, lane] * sums[0, lane] + sums[1, lane] * sums[1, lane]
        cross = sums[0, lane] * sums[3, lane] - sums[1, lane] * sums[2, lane]
        if power != 0.0:
            frequency = bins[lane] * sample_rate / size
            frequency += cross / power * sample_rate / 2.0 / math.pi
            total += math.sqrt(power) * frequency
            weights += math.sqrt(power) * (lane + 1)
    return total / (weights + SAFEGUARD)


@compiled
def _cut_frame(
    samples: NDArray[np.float64],
    sample_rate: int,
    time: float,
    half: int,
    shape: NDArray[np.float64],
    places: NDArray[np.int64],
    frames: NDArray[np.float64],
) -> None:
    """Cut out a frame under Blackman's window, and under the window's derivative.

    Args:
        samples: Signal; its end samples are repeated beyond its ends.
        sample_rate: In Hz.
        time: Centre of the window in s, not rounded to a sample.
        half: Samples on either side of the middle.
        shape: Room for the window.
        places: Room for the samples' numbers.
        frames: Filled, shape ``(2, 2 * half + 2)`` or longer, the last sample with 0.
    """
    length = 2 * half + 1
    for index in range(length):
        place = (time + (index - half) / sample_rate) * sample_rate
        places[index] = int(place + 0.5) if place > 0.0 else int(place - 0.5)
    # The window counts from the first sample's number; by cos 2a = 2 cos^2 a - 1.
    step = 2.0 * math.pi / length
    start = ((places[0] - 1.0) / sample_rate - time) * sample_rate * step
    turn, twist = math.cos(LANES * step), math.sin(LANES * step)
    real, imag = np.empty(LANES), np.empty(LANES)
    for lane in range(LANES):
        real[lane], imag[lane] = math.cos(start + lane * step), math.sin(start + lane * step)
    for block in range(0, length + 2, LANES):
        for lane in range(LANES):
            cosine, sine = real[lane], imag[lane]
            shape[block + lane] = 0.34 + 0.5 * cosine + 0.16 * cosine * cosine
            real[lane] = cosine * turn - sine * twist
            imag[lane] = cosine * twist + sine * turn
    first, last = places[0], samples.size - 1
    for index in range(length):
        value = samples[max(0, min(last, places[index] - 1))]
        ahead = shape[places[index + 1] - first] if index + 1 < length else 0.0
        behind = shape[places[index - 1] - first] if index > 0 else 0.0
        frames[0, index] = value * shape[places[index] - first]
        frames[1, index] = value * ((behind - ahead) / 2.0)
    frames[0, length], frames[1, length] = 0.0, 0.0


@compiled
def refine_track(
    samples: NDArray[np.float64],
    sample_rate: int,
    f0: NDArray[np.float64],
    times: NDArray[np.float64],
    refined: NDArray[np.float64],
) -> None:
    """Refine F0 by the instantaneous frequencies of its harmonics.

    Args:
        samples: Signal; its end samples are repeated beyond its ends.
        sample_rate: In Hz.
        f0: First estimate in Hz, 0 where unvoiced, shape ``(frames,)``.
        times: Centres of the frames in s, same shape.
        refined: Filled, same shape; the first estimate where the refined one is over 20 % off.
    """
    longest = 2 * int(1.5 * sample_rate / LOWEST_F0_HZ + 1.0) + 2
    shape, places = np.empty(longest + 2 * LANES), np.empty(longest, dtype=np.int64)
    frames, work = np.empty((2, longest)), np.empty((8, LANES))
    for frame in range(f0.size):
        first = f0[frame]
        if first <= LOWEST_F0_HZ or first > sample_rate / 12.0:
            refined[frame] = 0.0
            continue
        half = int(1.5 * sample_rate / first + 1.0)
        length = 2 * half + 1
        # A power of two, over twice and up to four times the length.
        size = 4
        while 2 * size <= 4 * length:
            size *= 2
        _cut_frame(samples, sample_rate, times[frame], half, shape, places, frames)
        # By two harmonics first; then, about where those put them, by six.
        better = first
        for harmonics in (2, 6):
            better = _weigh_harmonics(frames, length, size, sample_rate, better, harmonics, work)
            if harmonics == 2 and (better <= 0.0 or better > 2.0 * first):
                better = 0.0
                break
        refined[frame] = first if abs(better - first) > 0.2 * first else better
