"""What deserves a look when systems or metrics are held against each other."""

from collections.abc import Sequence
from itertools import combinations

from codecbench.benchmark.results import RunResults
from codecbench.reports.alarm import Alarm
from codecbench.reports.grid import OK, Grid
from codecbench.reports.statistics.estimates import estimate_means
from codecbench.reports.summary import SummaryRow

NOISE_RATIOS = frozenset({"si_sdr", "si_sdr_aligned"})
"""What an anchor of added noise sets itself; codecs that keep no waveform are far below it."""
FEWEST_POINTS = 6
"""With fewer points than this thirds of a ranking mean nothing."""


def below_anchors(results: RunResults, grids: Sequence[Grid]) -> list[Alarm]:
    """Find trained codecs that score worse than the worst anchor, by more than chance.

    Args:
        results: The run.
        grids: All its cells.

    Returns:
        At most one per system, with its points and the metrics that say so.
    """
    found: dict[str, dict[str, list[str]]] = {}
    for grid in grids:
        if grid.metric.name in NOISE_RATIOS:
            continue
        for codec, point, anchor in _below(results, grid):
            metrics = found.setdefault(codec, {}).setdefault(point, [])
            metrics.append(f"{grid.metric.name}: {anchor}")
    return [
        Alarm(
            kind="anchor",
            subject=system.label,
            text="scores worse than the worst anchor, more than chance, at "
            + "; ".join(f"{point} ({', '.join(words)})" for point, words in points.items())
            + ". Does the adapter do what it should, and do the metrics suit it?",
        )
        for system in results.systems
        if (points := found.get(system.codec))
    ]


def _below(results: RunResults, grid: Grid) -> list[tuple[str, str, str]]:
    """Return codec, point and worst anchor wherever a point is below it in this grid."""
    facts = {system.codec: system for system in results.systems}
    sign = 1.0 if grid.metric.higher_is_better else -1.0
    measured = (grid.status == OK).any(axis=1)
    chosen = grid.common
    anchors = [
        index
        for index, (codec, _) in enumerate(grid.keys)
        if facts[codec].kind == "anchor" and measured[index]
    ]
    if not anchors or not chosen.any():
        return []
    means = sign * grid.values[:, chosen].mean(axis=1)
    worst = min(anchors, key=lambda index: means[index])
    name = f"{facts[grid.keys[worst][0]].label} {grid.keys[worst][1]}".strip()
    judged = [
        index
        for index, (codec, _) in enumerate(grid.keys)
        if facts[codec].kind != "anchor" and facts[codec].trained and measured[index]
    ]
    gains = sign * (grid.values[judged] - grid.values[worst])[:, chosen]
    estimates = estimate_means(gains, grid.clusters(chosen))
    below = [index for index, high in zip(judged, estimates.high, strict=True) if high < 0]
    return [(*grid.keys[index], name) for index in below]


def contradictions(rows: Sequence[SummaryRow], condition: str) -> list[Alarm]:
    """Find points that one metric puts among the best third and another among the worst.

    Args:
        rows: Summary rows of the run.
        condition: The treatment.

    Returns:
        At most one per system: the point on which two metrics are farthest apart.
    """
    ranks: dict[str, dict[tuple[str, str], float]] = {}
    labels: dict[str, str] = {}
    for metric in dict.fromkeys(row.metric for row in rows):
        mine = [
            row
            for row in rows
            if (row.metric, row.condition) == (metric, condition)
            and row.kind != "anchor"
            and row.common.mean is not None
        ]
        labels |= {row.codec: row.label for row in mine}
        if len(mine) >= FEWEST_POINTS:
            better = sorted(mine, key=lambda row: row.common.mean or 0.0)
            if mine[0].higher_is_better:
                better.reverse()
            ranks[metric] = {(row.codec, row.point): place for place, row in enumerate(better)}
    farthest: dict[str, tuple[float, str]] = {}
    for first, second in combinations(ranks, 2):
        for key in ranks[first].keys() & ranks[second].keys():
            ends = sorted(
                (ranks[metric][key], len(ranks[metric]), metric) for metric in (first, second)
            )
            (high, n_high, good), (low, n_low, bad) = ends
            gap = low / n_low - high / n_high
            if high < n_high / 3 and low >= 2 * n_low / 3 and gap > farthest.get(key[0], (0.0,))[0]:
                farthest[key[0]] = (
                    gap,
                    f"point {key[1]} ranks {high + 1:.0f} of {n_high} by {good} and {low + 1:.0f} "
                    f"of {n_low} by {bad}: the metrics contradict each other, so listen",
                )
    return [
        Alarm(kind="contradiction", subject=labels[codec], text=text)
        for codec, (_, text) in farthest.items()
    ]
