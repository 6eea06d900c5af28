"""What the leaderboard and its chart show, as one JSON value."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from codecbench.benchmark.complexity import Complexity
from codecbench.benchmark.results import MetricFacts, RunResults
from codecbench.core.fingerprint import Json
from codecbench.reports.grid import FAILED, OK, Grid
from codecbench.reports.rates import PointRates
from codecbench.reports.standings import Standing
from codecbench.reports.style import style_of, system_styles
from codecbench.reports.subgroups import clip_groups
from codecbench.reports.summary import Mean, SummaryRow, mean_rows
from codecbench.reports.tables import decimals

DIGITS = 5
"""Significant digits of a number on a page; the files for download have more."""


def board_data(
    results: RunResults,
    rows: Sequence[SummaryRow],
    grids: Sequence[Grid],
    rates: Mapping[tuple[str, str, str], PointRates],
    standings: Sequence[Standing],
    groups: Mapping[str, NDArray[np.bool_]],
    costs: Mapping[str, Complexity],
    pages: Sequence[str],
) -> Json:
    """Gather what the page sorts, filters and draws.

    Args:
        results: The run.
        rows: Its summary.
        grids: Its cells.
        rates: What each point costs.
        standings: Who stands where at equal rates.
        groups: Which clips of the grids belong to what may be looked at alone, by name; the first
            holds all of them.
        costs: What codecs cost, by canonical name.
        pages: Address of each system's page.

    Returns:
        ``metrics, systems, conditions, groups, points`` and, by condition and metric, ``means``
        (group × point) and ``standings`` (by rate).
    """
    place = {system.codec: index for index, system in enumerate(results.systems)}
    conditions = list(dict.fromkeys(grid.condition for grid in grids))
    failed = {(row.metric, row.condition, row.codec, row.point): row for row in rows}
    points = grids[0].keys if grids else ()
    return {
        "metrics": [metric_json(facts) for facts in results.metrics],
        "systems": systems_json(results, costs, pages),
        "conditions": list(conditions),
        "groups": list(groups),
        "points": [
            {
                "system": place[codec],
                "name": point,
                "bps": {
                    condition: short(rates[codec, point, condition].payload_bps)
                    for condition in conditions
                },
            }
            for codec, point in points
        ],
        "means": {
            condition: {
                grid.metric.name: [_group_means(grid, inside, failed) for inside in groups.values()]
                for grid in grids
                if grid.condition == condition
            }
            for condition in conditions
        },
        "standings": {
            condition: {
                facts.name: _standings(
                    [s for s in standings if (s.condition, s.metric) == (condition, facts.name)],
                    place,
                )
                for facts in results.metrics
            }
            for condition in conditions
        },
    }


def board_groups(results: RunResults, grids: Sequence[Grid]) -> dict[str, NDArray[np.bool_]]:
    """Return which clips may be looked at alone, by name: all of them first, then by tag."""
    clips = grids[0].clips if grids else ()
    found = {"all clips": np.ones(len(clips), dtype=bool)}
    for tag, values in clip_groups(results, clips).items() if clips else ():
        for value in sorted(set(values.tolist()) - {""}):
            found[f"{tag}: {value}"] = values == value
    return found


def metric_json(facts: MetricFacts) -> Json:
    """Return what a page needs of a metric."""
    return {
        "name": facts.name,
        "unit": facts.unit,
        "higher": facts.higher_is_better,
        "decimals": decimals(facts),
    }


def systems_json(
    results: RunResults, costs: Mapping[str, Complexity], pages: Sequence[str]
) -> Json:
    """Return what a page needs of each system, in the run's order."""
    styles = system_styles(results.systems)
    found: list[Json] = []
    for system, page in zip(results.systems, pages, strict=True):
        style = style_of(styles, system.codec)
        cost = costs.get(system.codec)
        found.append(
            {
                "label": system.label,
                "page": page,
                "kind": system.kind,
                "trained": system.trained,
                "causal": system.causal,
                "latency_ms": system.latency_ms,
                "parameters": cost.parameters if cost else None,
                "unavailable": system.unavailable,
                "colour": style.colour,
                "marker": style.marker,
                "line": style.line,
                "filled": style.filled,
            }
        )
    return found


def _group_means(
    grid: Grid,
    inside: NDArray[np.bool_],
    rows: Mapping[tuple[str, str, str, str], SummaryRow],
) -> Json:
    """Return mean, limits, n and failures of each point on a group's clips."""
    ok = grid.status == OK
    chosen = grid.common & inside
    has_any = ok.any(axis=1)
    means: dict[int, Mean] = {}
    if chosen.any():
        values = grid.values[has_any][:, chosen]
        means = dict(
            zip(
                np.flatnonzero(has_any).tolist(),
                mean_rows(values, grid.clusters(chosen)),
                strict=True,
            )
        )
    lost = ((grid.status == FAILED) & inside).sum(axis=1)
    found: list[Json] = []
    for index, (codec, point) in enumerate(grid.keys):
        mean = means.get(index)
        row = rows[grid.metric.name, grid.condition, codec, point]
        found.append(
            [*mean_json(mean), int(lost[index]), ""]
            if mean
            else [None, None, None, 0, int(lost[index]), row.reasons or "no clip in common"]
        )
    return found


def mean_json(mean: Mean) -> list[Json]:
    """Return mean, limits and n."""
    return [short(mean.mean), short(mean.low), short(mean.high), mean.n]


def _standings(standings: Sequence[Standing], place: Mapping[str, int]) -> Json:
    by_rate: dict[float, list[Json]] = {}
    for one in standings:
        rank = one.rank
        by_rate.setdefault(one.rate_bps, []).append(
            {
                "system": place[one.codec],
                "points": list(one.points),
                "mean": [*mean_json(one.mean), one.n_failed, one.reason],
                "rank": [rank.best, rank.worst, rank.groups] if rank else None,
            }
        )
    return [[rate, found] for rate, found in sorted(by_rate.items())]


def short(value: float | None) -> float | None:
    """Round to `DIGITS` significant digits; None for what is not finite."""
    if value is None or not np.isfinite(value):
        return None
    rounded = float(f"{value:.{DIGITS}g}")
    return int(rounded) if rounded.is_integer() else rounded
