"""The inner loops of DIO over a band of the signal, compiled.

Import this module inside a function: it loads numba. Steps and constants are those of DIO (Morise,
Kawahara and Katayose, AES 35th Int. Conf., 2009) as WORLD has them,
https://github.com/mmorise/World, src/dio.cpp.
"""

import math

import numpy as np
from numpy.typing import NDArray

from codecbench.metrics.compiled import compiled

NO_SCORE = 100000.0
SAFEGUARD = 1e-12
"""Score of a band without a candidate, and what keeps divisors from zero; WORLD,
src/world/constantnumbers.h."""
FEWEST_INTERVALS = 3
"""Of each kind, below which a band has no candidates; WORLD, src/dio.cpp."""
LONGEST_GAP = 10.0
"""Periods of a band's upper edge without an event after which it is taken for empty."""
LANES = 16
"""Sums and phasors that go side by side; a constant, and large enough for vector instructions."""


@compiled
def top_bins(signal: NDArray[np.float64], size: int) -> tuple[float, float, float]:
    """Return the last bin of a signal's Fourier transform, then both parts of the one before.

    Args:
        signal: Shape ``(samples,)``.
        size: Length of the transform, even.
    """
    step = 2.0 * math.pi / size
    real, imag, sums = np.empty(LANES), np.empty(LANES), np.empty((3, LANES))
    for lane in range(LANES):
        sums[0, lane], sums[1, lane], sums[2, lane] = 0.0, 0.0, 0.0
        real[lane], imag[lane] = math.cos(lane * step), math.sin(lane * step)
    turn, twist = math.cos(LANES * step), math.sin(LANES * step)
    whole = signal.size // LANES * LANES
    for start in range(0, whole, LANES):
        for lane in range(LANES):
            value, cosine, sine = signal[start + lane], real[lane], imag[lane]
            sums[0, lane] += value
            sums[1, lane] += value * cosine
            sums[2, lane] += value * sine
            real[lane] = cosine * turn - sine * twist
            imag[lane] = cosine * twist + sine * turn
    for lane in range(signal.size - whole):
        value = signal[whole + lane]
        sums[0, lane] += value
        sums[1, lane] += value * real[lane]
        sums[2, lane] += value * imag[lane]
    last, before_real, before_imag = 0.0, 0.0, 0.0
    for lane in range(LANES):
        sign = 1.0 - 2.0 * (lane % 2)
        last += sign * sums[0, lane]
        before_real += sign * sums[1, lane]
        before_imag += sign * sums[2, lane]
    return last, before_real, before_imag


@compiled
def join_blocks(
    blocks: NDArray[np.float64],
    margin: int,
    blemish: tuple[float, float, float],
    step: float,
    signal: NDArray[np.float64],
) -> None:
    """Join what blocks hold between their margins, and add WORLD's blemish.

    Args:
        blocks: Shape ``(blocks, samples)``.
        margin: Samples to leave out at either end of a block.
        blemish: Constant, cosine and sine of what is added with alternating sign.
        step: Angle from sample to sample of cosine and sine.
        signal: Filled, not longer than all blocks.
    """
    constant, cosine_part, sine_part = blemish
    used = blocks.shape[1] - 2 * margin
    real, imag = np.empty(LANES), np.empty(LANES)
    turn, twist = math.cos(LANES * step), math.sin(LANES * step)
    for row in range(blocks.shape[0]):
        first = row * used
        count = min(used, signal.size - first)
        block, out = blocks[row, margin:], signal[first : first + count]
        sign = 1.0 - 2.0 * (first % 2)
        for lane in range(LANES):
            angle = (first + lane) * step
            even = sign * (1.0 - 2.0 * (lane % 2))
            real[lane], imag[lane] = even * math.cos(angle), even * math.sin(angle)
        for start in range(0, count - LANES + 1, LANES):
            for lane in range(LANES):
                even = sign * (1.0 - 2.0 * (lane % 2))
                cosine, sine = real[lane], imag[lane]
                added = even * constant + cosine_part * cosine + sine_part * sine
                out[start + lane] = block[start + lane] + added
                real[lane] = cosine * turn - sine * twist
                imag[lane] = cosine * twist + sine * turn
        whole = count // LANES * LANES
        for lane in range(count - whole):
            even = sign * (1.0 - 2.0 * (lane % 2))
            added = even * constant + cosine_part * real[lane] + sine_part * imag[lane]
            out[whole + lane] = block[whole + lane] + added


