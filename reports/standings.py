"""Who stands where at one and the same measured rate: means, ranks, groups, failures."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from codecbench.benchmark.results import RunResults
from codecbench.reports.curve_data import CurveSet, curve_sets
from codecbench.reports.curves.equal_rate import AtRate, scores_at_rate
from codecbench.reports.statistics.estimates import LEVEL
from codecbench.reports.statistics.ranking import Rank, compare_all, rank_systems
from codecbench.reports.summary import Mean, SummaryRow, mean_rows, summarize_rows

RATES_BPS = (
    700.0, 1000.0, 1500.0, 2000.0, 3000.0, 4000.0, 4500.0, 6000.0, 7500.0, 8000.0, 9000.0,
    12000.0, 16000.0, 24000.0, 32000.0, 64000.0,
)  # fmt: skip
"""Rates at which codecs for speech are usually set; those that two systems reach are compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One system at one rate.

    Attributes:
        metric: Name of the metric output.
        condition: The treatment.
        rate_bps: The measured rate at which systems are compared.
        codec: Canonical name.
        label: Short name.
        trained: False for random weights.
        points: The point used as it is, or the two between which was interpolated.
        mean: On the clips that all systems here have at every point.
        rank: None where there are too few speakers or clips to rank anything.
        n_failed: Cells that the system lost at the points used.
        mean_failures_as_worst: Where failed cells count as the worst score.
        reason: Why there is no mean; "" where there is one.
        detectable: Smallest true difference between two systems at this rate that the set would
            find with probability 0.8, in the median over pairs; None where nothing is known.
    """

    metric: str
    condition: str
    rate_bps: float
    codec: str
    label: str
    trained: bool
    points: tuple[str, ...]
    mean: Mean
    rank: Rank | None
    n_failed: int
    mean_failures_as_worst: float | None
    reason: str
    detectable: float | None


def standings(
    results: RunResults,
    *,
    rates_bps: Sequence[float] | None = None,
    rows: Sequence[SummaryRow] | None = None,
    curves: Sequence[CurveSet] | None = None,
    level: float = LEVEL,
) -> tuple[Standing, ...]:
    """Compare all systems at equal measured rates.

    Scores between two points are interpolated clip by clip, linearly over log rate; nothing is
    extrapolated.

    Args:
        results: The run.
        rates_bps: Where to compare; those of `RATES_BPS` that two systems reach where None.
        rows: The run's summary, where it is at hand.
        curves: The run's curves, where they are at hand.
        level: Coverage of the intervals, and 1 − chance of any wrong rank per metric and rate.

    Returns:
        By metric, condition and rising rate; within, best mean first, then those without one.

    Raises:
        ResultSchemaError: The run mixes what must not be mixed.
    """
    summary = summarize_rows(results, level=level) if rows is None else rows
    found: list[Standing] = []
    for each in curve_sets(results) if curves is None else curves:
        grid = each.grid
        mine = {
            (row.codec, row.point): row
            for row in summary
            if (row.metric, row.condition) == (grid.metric.name, grid.condition)
        }
        for rate in RATES_BPS if rates_bps is None else rates_bps:
            reached = {codec: scores_at_rate(curve, rate) for codec, curve in each.curves.items()}
            n_reached = sum(at.scores is not None for at in reached.values())
            if n_reached >= 2 or rates_bps is not None:
                found += _stand(results, each, reached, mine, (rate, level))
    return tuple(found)


def _stand(
    results: RunResults,
    curves: CurveSet,
    reached: dict[str, AtRate],
    summary: dict[tuple[str, str], SummaryRow],
    where: tuple[float, float],
) -> list[Standing]:
    rate, level = where
    grid = curves.grid
    sign = 1.0 if grid.metric.higher_is_better else -1.0
    scored = {codec: at for codec, at in reached.items() if at.scores is not None}
    values = np.array([at.scores for at in scored.values()]).reshape(len(scored), -1)
    lost = {codec: _failures(codec, at, summary) for codec, at in scored.items()}
    worst = np.array([sign * np.nan if w is None else sign * w for _, w in lost.values()])
    failing = np.array([n > 0 for n, _ in lost.values()], dtype=bool)
    # A comparison with NaN is false: what cannot be said of failures never helps.
    may_lead = ~failing[:, None] | (worst[:, None] > worst[None, :])
    pairs = compare_all(values, curves.clusters, level=level)
    ranks = rank_systems(
        values,
        curves.clusters,
        higher_is_better=grid.metric.higher_is_better,
        level=level,
        may_lead=may_lead,
        pairs=pairs,
    )
    detectable = pairs.detectable(level=level)
    means = mean_rows(values, curves.clusters, level=level)
    by_codec = dict(zip(scored, zip(means, ranks or [None] * len(means), strict=True), strict=True))
    found = []
    for system in results.systems:
        if system.kind == "anchor":
            continue
        mean, rank = by_codec.get(system.codec, (Mean(), None))
        at = reached.get(system.codec)
        n_failed, as_worst = lost.get(system.codec, (0, None))
        found.append(
            Standing(
                metric=grid.metric.name,
                condition=grid.condition,
                rate_bps=rate,
                codec=system.codec,
                label=system.label,
                trained=system.trained,
                points=at.points if at is not None else (),
                mean=mean,
                rank=rank,
                n_failed=n_failed,
                mean_failures_as_worst=as_worst,
                reason=at.reason if at is not None else curves.left_out.get(system.codec, ""),
                detectable=detectable,
            )
        )
    return sorted(found, key=lambda one: np.inf if one.mean.mean is None else -sign * one.mean.mean)


def _failures(
    codec: str, at: AtRate, summary: dict[tuple[str, str], SummaryRow]
) -> tuple[int, float | None]:
    """Return lost cells at the points used, and the mean with failures as the worst score."""
    used = [summary[codec, point] for point in at.points]
    as_worst = [row.mean_failures_as_worst for row in used]
    known = [value for value in as_worst if value is not None]
    if len(known) < len(used):
        return sum(row.n_failed for row in used), None
    weighted = sum(weight * value for weight, value in zip(at.weights, known, strict=True))
    return sum(row.n_failed for row in used), weighted
