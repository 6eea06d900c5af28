"""The inner loops of ViSQOL, compiled: gammatone levels, patch search, patch similarity.

Import this module inside a function: it loads numba. Strict floating point throughout; the speed
comes from loops whose innermost index runs over independent lanes, which LLVM turns into vector
instructions without reordering any sum. The similarity is summed in the plain order, neighbours
row by row, then frames, then bands: where patches are silent, many offsets tie but for rounding,
and which of them is taken shows in the energy feature of the lattice network.
"""

from collections.abc import Callable
from typing import TypeAlias, cast

import numba
import numpy as np
from numpy.typing import NDArray

Kernel: TypeAlias = Callable[..., NDArray[np.float64]]

LANES = 16
"""Frames filtered side by side; a constant, so that loops unroll. Fastest with AVX2 and AVX-512."""

CORNER, EDGE, CENTRE = 0.0113033910173052, 0.0838251475442633, 0.619485845753726
"""3 x 3 Gaussian of NSIM with standard deviation 0.5; google/visqol 38d0b016,
neurogram_similiarity_index_measure.cc."""

C1 = 0.01**2
C3 = 0.03**2 / 2
"""(K1 L)^2 and (K2 L)^2 / 2 with K1 = 0.01, K2 = 0.03, L = 1; same file."""


def _compiled(function: Kernel) -> Kernel:
    # error_model numpy: Python's check for division by zero would keep loops from vectorising.
    try:
        compile_ = numba.njit(cache=True, nogil=True, error_model="numpy")
        return cast(Kernel, compile_(function))
    except RuntimeError:
        # Neither this folder nor the user's cache folder can be written: compile each time.
        return cast(Kernel, numba.njit(nogil=True, error_model="numpy")(function))


