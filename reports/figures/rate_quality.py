"""The rate-quality figure: curves with interval bands, anchors as levels, what is missing named."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from codecbench.benchmark.results import MetricFacts
from codecbench.reports.figures.drawing import (
    CHARACTER_IN,
    PAGE_WIDTH_IN,
    Drawing,
    wrap_notes,
)
from codecbench.reports.figures.log_axis import set_log_axis
from codecbench.reports.figures.words import alt_text, caption, level_name, short_label
from codecbench.reports.rate_quality import ANCHOR, CURVE
from codecbench.reports.style import ANCHOR_COLOUR, SystemStyle, figure_settings
from codecbench.reports.tables import arrow, direction

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

_LEFT, _TOP, _X_LABEL = 0.75, 0.42, 0.62
_LEGEND_LINE, _TEXT_LINE = 0.19, 0.16
_MAX_ANCHORS = 20


@dataclass(frozen=True, slots=True)
class _Layout:
    """Sizes in inches."""

    height: float
    axes_height: float
    right: float
    longest_level: int
    legend_top: float
    text_top: float
    legend_columns: int


def draw_rate_quality(
    data: "pd.DataFrame",
    facts: MetricFacts,
    styles: Mapping[str, SystemStyle],
    *,
    width_in: float = PAGE_WIDTH_IN,
) -> Drawing:
    """Draw one metric against the measured rate.

    Args:
        data: As `rate_quality_frame` gives it, or read back from the CSV beside a figure.
        facts: About the metric.
        styles: By canonical codec name.
        width_in: Of the figure, in inches.

    Returns:
        x is the payload in kbit/s, logarithmic;
        y is the mean on the common clips; bands and bars are the intervals.
    """
    from matplotlib.figure import Figure

    shown, data = data, data.fillna({"reason": "", "label": "", "point": ""})
    curves = data[data["role"] == CURVE]
    low, high = _value_limits(data)
    anchors = data[data["role"] == ANCHOR]
    inside = anchors["mean"].between(low, high)
    levels = anchors[inside].sort_values("mean", kind="stable").head(_MAX_ANCHORS)
    notes = wrap_notes(caption(data, anchors.drop(levels.index)), width_in)
    with figure_settings():
        layout = _plan(curves, levels, notes, width_in)
        figure = Figure(figsize=(width_in, layout.height))
        height, width = layout.height, width_in
        axes = figure.add_axes(
            (
                _LEFT / width,
                1 - (_TOP + layout.axes_height) / height,
                1 - (_LEFT + layout.right) / width,
                layout.axes_height / height,
            )
        )
        axes.set_title(f"{facts.name} against rate", loc="left")
        unit = f" ({facts.unit})" if facts.unit else ""
        axes.set_ylabel(f"{facts.name}{unit}   {arrow(facts)} {direction(facts)}")
        axes.set_xlabel("measured payload (kbit/s)")
        axes.set_ylim(low, high)
        set_log_axis(axes, curves["payload_bps"].to_numpy(dtype=np.float64) / 1000.0)
        handles = [
            _draw_curve(axes, group, styles[str(codec)])
            for codec, group in curves.groupby("codec", sort=False)
        ]
        _draw_levels(axes, levels, layout)
        if curves.empty:
            axes.text(0.5, 0.5, "no curve: see below", transform=axes.transAxes, ha="center")
        if handles:
            figure.legend(
                handles=handles,
                loc="upper left",
                bbox_to_anchor=(_LEFT / width, 1 - layout.legend_top / height),
                ncols=layout.legend_columns,
                frameon=False,
                borderaxespad=0.0,
                borderpad=0.0,
                labelspacing=0.45,
                handlelength=3.4,
                columnspacing=1.4,
                fontsize=8.5,
            )
        figure.text(
            0.1 / width,
            1 - layout.text_top / height,
            "\n".join(notes),
            fontsize=8.0,
            va="top",
            linespacing=1.3,
        )
    return Drawing(figure=figure, data=shown, alt=alt_text(data, facts))


def _value_limits(data: "pd.DataFrame") -> tuple[float, float]:
    """Let the curves set the scale; anchors within half a span of them are still shown."""
    of_curves = data[data["role"] == CURVE]
    leading = of_curves if len(of_curves) else data[data["role"] == ANCHOR]
    seen = leading[["mean", "ci_low", "ci_high"]].to_numpy(dtype=np.float64)
    seen = seen[np.isfinite(seen)]
    if not seen.size:
        return 0.0, 1.0
    low, high = float(seen.min()), float(seen.max())
    span = (high - low) or max(abs(high), 1.0) * 0.1
    levels = data.loc[data["role"] == ANCHOR, "mean"].to_numpy(dtype=np.float64)
    near = levels[(levels >= low - span / 2) & (levels <= high + span / 2)]
    low, high = min([low, *near.tolist()]), max([high, *near.tolist()])
    margin = 0.06 * ((high - low) or span)
    return low - margin, high + margin


def _plan(
    curves: "pd.DataFrame", levels: "pd.DataFrame", notes: list[str], width: float
) -> _Layout:
    labels = [short_label(str(label)) for label in curves["label"].unique()]
    longest = max((len(label) for label in labels), default=0)
    columns = max(1, min(3, int((width - _LEFT) / (0.75 + CHARACTER_IN * longest)), len(labels)))
    rows = -(-len(labels) // columns)
    fits = int(0.33 * width / CHARACTER_IN)
    pairs = zip(levels["label"].astype(str), levels["point"].astype(str), strict=True)
    names = [len(level_name(label, point, longest=fits)) for label, point in pairs]
    axes_height = min(3.5, 0.72 * width)
    legend_top = _TOP + axes_height + _X_LABEL
    text_top = legend_top + rows * _LEGEND_LINE + 0.08
    return _Layout(
        height=text_top + len(notes) * _TEXT_LINE + 0.1,
        axes_height=axes_height,
        right=0.2 + (0.25 + 0.95 * CHARACTER_IN * max(names) if names else 0.0),
        longest_level=fits,
        legend_top=legend_top,
        text_top=text_top,
        legend_columns=columns,
    )


def _draw_curve(axes: "Axes", group: "pd.DataFrame", style: SystemStyle) -> "Line2D":
    group = group.sort_values("payload_bps", kind="stable")
    x = group["payload_bps"].to_numpy(dtype=np.float64) / 1000.0
    mean, low, high = (
        group[name].to_numpy(dtype=np.float64) for name in ("mean", "ci_low", "ci_high")
    )
    if x.size > 1:
        axes.fill_between(x, low, high, color=style.colour, alpha=0.14, linewidth=0)
    axes.vlines(x, low, high, color=style.colour, linewidth=0.9)
    (line,) = axes.plot(
        x,
        mean,
        color=style.colour,
        linestyle=style.line,
        marker=style.marker,
        markerfacecolor=style.colour if style.filled else "white",
        markeredgecolor=style.colour,
        markeredgewidth=0.9,
    )
    line.set_label(short_label(str(group["label"].iloc[0])))
    return line


def _draw_levels(axes: "Axes", levels: "pd.DataFrame", layout: _Layout) -> None:
    low, high = axes.get_ylim()
    wanted = [(float(value) - low) / (high - low) for value in levels["mean"]]
    placed = spread(wanted, gap=0.155 / layout.axes_height)
    for (_, row), height, shown in zip(levels.iterrows(), wanted, placed, strict=True):
        axes.axhline(
            float(row["mean"]), color=ANCHOR_COLOUR, linestyle=":", linewidth=1.0, zorder=1
        )
        axes.plot(
            [1.0, 1.025],
            [height, shown],
            transform=axes.transAxes,
            color=ANCHOR_COLOUR,
            linewidth=0.7,
            clip_on=False,
        )
        axes.text(
            1.032,
            shown,
            level_name(str(row["label"]), str(row["point"]), longest=layout.longest_level),
            transform=axes.transAxes,
            va="center",
            fontsize=8.0,
            color="#444444",
        )


def spread(wanted: list[float], *, gap: float) -> list[float]:
    """Move labels apart as little as needed.

    Args:
        wanted: Rising places in [0, 1].
        gap: Smallest distance allowed; at most ``1 / len(wanted)``.

    Returns:
        Rising places at least `gap` apart, in [0, 1] where they fit.
    """
    placed: list[float] = []
    for place in wanted:
        placed.append(max(place, placed[-1] + gap) if placed else place)
    ceiling = 1.0
    for index in range(len(placed) - 1, -1, -1):
        placed[index] = min(placed[index], ceiling)
        ceiling = placed[index] - gap
    return placed
