"""How one metric is spread over the clips, point by point, with the mean marked."""

from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from codecbench.benchmark.results import MetricFacts
from codecbench.reports.figures.drawing import PAGE_WIDTH_IN, Drawing, wrap_notes
from codecbench.reports.figures.row_axes import QUANTILES, quantiles, row_figure, row_names
from codecbench.reports.figures.words import condition_words, cut, interval_words
from codecbench.reports.grid import OK, Grid
from codecbench.reports.style import SystemStyle, figure_settings, style_of
from codecbench.reports.summary import SummaryRow
from codecbench.reports.tables import arrow, direction, no_value_reason, system_label

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


def distribution_frame(grid: Grid, rows: Sequence[SummaryRow]) -> "pd.DataFrame":
    """Return the data of the figure.

    Args:
        grid: The cells of one metric under one condition.
        rows: Summary rows; those of other metrics and conditions are passed over.

    Returns:
        One row per system and point in table order: ``metric, condition, codec, label, point, n,
        n_clips, cluster, n_clusters, n_failed, mean, ci_low, ci_high``, the `QUANTILES`, and
        ``reason`` where there is no value. Everything is on the common clips.
    """
    import pandas as pd

    wanted = (grid.metric.name, grid.condition)
    by_key = {(row.codec, row.point): row for row in rows if (row.metric, row.condition) == wanted}
    records = []
    for index, key in enumerate(grid.keys):
        row = by_key[key]
        seen = grid.values[index][grid.common & (grid.status[index] == OK)]
        spread = quantiles(seen) if seen.size else dict.fromkeys(QUANTILES, np.nan)
        records.append(
            {
                "metric": row.metric,
                "condition": row.condition,
                "codec": row.codec,
                "label": system_label(row),
                "point": row.point,
                "n": row.common.n,
                "n_clips": row.n_clips,
                "cluster": row.common.cluster,
                "n_clusters": row.common.n_clusters,
                "n_failed": row.n_failed,
                "mean": row.common.mean,
                "ci_low": row.common.low,
                "ci_high": row.common.high,
                **spread,
                "reason": "" if seen.size else no_value_reason(row),
            }
        )
    frame = pd.DataFrame.from_records(records)
    return frame.astype(dict.fromkeys(["mean", "ci_low", "ci_high"], "float64"))


def draw_distribution(
    data: "pd.DataFrame",
    facts: MetricFacts,
    styles: Mapping[str, SystemStyle],
    *,
    width_in: float = PAGE_WIDTH_IN,
) -> Drawing:
    """Draw boxes: quartiles and median, whiskers over 90 % of the clips, a triangle at the mean.

    Args:
        data: As `distribution_frame` gives it.
        facts: About the metric.
        styles: By canonical codec name.
        width_in: Of the figure, in inches.
    """
    shown = data[data["n"] > 0]
    with figure_settings():
        notes = wrap_notes(_notes(data, shown), width_in)
        made = row_figure(row_names(shown), notes, panels=1, width_in=width_in)
        (axes,) = made.panels
        axes.set_title(f"{facts.name}, clip by clip", loc="left")
        unit = f" ({facts.unit})" if facts.unit else ""
        axes.set_xlabel(
            f"{facts.name}{unit}   {arrow(facts).replace('↑', '→').replace('↓', '←')} better"
        )
        axes.grid(axis="y", visible=False)
        pad_limits(axes, shown)
        for place, row in enumerate(shown.to_dict("records")):
            draw_box(axes, place, row, style_of(styles, str(row["codec"])))
            axes.hlines(
                place, row["ci_low"], row["ci_high"], color="black", linewidth=1.0, zorder=4
            )
            axes.plot(
                row["mean"], place, marker="^", color="black", markersize=5, linestyle="", zorder=5
            )
    return Drawing(figure=made.figure, data=data, alt=_alt(shown, facts))


def pad_limits(axes: "Axes", shown: "pd.DataFrame") -> None:
    """Leave room beside the farthest values; bars would let the axis end at theirs."""
    if len(shown):
        low, high = float(shown["min"].min()), float(shown["max"].max())
        margin = 0.04 * ((high - low) or max(abs(high), 1.0) * 0.1)
        axes.set_xlim(low - margin, high + margin)


def draw_box(axes: "Axes", place: int, row: Mapping[Hashable, object], style: SystemStyle) -> None:
    """Draw the `QUANTILES` of one row: dots, whiskers, box, median."""
    at = {name: float(str(row[name])) for name in QUANTILES}
    colour = style.colour
    axes.plot(
        [at["min"], at["max"]],
        [place, place],
        marker=".",
        markersize=2.5,
        linestyle="",
        color=colour,
    )
    axes.hlines(place, at["p5"], at["p95"], color=colour, linewidth=0.9)
    axes.barh(
        place,
        at["q3"] - at["q1"],
        left=at["q1"],
        height=0.62,
        color=_tint(colour),
        edgecolor=colour,
        linewidth=0.9,
        zorder=2,
    )
    axes.vlines(at["median"], place - 0.31, place + 0.31, color=colour, linewidth=1.8, zorder=3)


def _tint(colour: str) -> tuple[float, float, float]:
    """Return a pale form of a colour, opaque, so that no grid line shows through a box."""
    from matplotlib.colors import to_rgb

    red, green, blue = (0.78 + 0.22 * channel for channel in to_rgb(colour))
    return red, green, blue


def _notes(data: "pd.DataFrame", shown: "pd.DataFrame") -> list[str]:
    notes = [
        *condition_words(data),
        "Box: quartiles and median. Whiskers: 5 to 95 % of the clips. Dots: best and worst.",
    ]
    if len(shown):
        notes.append(f"Triangle: mean. {interval_words(shown.iloc[0])}")
    lost = data[data["n"] == 0]
    missing = [
        f"{name.strip()}: {reason}"
        for name, reason in zip(lost["label"] + " " + lost["point"], lost["reason"], strict=True)
    ]
    if missing:
        notes.append(f"Missing: {cut(missing, '; ')}.")
    return notes


def _alt(shown: "pd.DataFrame", facts: MetricFacts) -> str:
    parts = [f"Distribution of {facts.name} over clips, {direction(facts)}."]
    parts += [
        f"{row['label']} {row['point']}: mean {row['mean']:.3g}, median {row['median']:.3g}, "
        f"half of the clips from {row['q1']:.3g} to {row['q3']:.3g}."
        for _, row in shown.iterrows()
    ]
    return " ".join(parts)
