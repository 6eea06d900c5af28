"""Where in the degraded signal ViSQOL finds each patch of the reference: the best rising path.

Source: google/visqol 38d0b016, comparison_patches_selector.cc.
"""

import numpy as np
from numpy.typing import NDArray

SEARCH_PATCHES = 60
"""How far from its own place a patch is looked for, in lengths of a patch; visqol_manager.cc."""


def find_offsets(
    reference: NDArray[np.float64],
    degraded: NDArray[np.float64],
    patches: NDArray[np.int64],
    width: int,
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Find the frame of the degraded spectrogram at which each patch fits best.

    The sum of the similarities is maximised over paths whose offsets rise from patch to patch; a
    patch may also be given up as lost, where the path does not move.

    Args:
        reference: In dB above the common floor, shape ``(bands, reference_frames)``.
        degraded: Same of the other signal, shape ``(bands, degraded_frames)``.
        patches: First frame of each reference patch, rising.
        width: Frames in a patch.

    Returns:
        Offset of each patch and whether it is lost. Patches at the end that lie too far behind the
        degraded signal's end are left out; there may be none left.
    """
    from codecbench.metrics.visqol_kernels import search_similarity

    frames = degraded.shape[1]
    patches = patches[: np.searchsorted(patches - width // 2, frames, side="right")]
    lows = np.maximum(0, patches - SEARCH_PATCHES * width)
    highs = np.minimum(frames - 1, patches + SEARCH_PATCHES * width)
    padded = np.pad(degraded, ((0, 0), (0, width)))
    similarity = search_similarity(
        np.ascontiguousarray(reference), padded, patches, lows, highs, width
    )
    return best_path(similarity, lows, highs)


def best_path(
    similarity: NDArray[np.float64], lows: NDArray[np.int64], highs: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Maximise the summed similarity; see `find_offsets`.

    Args:
        similarity: Shape ``(patches, offsets)``.
        lows: First allowed offset of each patch, shape ``(patches,)``.
        highs: Last allowed offset of each patch.

    Returns:
        Offset of each patch, and whether it is lost.
    """
    count, offsets = similarity.shape
    total = np.zeros(offsets)
    came_from = np.full((count, offsets), -1, dtype=np.int64)
    for p in range(count):
        low, high = int(lows[p]), int(highs[p])
        row = np.zeros(offsets)
        span = slice(low, high + 1)
        row[span] = similarity[p, span]
        if p > 0:
            first = int(lows[p - 1])
            before, where = _best_before(total[first : high + 1])
            before, where = before[low - first :], where[low - first :] + first
            row[span] += before
            came_from[p, span] = where
            # Standing still is giving the patch up: its similarity does not count.
            lost = total[span] > row[span]
            row[span] = np.where(lost, total[span], row[span])
            came_from[p, span] = np.where(lost, np.arange(low, high + 1), came_from[p, span])
        total = row
    path = np.empty(count, dtype=np.int64)
    is_lost = np.zeros(count, dtype=np.bool_)
    if count:
        low, high = int(lows[-1]), int(highs[-1])
        place = low + int(total[low : high + 1].argmax())
        for p in range(count - 1, -1, -1):
            path[p], is_lost[p] = place, place == came_from[p, place]
            place = int(came_from[p, place])
    return path, is_lost


def _best_before(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the largest value left of each place and where it is, the rightmost of equals."""
    largest = np.maximum.accumulate(values)
    where = np.maximum.accumulate(np.where(values == largest, np.arange(values.size), -1))
    # Nothing lies left of the first place; there, only standing still is possible.
    return (
        np.concatenate([[-np.inf], largest[:-1]]),
        np.concatenate([np.zeros(1, dtype=np.int64), where[:-1]]),
    )
