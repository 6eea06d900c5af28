"""One system's scores over its measured rate, clip by clip."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class RateCurve:
    """Scores of one system at its operating points, on the clips that the comparison uses.

    Attributes:
        name: For messages.
        points: Name of each point.
        scores: Finite, shape (points, clips).
        bps: Measured payload rate of each clip, shape (points, clips).
        seconds: Duration of each clip, shape (clips,).
    """

    name: str
    points: tuple[str, ...]
    scores: Floats
    bps: Floats
    seconds: Floats

    @property
    def rates_bps(self) -> Floats:
        """Bits of all clips over their duration, shape (points,)."""
        pooled: Floats = (self.bps * self.seconds).sum(axis=-1) / self.seconds.sum()
        return pooled

    @property
    def means(self) -> Floats:
        """Mean score of each point, shape (points,)."""
        means: Floats = self.scores.mean(axis=-1)
        return means

    def sorted(self) -> "RateCurve":
        """Return the curve in rising order of measured rate."""
        order = np.argsort(self.rates_bps, kind="stable")
        return RateCurve(
            name=self.name,
            points=tuple(self.points[place] for place in order),
            scores=self.scores[order],
            bps=self.bps[order],
            seconds=self.seconds,
        )
