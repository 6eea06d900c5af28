"""Quality against what it costs: time, operations, parameters or latency."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from codecbench.benchmark.complexity import Complexity
from codecbench.benchmark.results import MetricFacts
from codecbench.reports.figures.drawing import PAGE_WIDTH_IN, Drawing, wrap_notes
from codecbench.reports.figures.scatter import scatter_figure
from codecbench.reports.figures.words import cut, interval_words
from codecbench.reports.style import SystemStyle, figure_settings
from codecbench.reports.summary import SummaryRow
from codecbench.reports.tables import arrow, direction, kbps, system_label

if TYPE_CHECKING:
    import pandas as pd


def _rtf(found: Complexity, point: str) -> float | None:
    del point
    for speed in found.speeds:
        if speed.device == "cpu" and speed.threads == 1:
            return speed.encode_rtf + speed.decode_rtf
    return None


def _macs(found: Complexity, point: str) -> float | None:
    for each in found.macs:
        if each.point == point:
            return (each.encode + each.decode) / 1e6
    return None


def _parameters(found: Complexity, point: str) -> float | None:
    del point
    return None if found.parameters is None else found.parameters / 1e6


def _latency(found: Complexity, point: str) -> float | None:
    del point
    return max(found.declared_latency_ms, found.measured_latency_ms) or None


COSTS: dict[str, tuple[str, Callable[[Complexity, str], float | None]]] = {
    "rtf": ("seconds to code and decode 1 s, one thread", _rtf),
    "macs": ("million multiply-accumulates per second", _macs),
    "parameters": ("million parameters", _parameters),
    "latency": ("algorithmic latency (ms)", _latency),
}
"""What may stand along x: label, and how to get it at an operating point."""


def cost_frame(
    rows: Sequence[SummaryRow],
    costs: Mapping[str, Complexity],
    metric: str,
    condition: str,
    by: str,
) -> "pd.DataFrame":
    """Return the data of the figure.

    Args:
        rows: Summary rows, points in rising rate.
        costs: By canonical codec name.
        metric: Which metric.
        condition: Which condition.
        by: One of `COSTS`.

    Returns:
        One row per system that is no anchor, at its highest point, where costs are measured (for
        ``macs`` at each point that was counted): ``metric, condition, cost, codec, label, point,
        payload_bps, mean_x`` (the cost), ``mean_y, ci_low_y, ci_high_y, n, n_clips, cluster,
        n_clusters, reason``; x is empty, with its reason, where it is not known.
    """
    import pandas as pd

    mine = [row for row in rows if row.metric == metric and row.condition == condition]
    mine = [row for row in mine if row.kind != "anchor" and row.common.mean is not None]
    highest = {row.codec: row for row in mine}
    records = []
    for row in mine:
        found = costs.get(row.codec)
        cost = COSTS[by][1](found, row.point) if found is not None else None
        if row is not highest[row.codec] and (by != "macs" or cost is None):
            continue
        reason = "" if cost is not None else f"no {by} known" if found else "cost not measured"
        records.append(
            {
                "metric": metric,
                "condition": condition,
                "cost": by,
                "codec": row.codec,
                "label": system_label(row),
                "point": row.point,
                "payload_bps": row.payload_bps,
                "mean_x": math.nan if cost is None else cost,
                "mean_y": row.common.mean,
                "ci_low_y": row.common.low,
                "ci_high_y": row.common.high,
                "n": row.common.n,
                "n_clips": row.n_clips,
                "cluster": row.common.cluster,
                "n_clusters": row.common.n_clusters,
                "reason": reason,
            }
        )
    columns = ["payload_bps", "mean_x", "mean_y", "ci_low_y", "ci_high_y"]
    return pd.DataFrame.from_records(records).astype(dict.fromkeys(columns, "float64"))


def draw_cost(
    data: "pd.DataFrame",
    facts: MetricFacts,
    styles: Mapping[str, SystemStyle],
    *,
    width_in: float = PAGE_WIDTH_IN,
) -> Drawing:
    """Draw quality against cost.

    Args:
        data: As `cost_frame` gives it, not empty.
        facts: About the metric.
        styles: By canonical codec name.
        width_in: Of the figure, in inches.
    """
    label = COSTS[str(data["cost"].iloc[0])][0]
    shown = data[data["reason"] == ""]
    points = [
        f"{row['label']} {row['point']} ({kbps(row['payload_bps'])})" for _, row in shown.iterrows()
    ]
    notes = [interval_words(shown.iloc[0])] if len(shown) else ["No cost is known."]
    notes.append(f"Points (kbit/s): {cut(points, ', ')}." if points else "")
    lost = [f"{row['label']}: {row['reason']}" for _, row in data[data["reason"] != ""].iterrows()]
    notes.append(f"Not shown: {cut(lost, '; ')}." if lost else "")
    with figure_settings():
        drawn = scatter_figure(
            shown,
            styles,
            labels=(label, f"{facts.name}   {arrow(facts)} {direction(facts)}"),
            title=f"{facts.name} against cost",
            notes=wrap_notes([note for note in notes if note], width_in),
            width_in=width_in,
            log_x=len(shown) > 0,
        )
    parts = [f"{facts.name} against {label}, {direction(facts)}."]
    parts += [
        f"{row['label']} {row['point']}: {row['mean_y']:.3g} at {row['mean_x']:.3g}."
        for _, row in shown.iterrows()
    ]
    return Drawing(figure=drawn, data=data, alt=" ".join(parts))
