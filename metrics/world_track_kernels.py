"""How DIO joins the candidates of its bands to one track of F0, compiled.

Import this module inside a function: it loads numba. Steps and constants are those of DIO (Morise,
Kawahara and Katayose, AES 35th Int. Conf., 2009) as WORLD has them,
https://github.com/mmorise/World, src/dio.cpp.
"""

import numpy as np
from numpy.typing import NDArray

from codecbench.metrics.compiled import compiled

SAFEGUARD = 1e-12
"""Keeps divisors from zero; WORLD, src/world/constantnumbers.h."""


@compiled
def _steady_stretches(
    candidates: NDArray[np.float64],
    scores: NDArray[np.float64],
    margin: int,
    tolerance: float,
    steady: NDArray[np.float64],
) -> None:
    """Take each frame's best candidate where it is close to that of the frame before.

    Args:
        candidates: Shape ``(bands, frames)``.
        scores: Same shape; smaller is better.
        margin: Frames at either end that have no candidate.
        tolerance: Largest relative step.
        steady: Filled, 0 where the track jumps or is absent; shape ``(frames,)``.
    """
    bands, frames = candidates.shape
    for frame in range(frames):
        steady[frame] = 0.0
    before = 0.0
    for frame in range(margin, frames - margin):
        score, best = scores[0, frame], candidates[0, frame]
        for band in range(1, bands):
            if scores[band, frame] < score:
                score, best = scores[band, frame], candidates[band, frame]
        if abs((best - before) / (SAFEGUARD + best)) < tolerance:
            steady[frame] = best
        before = best


@compiled
def _cores(
    steady: NDArray[np.float64],
    unsure: NDArray[np.bool_],
    reach: int,
    core: NDArray[np.float64],
) -> bool:
    """Keep the frames about which the track holds.

    Args:
        steady: Track, 0 where it does not hold, shape ``(frames,)``.
        unsure: Where that hangs on rounding, same shape.
        reach: Frames on either side that must hold.
        core: Filled, same shape as the track.

    Returns:
        Whether a frame is kept or dropped for unsure ones alone.
    """
    hangs = False
    for frame in range(steady.size):
        core[frame] = steady[frame]
    for frame in range(reach, steady.size - reach):
        possible, known, guessed = True, False, False
        for other in range(frame - reach, frame + reach + 1):
            if steady[other] == 0.0:
                core[frame] = 0.0
            possible = possible and (steady[other] != 0.0 or unsure[other])
            known = known or not unsure[other]
            guessed = guessed or unsure[other]
        hangs = hangs or (possible and known and guessed)
    return hangs


@compiled
def _continue_track(
    now: float,
    before: float,
    candidates: NDArray[np.float64],
    doubtful: NDArray[np.bool_],
    frame: int,
    edges_hz: NDArray[np.float64],
    tolerance: float,
) -> tuple[float, bool]:
    """Return the candidate of a frame that carries a track on, and whether that hangs on doubt.

    Args:
        now: F0 at the track's end in Hz.
        before: F0 one frame further inside.
        candidates: Shape ``(bands, frames)``.
        doubtful: Which of them hang on rounding, same shape.
        frame: The one to carry the track on to.
        edges_hz: Upper edge of each band, shape ``(bands,)``.
        tolerance: Largest relative deviation.

    Returns:
        The candidate, 0 where none fits; whether a doubtful band might have had a better one.
    """
    expected = (now * 3.0 - before) / 2.0
    best = candidates[0, frame]
    chosen = 0
    error = abs(expected - best)
    for band in range(1, edges_hz.size):
        other = abs(expected - candidates[band, frame])
        if other < error:
            error = other
            best = candidates[band, frame]
            chosen = band
    fits = not abs(1.0 - best / expected) > tolerance
    room = error if fits else tolerance * abs(expected)
    hangs = fits and doubtful[chosen, frame]
    for band in range(edges_hz.size):
        within = edges_hz[band] / 2.0 <= expected + room and edges_hz[band] >= expected - room
        hangs = hangs or (doubtful[band, frame] and within)
    return (best if fits else 0.0), hangs


@compiled
def _prolong(
    f0: NDArray[np.float64],
    ends: NDArray[np.int64],
    count: int,
    direction: int,
    candidates: NDArray[np.float64],
    doubtful: NDArray[np.bool_],
    edges_hz: NDArray[np.float64],
    tolerance: float,
) -> bool:
    """Carry each stretch on until no candidate fits or the next stretch's end is reached.

    Args:
        f0: Track in Hz, changed in place, shape ``(frames,)``.
        ends: Where stretches end, in the order in which they are carried on.
        count: How many ends there are.
        direction: 1 towards later frames, -1 towards earlier ones.
        candidates: Shape ``(bands, frames)``.
        doubtful: Which candidates hang on rounding, same shape.
        edges_hz: Upper edge of each band, shape ``(bands,)``.
        tolerance: Largest relative deviation.

    Returns:
        Whether the track hangs on doubtful candidates.
    """
    hangs = False
    # Towards earlier frames WORLD stops at the second one.
    border = f0.size - 1 if direction > 0 else 1
    for index in range(count):
        limit = ends[index + 1] if index + 1 < count else border
        frame = ends[index]
        while frame * direction < limit * direction:
            found, doubt = _continue_track(
                f0[frame],
                f0[frame - direction],
                candidates,
                doubtful,
                frame + direction,
                edges_hz,
                tolerance,
            )
            frame += direction
            f0[frame] = found
            hangs = hangs or doubt
            if found == 0.0:
                break
    return hangs


@compiled
def join_candidates(
    candidates: NDArray[np.float64],
    scores: NDArray[np.float64],
    doubtful: NDArray[np.bool_],
    edges_hz: NDArray[np.float64],
    shortest: int,
    tolerance: float,
    f0: NDArray[np.float64],
) -> bool:
    """Join the bands' candidates to one track: stretches that hold, prolonged while they can be.

    Args:
        candidates: Shape ``(bands, frames)``.
        scores: Same shape; smaller is better.
        doubtful: Which candidates hang on rounding, same shape.
        edges_hz: Upper edge of each band, shape ``(bands,)``.
        shortest: Frames in the shortest voiced stretch, odd.
        tolerance: Largest relative step from frame to frame.
        f0: Filled, in Hz, 0 where unvoiced; shape ``(frames,)``, longer than `shortest`.

    Returns:
        Whether the track might be another one were the doubtful candidates others.
    """
    bands, frames = candidates.shape
    steady, unsure = np.empty(frames), np.empty(frames, dtype=np.bool_)
    _steady_stretches(candidates, scores, shortest, tolerance, steady)
    for frame in range(frames):
        unsure[frame] = False
    for band in range(bands):
        for frame in range(1, frames):
            unsure[frame] = unsure[frame] or doubtful[band, frame] or doubtful[band, frame - 1]
    hangs = _cores(steady, unsure, (shortest - 1) // 2, f0)
    ends = np.empty((2, frames), dtype=np.int64)
    falls, rises = 0, 0
    for frame in range(1, frames):
        if f0[frame] == 0.0 and f0[frame - 1] != 0.0:
            ends[0, falls] = frame - 1
            falls += 1
        # Backwards, for the last stretch goes first.
        back = frames - frame
        if f0[back] != 0.0 and f0[back - 1] == 0.0:
            ends[1, rises] = back
            rises += 1
    for side in range(2):
        count = falls if side == 0 else rises
        doubt = _prolong(
            f0, ends[side], count, 1 - 2 * side, candidates, doubtful, edges_hz, tolerance
        )
        hangs = hangs or doubt
    return hangs
