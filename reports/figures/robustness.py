"""Quality against packet loss, and against latency and rate."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from codecbench.benchmark.conditions.spec import CLEAN
from codecbench.benchmark.results import MetricFacts, SystemFacts
from codecbench.reports.figures.drawing import PAGE_WIDTH_IN, Drawing, wrap_notes
from codecbench.reports.figures.rate_quality import spread
from codecbench.reports.figures.scatter import scatter_figure
from codecbench.reports.figures.words import cut, interval_words
from codecbench.reports.robustness import RobustnessRow, loss_percent
from codecbench.reports.style import SystemStyle, figure_settings, system_styles
from codecbench.reports.summary import SummaryRow
from codecbench.reports.tables import arrow, direction, kbps, system_label

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_ALIKE = 1.12
"""Latencies within this factor have their rates written one below the other."""
_LABEL_IN = 0.1
_NUMBERS = ["payload_bps", "mean_x", "mean_y", "ci_low_y", "ci_high_y"]


def loss_frame(rows: Sequence[RobustnessRow], metric: str) -> "pd.DataFrame":
    """Return the data of the figure of losses.

    Args:
        rows: As `robustness_rows` gives them.
        metric: Which metric.

    Returns:
        One row per system, point, concealment and share of loss: ``metric, codec`` (with point and
        concealment, one curve each), ``system, label, point, concealment, condition, payload_bps,
        rtp_bps, lost_share, mean_x`` (loss asked for in %), ``mean_y, ci_low_y, ci_high_y, n,
        cluster, n_clusters``. Zero loss is ``clean``. Empty where nothing was lost anywhere.
    """
    import pandas as pd

    mine = [row for row in rows if row.metric == metric and not row.reason]
    curves: dict[tuple[str, str, str], list[tuple[float, RobustnessRow]]] = {}
    for row in mine:
        found = loss_percent(row.condition)
        if found is not None and row.condition != CLEAN:
            curves.setdefault((row.codec, row.point, found[1]), []).append((found[0], row))
    # One loss alone makes no curve; it stands in the table.
    several = {key: losses for key, losses in curves.items() if len(losses) > 1}
    clean = {(row.codec, row.point): row for row in mine if row.condition == CLEAN}
    records = []
    for (codec, point, option), losses in (several or curves).items():
        start = [(0.0, clean[codec, point])] if (codec, point) in clean else []
        ordered = sorted([*start, *losses], key=lambda pair: pair[0])
        said = losses[0][1].concealment
        for percent, row in ordered:
            label = f"{row.label}{'' if row.trained else ' (untrained)'} {point}"
            records.append(
                {
                    "metric": metric,
                    "codec": f"{codec} {point} {option}",
                    "system": codec,
                    "label": f"{label}: {said}",
                    "point": point,
                    "concealment": said,
                    "condition": row.condition,
                    "payload_bps": row.payload_bps,
                    "rtp_bps": row.rtp_bps,
                    "lost_share": row.loss,
                    "mean_x": percent,
                    "mean_y": row.mean,
                    "ci_low_y": row.mean_low,
                    "ci_high_y": row.mean_high,
                    "n": row.n,
                    "n_clips": row.n + row.n_lost,
                    "cluster": row.cluster,
                    "n_clusters": row.n_clusters,
                }
            )
    data = pd.DataFrame.from_records(records)
    return data.astype(dict.fromkeys(_NUMBERS, "float64")) if records else data


def draw_loss(
    data: "pd.DataFrame",
    facts: MetricFacts,
    systems: Sequence[SystemFacts],
    *,
    width_in: float = PAGE_WIDTH_IN,
) -> Drawing:
    """Draw quality against packet loss, one curve per point and concealment.

    Args:
        data: As `loss_frame` gives it, not empty.
        facts: About the metric.
        systems: Of the run.
        width_in: Of the figure, in inches.
    """
    known = {system.codec: system for system in systems}
    curves = data.drop_duplicates("codec")
    styles = system_styles(
        [
            replace(known[str(row["system"])], codec=str(row["codec"]), label=str(row["label"]))
            for _, row in curves.iterrows()
        ]
    )
    rates = [
        f"{_without_concealment(row)} {kbps(row['payload_bps'])} + {kbps(row['rtp_bps'])}"
        for _, row in curves.drop_duplicates(["system", "point"]).iterrows()
        if math.isfinite(row["rtp_bps"])
    ]
    notes = [
        interval_words(data.iloc[0]),
        "0 % is the condition clean; what stood in for lost packets is named behind the colon.",
        f"Payload + RTP headers (kbit/s): {cut(rates, ', ')}." if rates else "",
    ]
    with figure_settings():
        drawn = scatter_figure(
            data,
            styles,
            labels=(
                "10 ms slots lost, asked for (%)",
                f"{facts.name}   {arrow(facts)} {direction(facts)}",
            ),
            title=f"{facts.name} against packet loss",
            notes=wrap_notes([note for note in notes if note], width_in),
            width_in=width_in,
        )
    ends = [
        f"{group['label'].iloc[0]} from {group['mean_y'].iloc[0]:.2f} to "
        f"{group['mean_y'].iloc[-1]:.2f} at {group['mean_x'].iloc[-1]:g} %"
        for _, group in data.groupby("codec", sort=False)
    ]
    alt = f"{facts.name}, {direction(facts)}, against packet loss. {cut(ends, '; ')}."
    return Drawing(figure=drawn, data=data, alt=alt)


def _without_concealment(row: "pd.Series") -> str:
    return str(row["label"]).removesuffix(f": {row['concealment']}")


def latency_frame(
    rows: Sequence[SummaryRow], systems: Sequence[SystemFacts], metric: str, condition: str
) -> "pd.DataFrame":
    """Return the data of the figure of latency, quality and rate.

    Args:
        rows: Summary rows, points in rising rate.
        systems: Of the run; they declare latencies.
        metric: Which metric.
        condition: Which condition.

    Returns:
        One row per point of each system that is no anchor: ``metric, condition, codec, label,
        point, payload_bps, mean_x`` (declared algorithmic latency in ms), ``mean_y, ci_low_y,
        ci_high_y, n, n_clips, cluster, n_clusters, causal``.
    """
    import pandas as pd

    known = {system.codec: system for system in systems}
    records = [
        {
            "metric": metric,
            "condition": condition,
            "codec": row.codec,
            "label": system_label(row),
            "point": row.point,
            "payload_bps": row.payload_bps,
            "mean_x": known[row.codec].latency_ms,
            "mean_y": row.common.mean,
            "ci_low_y": row.common.low,
            "ci_high_y": row.common.high,
            "n": row.common.n,
            "n_clips": row.n_clips,
            "cluster": row.common.cluster,
            "n_clusters": row.common.n_clusters,
            "causal": known[row.codec].causal,
        }
        for row in rows
        if (row.metric, row.condition) == (metric, condition)
        and row.kind != "anchor"
        and row.common.mean is not None
        and known[row.codec].latency_ms > 0
    ]
    data = pd.DataFrame.from_records(records)
    return data.astype(dict.fromkeys(_NUMBERS, "float64")) if records else data


def draw_latency(
    data: "pd.DataFrame",
    facts: MetricFacts,
    styles: Mapping[str, SystemStyle],
    *,
    width_in: float = PAGE_WIDTH_IN,
) -> Drawing:
    """Draw quality against latency, with the rate written beside each point.

    Args:
        data: As `latency_frame` gives it, not empty.
        facts: About the metric.
        styles: By canonical codec name.
        width_in: Of the figure, in inches.
    """
    loose = [str(row["label"]) for _, row in data.iterrows() if not row["causal"]]
    notes = [
        interval_words(data.iloc[0]),
        "Numbers beside points: measured payload in kbit/s. Latency: frame and look-ahead as "
        "declared; 'codecbench stream' holds it against what is measured.",
        f"Not causal, so for files and not for calls: {cut(list(dict.fromkeys(loose)), ', ')}."
        if loose
        else "",
    ]
    with figure_settings():
        figure = scatter_figure(
            data,
            styles,
            labels=(
                "algorithmic latency (ms)",
                f"{facts.name}   {arrow(facts)} {direction(facts)}",
            ),
            title=f"{facts.name}, latency and rate",
            notes=wrap_notes([note for note in notes if note], width_in),
            width_in=width_in,
            log_x=True,
        )
        _write_rates(figure, data)
    points = [
        f"{row['label']} at {kbps(row['payload_bps'])} kbit/s and {row['mean_x']:g} ms: "
        f"{row['mean_y']:.2f}"
        for _, row in data.iterrows()
    ]
    alt = f"{facts.name}, {direction(facts)}, against latency. {cut(points, '; ')}."
    return Drawing(figure=figure, data=data, alt=alt)


def _write_rates(figure: "Figure", data: "pd.DataFrame") -> None:
    """Write rates beside the points; where latencies are alike, none over another."""
    axes = figure.axes[0]
    low, high = axes.get_ylim()
    height_in = axes.get_position().height * figure.get_figheight()
    neighbours = (np.log(data["mean_x"]) / np.log(_ALIKE)).round()
    for _, group in data.groupby(neighbours, sort=False):
        rising = group.sort_values("mean_y", kind="stable")
        wanted = [(float(value) - low) / (high - low) for value in rising["mean_y"]]
        gap = min(_LABEL_IN / height_in, 1 / len(wanted))
        for place, (_, row) in zip(spread(wanted, gap=gap), rising.iterrows(), strict=True):
            axes.annotate(
                kbps(row["payload_bps"]),
                (row["mean_x"], low + place * (high - low)),
                xytext=(6, 0),
                textcoords="offset points",
                fontsize=6.5,
                va="center",
            )