@compiled
def _find_events(
    signal: NDArray[np.float64],
    weak: float,
    places: NDArray[np.float64],
    faint: NDArray[np.bool_],
) -> tuple[int, int]:
    """Find where a signal crosses zero, falling and rising.

    Args:
        signal: Shape ``(samples,)``.
        weak: Slope below which an event is faint.
        places: Filled with the events in samples counted from one, shape ``(2, samples)``.
        faint: Filled, same shape.

    Returns:
        How many fall and how many rise.
    """
    falls, rises = 0, 0
    here = signal[0]
    for index in range(1, signal.size):
        after = signal[index]
        if (here > 0.0 and after <= 0.0) or (here < 0.0 and after >= 0.0):
            slope = after - here
            place = index - here / slope
            if here > 0.0:
                places[0, falls], faint[0, falls] = place, abs(slope) < weak
                falls += 1
            else:
                places[1, rises], faint[1, rises] = place, abs(slope) < weak
                rises += 1
        here = after
    return falls, rises


@compiled
def _read_intervals(
    places: NDArray[np.float64],
    faint: NDArray[np.bool_],
    sample_rate: float,
    gap_s: float,
    times: NDArray[np.float64],
    values: NDArray[np.float64],
    doubtful: NDArray[np.bool_],
) -> None:
    """Interpolate the rate of events linearly at given times, and beyond the ends.

    Args:
        places: Events in samples, rising, shape ``(events,)``, at least four.
        faint: Which of them rounding may have made or moved, same shape.
        sample_rate: In Hz.
        gap_s: Longest time to an event that is not suspicious.
        times: In s, rising, shape ``(frames,)``.
        values: Filled, in Hz, same shape.
        doubtful: Set where a value hangs on faint or missing events, same shape.
    """
    k = 1
    before = (places[0] + places[1]) / 2.0 / sample_rate
    place = (places[1] + places[2]) / 2.0 / sample_rate
    for frame in range(times.size):
        time = times[frame]
        while k < places.size - 2 and place <= time:
            k += 1
            before = place
            place = (places[k] + places[k + 1]) / 2.0 / sample_rate
        first = sample_rate / (places[k] - places[k - 1])
        second = sample_rate / (places[k + 1] - places[k])
        values[frame] = first + (time - before) / (place - before) * (second - first)
        far = abs(time - before) >= gap_s and abs(time - place) >= gap_s
        if far or faint[k - 1] or faint[k] or faint[k + 1]:
            doubtful[frame] = True


@compiled
def band_candidates(
    signal: NDArray[np.float64],
    weak: float,
    sample_rate: float,
    edge_hz: float,
    f0_range: tuple[float, float],
    times: NDArray[np.float64],
    candidates: NDArray[np.float64],
    scores: NDArray[np.float64],
    doubtful: NDArray[np.bool_],
) -> None:
    """Read F0 off a band: from the intervals between zero crossings, peaks and dips.

    Args:
        signal: The band, in which the fundamental, if there, is alone; at least two samples.
        weak: Slope below which rounding may make or move an event.
        sample_rate: In Hz.
        edge_hz: Upper edge of the band.
        f0_range: Lowest and highest F0 in Hz.
        times: Centres of the frames in s, rising, shape ``(frames,)``.
        candidates: Filled with F0 in Hz, 0 where there is none, same shape.
        scores: Filled with the relative spread of the four kinds; smaller is better.
        doubtful: Set where a frame hangs on an event that rounding may have made or moved.
    """
    slopes = np.empty(signal.size - 1)
    for index in range(slopes.size):
        slopes[index] = signal[index + 1] - signal[index]
    places = np.empty((4, signal.size))
    faint = np.empty((4, signal.size), dtype=np.bool_)
    falls, rises = _find_events(signal, weak, places[:2], faint[:2])
    peaks, dips = _find_events(slopes, weak, places[2:], faint[2:])
    counts = (falls, rises, peaks, dips)
    if min(counts) <= FEWEST_INTERVALS:
        # Too few for its length, the band is empty unless rounding fills it.
        empty = signal.size / sample_rate * edge_hz > LONGEST_GAP
        for frame in range(times.size):
            candidates[frame] = 0.0
            scores[frame] = NO_SCORE / SAFEGUARD
            doubtful[frame] = empty
        return
    values = np.empty((4, times.size))
    for kind in range(4):
        _read_intervals(
            places[kind, : counts[kind]],
            faint[kind, : counts[kind]],
            sample_rate,
            LONGEST_GAP / edge_hz,
            times,
            values[kind],
            doubtful,
        )
    lowest, highest = f0_range
    lowest, highest = max(lowest, edge_hz / 2.0), min(highest, edge_hz)
    for frame in range(times.size):
        a, b, c, d = values[0, frame], values[1, frame], values[2, frame], values[3, frame]
        mean = (a + b + c + d) / 4.0
        a, b, c, d = a - mean, b - mean, c - mean, d - mean
        spread = math.sqrt((a * a + b * b + c * c + d * d) / 3.0)
        if mean > highest or mean < lowest:
            mean, spread = 0.0, NO_SCORE
        candidates[frame] = mean
        scores[frame] = spread / (mean + SAFEGUARD)
