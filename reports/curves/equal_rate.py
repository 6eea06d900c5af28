"""Scores at one and the same measured rate, interpolated along each system's curve."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codecbench.reports.curves.rate_curve import RateCurve

SAME_RATE = 0.025
"""A point this near to the rate asked for (as a share of it) is taken as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AtRate:
    """A system's scores at a rate.

    Attributes:
        rate_bps: The rate asked for.
        scores: Interpolated score of each clip, shape (clips,); None where there is none.
        points: The point used, or the two between which was interpolated.
        weights: Their shares; they add up to 1.
        reason: Why there are no scores; "" where there are.
    """

    rate_bps: float
    scores: NDArray[np.float64] | None
    points: tuple[str, ...] = ()
    weights: tuple[float, ...] = ()
    reason: str = ""


def scores_at_rate(curve: RateCurve, rate_bps: float) -> AtRate:
    """Interpolate each clip's score linearly over log rate; nothing is extrapolated.

    Linear, so that the mean over clips is the straight line between the points of the mean curve
    and each clip keeps a score of its own for paired comparison.

    Args:
        curve: The system.
        rate_bps: The measured rate at which to compare, above 0.
    """
    curve = curve.sorted()
    rates = curve.rates_bps
    if not len(rates):
        return AtRate(rate_bps=rate_bps, scores=None, reason="no point with a measured rate")
    nearest = int(np.argmin(np.abs(rates - rate_bps)))
    if abs(rates[nearest] - rate_bps) <= SAME_RATE * rate_bps:
        return AtRate(
            rate_bps=rate_bps,
            scores=curve.scores[nearest],
            points=(curve.points[nearest],),
            weights=(1.0,),
        )
    if not rates[0] < rate_bps < rates[-1]:
        reason = f"outside {rates[0] / 1000:.3g} … {rates[-1] / 1000:.3g} kbit/s"
        return AtRate(rate_bps=rate_bps, scores=None, reason=reason)
    upper = int(np.searchsorted(rates, rate_bps))
    lower = upper - 1
    weight = float(np.log(rate_bps / rates[lower]) / np.log(rates[upper] / rates[lower]))
    return AtRate(
        rate_bps=rate_bps,
        scores=(1.0 - weight) * curve.scores[lower] + weight * curve.scores[upper],
        points=(curve.points[lower], curve.points[upper]),
        weights=(1.0 - weight, weight),
    )
