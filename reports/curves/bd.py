"""Bjøntegaard deltas of two curves given by points: a value, or the reason why there is none."""

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from codecbench.reports.curves.domains import UNLIMITED, Domain
from codecbench.reports.curves.hermite import Method, integrate

Floats = NDArray[np.float64]
BdKind: TypeAlias = Literal["rate", "metric"]

MIN_POINTS = 4
"""Fewer points than this do not make a curve (VCEG-M33 asks for four)."""
MIN_OVERLAP = 0.1
"""A value is refused where the curves share less than this of the shorter one."""
SAFE_OVERLAP = 0.5
"""Below this share a value carries a caution."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bd:
    """A Bjøntegaard delta of the means: test against anchor.

    Attributes:
        kind: "rate": average difference in rate at equal quality, in percent (negative saves
            bits); "metric": average difference in quality at equal rate, in the metric's unit.
        method: "pchip" or "akima".
        value: None where it is refused.
        reason: Why it is refused; "" where it is not.
        low: Where the compared stretch begins: a score for "rate", bit/s for "metric".
        high: Where it ends.
        overlap: Its share of the shorter curve, 0 … 1.
        n_anchor: Points of the anchor within the metric's domain.
        n_test: Points of the test within it.
        caution: What a reader should know about a value that is given.
    """

    kind: BdKind
    method: Method
    value: float | None
    reason: str = ""
    low: float | None = None
    high: float | None = None
    overlap: float = 0.0
    n_anchor: int = 0
    n_test: int = 0
    caution: str = ""


def bd_rate(
    anchor: tuple[Floats, Floats],
    test: tuple[Floats, Floats],
    *,
    higher_is_better: bool = True,
    domain: Domain = UNLIMITED,
    method: Method = "pchip",
    min_points: int = MIN_POINTS,
) -> Bd:
    """Compute BD-rate: how many percent more bits the test spends for the same quality.

    Args:
        anchor: Rates in bit/s and mean scores, each of shape (points,), in any order.
        test: The same of the other curve.
        higher_is_better: The metric's direction.
        domain: Points with scores outside are left out.
        method: How to interpolate log rate over quality.
        min_points: Least number of points per curve.

    Source:
        Bjøntegaard, ITU-T VCEG-M33 (2001); piecewise cubic as in JCTVC-H0030 (PCHIP) and Herglotz
        et al., arXiv:2304.12852 (Akima).
    """
    sign = 1.0 if higher_is_better else -1.0
    curves = [_quality_over_rate(curve, domain) for curve in (anchor, test)]
    turned = [(sign * scores, np.log(rates)) for rates, scores in curves]
    problem = _problem(curves, (anchor, test), domain, min_points)
    for (quality, _), word in zip(turned, ("anchor", "test"), strict=True):
        if not problem and (np.diff(quality) <= 0.0).any():
            problem = f"not monotone: more bits do not always score better in the {word}'s curve"
    found = _delta("rate", turned, method, problem)
    if found.low is not None and found.high is not None and not higher_is_better:
        found = replace(found, low=-found.high, high=-found.low)
    return found


def bd_metric(
    anchor: tuple[Floats, Floats],
    test: tuple[Floats, Floats],
    *,
    domain: Domain = UNLIMITED,
    method: Method = "pchip",
    min_points: int = MIN_POINTS,
) -> Bd:
    """Compute the average difference in score, test minus anchor, at equal rate.

    Args:
        anchor: Rates in bit/s and mean scores, each of shape (points,), in any order.
        test: The same of the other curve.
        domain: Points with scores outside are left out.
        method: How to interpolate the score over log rate.
        min_points: Least number of points per curve.
    """
    curves = [_quality_over_rate(curve, domain) for curve in (anchor, test)]
    turned = [(np.log(rates), scores) for rates, scores in curves]
    found = _delta("metric", turned, method, _problem(curves, (anchor, test), domain, min_points))
    if found.low is None or found.high is None:
        return found
    return replace(found, low=float(np.exp(found.low)), high=float(np.exp(found.high)))


def _quality_over_rate(curve: tuple[Floats, Floats], domain: Domain) -> tuple[Floats, Floats]:
    """Sort by rate and drop what lies outside the domain."""
    rates, scores = (np.asarray(values, dtype=np.float64) for values in curve)
    order = np.argsort(rates, kind="stable")
    rates, scores = rates[order], scores[order]
    inside = (scores >= domain.low) & (scores <= domain.high)
    return rates[inside], scores[inside]


def _problem(
    inside: list[tuple[Floats, Floats]],
    whole: tuple[tuple[Floats, Floats], tuple[Floats, Floats]],
    domain: Domain,
    min_points: int,
) -> str:
    for (rates, _), (_, scores), word in zip(inside, whole, ("anchor", "test"), strict=True):
        if len(scores) < min_points:
            number = f"{len(scores)} point{'s' if len(scores) != 1 else ''}"
            return f"the {word} has {number}, {min_points} are needed"
        if len(rates) < min_points:
            outside = f"{len(scores) - len(rates)} of {len(scores)} points of the {word} lie beyond"
            return f"saturated: {outside} {domain.low:g} … {domain.high:g} ({domain.reason})"
        if not (rates > 0.0).all() or (np.diff(rates) <= 0.0).any():
            return f"the {word} has rates that are equal or not above 0"
    return ""


def _delta(kind: BdKind, curves: list[tuple[Floats, Floats]], method: Method, problem: str) -> Bd:
    found = Bd(
        kind=kind,
        method=method,
        value=None,
        reason=problem,
        n_anchor=len(curves[0][0]),
        n_test=len(curves[1][0]),
    )
    if problem:
        return found
    low = max(x[0] for x, _ in curves)
    high = min(x[-1] for x, _ in curves)
    shorter = min(x[-1] - x[0] for x, _ in curves)
    overlap = float(max(0.0, high - low) / shorter)
    if overlap < MIN_OVERLAP:
        reason = f"the curves share {overlap:.0%} of the shorter one, {MIN_OVERLAP:.0%} are needed"
        reason = reason if overlap else "no overlap: the curves have no stretch in common"
        return replace(found, reason=reason, overlap=overlap)
    limits = np.asarray(low), np.asarray(high)
    areas = [float(integrate(x, y, method, *limits)) for x, y in curves]
    average = float((areas[1] - areas[0]) / (high - low))
    caution = f"the curves share only {overlap:.0%} of the shorter one"
    return replace(
        found,
        value=100.0 * float(np.expm1(average)) if kind == "rate" else average,
        low=float(low),
        high=float(high),
        overlap=overlap,
        caution=caution if overlap < SAFE_OVERLAP else "",
    )
