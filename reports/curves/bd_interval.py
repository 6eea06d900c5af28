"""BD figures with intervals: speakers are resampled, rates and scores of both curves together."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from codecbench.reports.curves.bd import MIN_OVERLAP, MIN_POINTS, Bd, BdKind, bd_metric, bd_rate
from codecbench.reports.curves.domains import UNLIMITED, Domain
from codecbench.reports.curves.hermite import METHODS, Method, integrate
from codecbench.reports.curves.rate_curve import RateCurve
from codecbench.reports.statistics.clusters import Clusters
from codecbench.reports.statistics.estimates import LEVEL
from codecbench.reports.statistics.resampling import (
    RESAMPLES,
    SEED,
    draw_clusters,
    percentile_limits,
    resampled_means,
)

MIN_USABLE = 0.9
"""No interval is given where fewer resamples than this share have a value."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class BdEstimate:
    """A BD figure of one system against another.

    Attributes:
        kind: "rate" (percent of bits at equal quality) or "metric" (score at equal rate).
        anchor: Name of the anchor.
        test: Name of the test.
        delta: Value, overlap, counts and reason of the means, by PCHIP.
        akima: The same by Akima, to see how far the interpolation matters.
        low: Lower limit of the value by PCHIP; None where there is none.
        high: Upper limit.
        no_interval: Why there is no interval; "" where there is one.
        usable: Share of the resamples that had a value.
        n_clips: Clips that both curves have at every point.
        n_clusters: Independent groups of them.
        cluster: "speaker" or "clip".
        is_reliable: Whether there are enough clusters.
    """

    kind: BdKind
    anchor: str
    test: str
    delta: Bd
    akima: Bd
    low: float | None = None
    high: float | None = None
    no_interval: str = ""
    usable: float = 0.0
    n_clips: int = 0
    n_clusters: int = 0
    cluster: str = "none"
    is_reliable: bool = False


def estimate_bd(
    anchor: RateCurve,
    test: RateCurve,
    clusters: Clusters,
    *,
    kind: BdKind = "rate",
    higher_is_better: bool = True,
    domain: Domain = UNLIMITED,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
    seed: int = SEED,
    min_points: int = MIN_POINTS,
) -> BdEstimate:
    """Compute a BD figure with its interval.

    Args:
        anchor: Scores and rates on the clips that both systems have at every point.
        test: The same of the other system, the same clips in the same order.
        clusters: Of those clips.
        kind: "rate" or "metric".
        higher_is_better: The metric's direction.
        domain: Points with mean scores outside are left out.
        level: Coverage of the interval.
        resamples: How many.
        seed: Of the draws.
        min_points: Least number of points per curve.
    """
    anchor, test = anchor.sorted(), test.sorted()
    by_method = {
        method: _delta(
            kind,
            (anchor.rates_bps, anchor.means),
            (test.rates_bps, test.means),
            higher_is_better=higher_is_better,
            domain=domain,
            method=method,
            min_points=min_points,
        )
        for method in METHODS
    }
    found = BdEstimate(
        kind=kind,
        anchor=anchor.name,
        test=test.name,
        delta=by_method["pchip"],
        akima=by_method["akima"],
        n_clips=int(clusters.labels.size),
        n_clusters=clusters.count,
        cluster=clusters.kind,
        is_reliable=clusters.is_reliable,
    )
    if found.delta.value is None:
        return replace(found, no_interval=found.delta.reason)
    if clusters.count < 2:
        return replace(found, no_interval=f"one {clusters.kind} only")
    counts = draw_clusters(clusters, resamples=resamples, seed=seed)
    curves = [_resample(curve, clusters, counts) for curve in (anchor, test)]
    values = _deltas(kind, curves, higher_is_better, domain, min_points)
    usable = float(np.isfinite(values).mean())
    if usable < MIN_USABLE:
        why = f"only {usable:.0%} of the resamples have a value; the curves are too uncertain"
        return replace(found, no_interval=why, usable=usable)
    low, high = percentile_limits(values[np.isfinite(values)], clusters.count, level=level)
    return replace(found, low=low, high=high, usable=usable)


def _delta(
    kind: BdKind,
    anchor: tuple[Floats, Floats],
    test: tuple[Floats, Floats],
    *,
    higher_is_better: bool,
    domain: Domain,
    method: Method,
    min_points: int,
) -> Bd:
    if kind == "metric":
        return bd_metric(anchor, test, domain=domain, method=method, min_points=min_points)
    return bd_rate(
        anchor,
        test,
        higher_is_better=higher_is_better,
        domain=domain,
        method=method,
        min_points=min_points,
    )


def _resample(curve: RateCurve, clusters: Clusters, counts: Floats) -> tuple[Floats, Floats]:
    """Return rates and mean scores in each resample, each of shape (resamples, points)."""
    bits = counts @ clusters.sums(curve.bps * curve.seconds).T
    rates = bits / (counts @ clusters.sums(curve.seconds))[:, None]
    return rates, resampled_means(curve.scores, clusters, counts)


def _deltas(
    kind: BdKind,
    curves: list[tuple[Floats, Floats]],
    higher_is_better: bool,
    domain: Domain,
    min_points: int,
) -> Floats:
    """Compute the figure in each resample; NaN where it would be refused."""
    n_resamples = len(curves[0][0])
    values = np.full(n_resamples, np.nan)
    # Resamples that keep the same points of both curves are computed together.
    patterns = [_kept(curve, domain) for curve in curves]
    keys = np.concatenate(patterns, axis=1)
    for pattern in np.unique(keys, axis=0):
        rows = np.flatnonzero((keys == pattern).all(axis=1))
        first, second = np.split(pattern, [patterns[0].shape[1]])
        if first.sum() < max(min_points, 3) or second.sum() < max(min_points, 3):
            continue
        chosen = [
            (rates[rows][:, keep], scores[rows][:, keep])
            for (rates, scores), keep in zip(curves, (first, second), strict=True)
        ]
        values[rows] = _deltas_alike(kind, chosen, higher_is_better)
    return values


def _kept(curve: tuple[Floats, Floats], domain: Domain) -> NDArray[np.bool_]:
    _, scores = curve
    kept: NDArray[np.bool_] = (scores >= domain.low) & (scores <= domain.high)
    return kept


def _deltas_alike(
    kind: BdKind, curves: list[tuple[Floats, Floats]], higher_is_better: bool
) -> Floats:
    sign = 1.0 if higher_is_better else -1.0
    turned = [
        (sign * scores, np.log(rates)) if kind == "rate" else (np.log(rates), scores)
        for rates, scores in curves
    ]
    fine = np.ones(len(turned[0][0]), dtype=bool)
    for x, _ in turned:
        fine &= (np.diff(x, axis=-1) > 0.0).all(axis=-1)
    low = np.maximum(turned[0][0][:, 0], turned[1][0][:, 0])
    high = np.minimum(turned[0][0][:, -1], turned[1][0][:, -1])
    shorter = np.minimum(*(x[:, -1] - x[:, 0] for x, _ in turned))
    fine &= high - low >= MIN_OVERLAP * shorter
    found = np.full(fine.size, np.nan)
    if fine.any():
        low, high = low[fine], high[fine]
        areas = [integrate(x[fine], y[fine], "pchip", low, high) for x, y in turned]
        average = (areas[1] - areas[0]) / (high - low)
        found[fine] = 100.0 * np.expm1(average) if kind == "rate" else average
    return found