def _frame_levels(
    samples: NDArray[np.float64],
    starts: NDArray[np.int64],
    window: NDArray[np.float64],
    sections: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Filter windowed frames, each from rest, and return the root mean square of each band.

    Args:
        samples: Signal, shape ``(samples,)``.
        starts: First sample of each frame.
        window: Shape ``(size,)``.
        sections: Shape ``(bands, 6)``: a1, a2 of the four equal denominators
            1 + a1/z + a2/z^2, then c of the four numerators 1 + c/z.

    Returns:
        Shape ``(bands, frames)``.
    """
    size, bands, frames = window.size, sections.shape[0], starts.size
    levels = np.empty((bands, frames))
    block = np.empty(size * LANES)
    # Two states for each of four sections in transposed direct form II, then the energy.
    state = np.empty(9 * LANES)
    for first in range(0, frames, LANES):
        for lane in range(LANES):
            start = starts[min(first + lane, frames - 1)]
            for k in range(size):
                block[k * LANES + lane] = samples[start + k] * window[k]
        for band in range(bands):
            a1, a2 = sections[band, 0], sections[band, 1]
            c1, c2 = sections[band, 2], sections[band, 3]
            c3, c4 = sections[band, 4], sections[band, 5]
            state[:] = 0.0
            for k in range(size):
                for lane in range(LANES):
                    x = block[k * LANES + lane]
                    y1 = x + state[lane]
                    state[lane] = (c1 * x + state[LANES + lane]) - a1 * y1
                    state[LANES + lane] = -a2 * y1
                    y2 = y1 + state[2 * LANES + lane]
                    state[2 * LANES + lane] = (c2 * y1 + state[3 * LANES + lane]) - a1 * y2
                    state[3 * LANES + lane] = -a2 * y2
                    y3 = y2 + state[4 * LANES + lane]
                    state[4 * LANES + lane] = (c3 * y2 + state[5 * LANES + lane]) - a1 * y3
                    state[5 * LANES + lane] = -a2 * y3
                    y4 = y3 + state[6 * LANES + lane]
                    state[6 * LANES + lane] = (c4 * y3 + state[7 * LANES + lane]) - a1 * y4
                    state[7 * LANES + lane] = -a2 * y4
                    state[8 * LANES + lane] += y4 * y4
            for lane in range(min(LANES, frames - first)):
                levels[band, first + lane] = np.sqrt(state[8 * LANES + lane] / size)
    return levels


def _local_statistics(degraded: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return weighted mean and variance around each point of a spectrogram.

    They are the same for every patch that covers a frame, but for the outermost frames of a patch,
    where its edge is repeated; hence three variants: inner, first and last frame of a patch.

    Args:
        degraded: Shape ``(bands, frames)``.

    Returns:
        Shape ``(2, 3, bands, frames)``.
    """
    bands, total = degraded.shape
    result = np.empty((2, 3, bands, total))
    for variant in range(3):
        for band in range(bands):
            for j in range(total):
                left = j if variant == 1 else max(j - 1, 0)
                right = j if variant == 2 else min(j + 1, total - 1)
                mean = 0.0
                square = 0.0
                for step in range(-1, 2):
                    row = min(max(band + step, 0), bands - 1)
                    side, middle = (EDGE, CENTRE) if step == 0 else (CORNER, EDGE)
                    x, y, z = degraded[row, left], degraded[row, j], degraded[row, right]
                    mean = mean + side * x + middle * y + side * z
                    square = square + side * (x * x) + middle * (y * y) + side * (z * z)
                result[0, variant, band, j] = mean
                result[1, variant, band, j] = square - mean * mean
    return result


local_statistics = _compiled(_local_statistics)


def _search_similarity(
    reference: NDArray[np.float64],
    degraded: NDArray[np.float64],
    patches: NDArray[np.int64],
    lows: NDArray[np.int64],
    highs: NDArray[np.int64],
    width: int,
) -> NDArray[np.float64]:
    """Compare reference patches with the degraded patches at a range of offsets (NSIM).

    Args:
        reference: Spectrogram in dB, shape ``(bands, reference_frames)``.
        degraded: The same of the other signal with `width` silent frames appended.
        patches: First frame of each reference patch.
        lows: First offset to try for each patch.
        highs: Last offset to try for each patch.
        width: Frames in a patch.

    Returns:
        Mean NSIM, shape ``(patches, degraded_frames)``; 0 where not tried.
    """
    bands, total = degraded.shape
    statistics = local_statistics(degraded)
    similarity = np.zeros((patches.size, total - width))
    sums = np.empty(total)
    cross = np.empty(total)
    in_band = np.empty(total)
    for p in range(patches.size):
        low = lows[p]
        count = highs[p] + 1 - low
        sums[:count] = 0.0
        for band in range(bands):
            in_band[:count] = 0.0
            for column in range(width):
                back = 0 if column == 0 else -1
                ahead = 0 if column == width - 1 else 1
                variant = 1 if column == 0 else (2 if column == width - 1 else 0)
                k, base = patches[p] + column, low + column
                m_ref = 0.0
                square = 0.0
                cross[:count] = 0.0
                for step in range(-1, 2):
                    row = min(max(band + step, 0), bands - 1)
                    side, middle = (EDGE, CENTRE) if step == 0 else (CORNER, EDGE)
                    x, y, z = reference[row, k + back], reference[row, k], reference[row, k + ahead]
                    m_ref = m_ref + side * x + middle * y + side * z
                    square = square + side * (x * x) + middle * (y * y) + side * (z * z)
                    behind, here = degraded[row, base + back :], degraded[row, base:]
                    before = degraded[row, base + ahead :]
                    for o in range(count):
                        cross[o] = (
                            cross[o]
                            + side * (x * behind[o])
                            + middle * (y * here[o])
                            + side * (z * before[o])
                        )
                v_ref = square - m_ref * m_ref
                m_row = statistics[0, variant, band, base:]
                v_row = statistics[1, variant, band, base:]
                for o in range(count):
                    m_deg = m_row[o]
                    both = m_ref * m_deg
                    product = v_ref * v_row[o]
                    # Rounding can make a variance negative where a patch is constant.
                    spread = np.sqrt(product if product > 0.0 else 0.0)
                    intensity = (2.0 * both + C1) / (m_ref * m_ref + m_deg * m_deg + C1)
                    in_band[o] += intensity * ((cross[o] - both + C3) / (spread + C3))
            for o in range(count):
                sums[o] += in_band[o] / width
        for o in range(count):
            similarity[p, low + o] = sums[o] / bands
    return similarity


def _patch_similarity(
    reference: NDArray[np.float64], degraded: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Compare pairs of patches band by band (NSIM).

    Args:
        reference: Shape ``(patches, bands, frames)``, at least two frames.
        degraded: Same shape.

    Returns:
        Shape ``(3, patches, bands)``: mean over frames, standard deviation over frames (divided by
        frames - 1), mean of the degraded patch.
    """
    patches, bands, frames = reference.shape
    result = np.empty((3, patches, bands))
    values = np.empty(frames)
    for p in range(patches):
        for band in range(bands):
            total = 0.0
            energy = 0.0
            for j in range(frames):
                m_ref, m_deg, s_ref, s_deg, shared = 0.0, 0.0, 0.0, 0.0, 0.0
                for step in range(-1, 2):
                    row = min(max(band + step, 0), bands - 1)
                    for across in range(-1, 2):
                        weight = CENTRE if step == 0 and across == 0 else EDGE
                        weight = CORNER if step != 0 and across != 0 else weight
                        column = min(max(j + across, 0), frames - 1)
                        x, y = reference[p, row, column], degraded[p, row, column]
                        m_ref += weight * x
                        m_deg += weight * y
                        s_ref += weight * (x * x)
                        s_deg += weight * (y * y)
                        shared += weight * (x * y)
                both = m_ref * m_deg
                product = (s_ref - m_ref * m_ref) * (s_deg - m_deg * m_deg)
                spread = np.sqrt(product if product > 0.0 else 0.0)
                intensity = (2.0 * both + C1) / (m_ref * m_ref + m_deg * m_deg + C1)
                values[j] = intensity * ((shared - both + C3) / (spread + C3))
                total += values[j]
                energy += degraded[p, band, j]
            mean = total / frames
            spread = 0.0
            for j in range(frames):
                spread += (values[j] - mean) * (values[j] - mean)
            result[0, p, band] = mean
            result[1, p, band] = np.sqrt(spread / (frames - 1))
            result[2, p, band] = energy / frames
    return result


frame_levels = _compiled(_frame_levels)
search_similarity = _compiled(_search_similarity)
patch_similarity = _compiled(_patch_similarity)
