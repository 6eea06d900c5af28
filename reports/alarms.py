"""What a careful reader would ask about: information, never a verdict."""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from codecbench.benchmark.results import MetricFacts, RunResults
from codecbench.reports.alarm import Alarm
from codecbench.reports.alarms_between import below_anchors, contradictions
from codecbench.reports.alarms_published import outside_published
from codecbench.reports.forensics import Findings
from codecbench.reports.grid import OK, Grid
from codecbench.reports.rates import LOSSLESS_BPS, RED_FLAG_RATIO, PointRates
from codecbench.reports.statistics.estimates import estimate_means
from codecbench.reports.summary import SummaryRow
from codecbench.reports.tables import kbps

CEILING_SHARE = 1e-3
"""How near to the ceiling counts as at it, as a share of the range (of 1 where it is infinite)."""
SMALL_COMMON_SHARE = 0.9
"""A common set smaller than this share of the clips is pointed out."""


def find_alarms(
    results: RunResults,
    grids: Sequence[Grid],
    rows: Sequence[SummaryRow],
    rates: Sequence[PointRates],
    findings: Sequence[Findings],
) -> tuple[Alarm, ...]:
    """Look for what would make a result doubtful.

    Args:
        results: The run.
        grids: Its cells.
        rows: Its summary.
        rates: Its rates.
        findings: Its forensics.
    """
    labels = {system.codec: system.label for system in results.systems}
    facts = {metric.name: metric for metric in results.metrics}
    alarms = [
        Alarm(kind="mixed", subject="Results that are not comparable", text=text)
        for text in results.caveats
    ]
    alarms += [_too_many_bits(rate) for rate in rates if rate.is_flagged]
    alarms += [_at_ceiling(row) for row in rows if _is_at_ceiling(row, facts[row.metric])]
    for grid in grids:
        alarms += _falling(grid, rows, rates, labels)
        alarms += _small_common(grid, labels)
    alarms += below_anchors(results, grids)
    for condition in dict.fromkeys(grid.condition for grid in grids):
        alarms += contradictions(rows, condition)
    alarms += outside_published(rows)
    for system in results.systems:
        # An anchor is meant to do damage.
        if system.kind != "anchor":
            alarms += _signals(system.label, [f for f in findings if f.codec == system.codec])
    return tuple(alarms)


def _signals(label: str, findings: Sequence[Findings]) -> list[Alarm]:
    """Gather what stands out about a system's output, points that agree together."""
    points: dict[str, list[str]] = {}
    for found in findings:
        if found.notes:
            points.setdefault("; ".join(found.notes), []).append(found.point)
    text = ". ".join(f"At {', '.join(names)}: {note}" for note, names in points.items())
    return [Alarm(kind="signal", subject=label, text=text)] if text else []


def _too_many_bits(rate: PointRates) -> Alarm:
    return Alarm(
        kind="rate",
        subject=f"{rate.label}, {rate.point}",
        text=f"the payload is {kbps(rate.payload_bps)} kbit/s where the setting promises "
        f"{kbps(rate.nominal_bps)} (limit of this flag: {RED_FLAG_RATIO - 1:.0%} more)",
    )


def _is_at_ceiling(row: SummaryRow, facts: MetricFacts) -> bool:
    lossless = row.payload_bps is None or row.payload_bps >= LOSSLESS_BPS
    best = facts.range[1] if facts.higher_is_better else facts.range[0]
    if row.kind == "anchor" or lossless or row.own.mean is None or math.isinf(best):
        return False
    span = facts.range[1] - facts.range[0]
    return abs(row.own.mean - best) <= CEILING_SHARE * (span if math.isfinite(span) else 1.0)


def _at_ceiling(row: SummaryRow) -> Alarm:
    return Alarm(
        kind="ceiling",
        subject=f"{row.label}, {row.point}, {row.metric}",
        text=f"a lossy codec scores {row.own.mean:.4g}, as if the output were the reference "
        "itself: is it?",
    )


def _falling(
    grid: Grid,
    rows: Sequence[SummaryRow],
    rates: Sequence[PointRates],
    labels: dict[str, str],
) -> list[Alarm]:
    """Find neighbours on a curve where more bits score worse by more than chance."""
    payload = {
        (rate.codec, rate.point): rate.payload_bps
        for rate in rates
        if rate.condition == grid.condition and rate.kind != "anchor"
    }
    alarms = []
    for codec in dict.fromkeys(codec for codec, _ in grid.keys):
        curve = [
            (rate, index)
            for index, key in enumerate(grid.keys)
            if key[0] == codec and (rate := payload.get(key)) is not None
        ]
        curve.sort()
        for (_, lower), (_, upper) in pairwise(curve):
            both = (grid.status[lower] == OK) & (grid.status[upper] == OK)
            gain = (grid.values[upper] - grid.values[lower])[None, both]
            gain = gain if grid.metric.higher_is_better else -gain
            found = estimate_means(gain, grid.clusters(both))
            if both.sum() > 1 and found.high[0] < 0:
                low_point, high_point = grid.keys[lower][1], grid.keys[upper][1]
                alarms.append(
                    Alarm(
                        kind="falling",
                        subject=f"{labels[codec]}, {grid.metric.name}",
                        text=f"point {high_point} spends more bits than {low_point} and scores "
                        f"worse by {-float(gain.mean()):.3g} on {int(both.sum())} clips, more "
                        "than chance (95 % interval of the paired difference excludes 0)",
                    )
                )
    return alarms


def _small_common(grid: Grid, labels: dict[str, str]) -> list[Alarm]:
    """Name the rows that keep the common set small."""
    ok = grid.status == OK
    possible = int((~grid.undefined_clips).sum())
    common = int(grid.common.sum())
    if not ok.any() or common >= SMALL_COMMON_SHARE * possible:
        return []
    counts = np.where(ok.any(axis=1), ok.sum(axis=1), possible)
    order = [int(index) for index in np.argsort(counts, kind="stable")[:3]]
    names = ", ".join(
        f"{labels[grid.keys[index][0]]} {grid.keys[index][1]} ({int(counts[index])})"
        for index in order
        if counts[index] < possible
    )
    return [
        Alarm(
            kind="common",
            subject=grid.metric.name,
            text=f"only {common} of {possible} clips have a value for every system; "
            f"fewest values: {names}. Means on so few clips may not speak for the rest",
        )
    ]
