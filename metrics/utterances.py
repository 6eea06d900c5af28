"""How many utterances a signal has, counted so that it is never too few.

The published C code of PESQ keeps its utterances in arrays of 50 and writes past their end. Where
it sees one was found by experiment with bursts of speech: it joins bursts over pauses of up to
0.2 s and drops what is then shorter than 0.2 s. Its threshold between speech and pause is not
known here, so the largest count over all sensible thresholds is taken.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codecbench.core.audio import Audio

_FRAME_S = 0.004
_JOINED_PAUSE_S = 0.196
_SHORTEST_S = 0.180
_THRESHOLDS_DB = tuple(range(-60, -20, 5))
"""Between speech and pause, relative to the loudest frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """Speech activity of a signal.

    Attributes:
        utterances: Number of utterances, rather too many than too few.
        longest_s: Length of the longest one at the strictest threshold, in seconds.
    """

    utterances: int
    longest_s: float


def measure_activity(audio: Audio) -> Activity:
    """Count utterances.

    Args:
        audio: Not silent.
    """
    frame = max(1, round(_FRAME_S * audio.sample_rate))
    count = audio.n_samples // frame
    if count == 0:
        return Activity(utterances=0, longest_s=0.0)
    samples = audio.samples[: count * frame].astype(np.float64)
    power = np.mean(np.square(samples - samples.mean()).reshape(count, frame), axis=1)
    peak = float(power.max())
    seconds = frame / audio.sample_rate
    lengths = [
        _utterance_lengths(power > peak * 10.0 ** (threshold / 10.0), seconds)
        for threshold in _THRESHOLDS_DB
    ]
    strictest = lengths[-1]
    return Activity(
        utterances=max(int(np.sum(found >= _SHORTEST_S)) for found in lengths),
        longest_s=float(strictest.max(initial=0.0)),
    )


def _utterance_lengths(active: NDArray[np.bool_], frame_s: float) -> NDArray[np.float64]:
    """Return the lengths in seconds of active stretches, joined over short pauses."""
    edges = np.diff(np.concatenate([[0], active.astype(np.int8), [0]]))
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    if starts.size == 0:
        return np.zeros(0)
    apart = (starts[1:] - ends[:-1]) * frame_s >= _JOINED_PAUSE_S
    first = starts[np.concatenate([[True], apart])]
    last = ends[np.concatenate([apart, [True]])]
    return np.asarray((last - first) * frame_s)
