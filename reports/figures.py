"""The rate-quality figure: curves with interval bands, anchors as levels, what is missing named."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from codecbench.benchmark.results import MetricFacts
from codecbench.reports.export import csv_bytes
from codecbench.reports.figure_text import caption, level_name, short_label
from codecbench.reports.rate_quality import ANCHOR, CURVE
from codecbench.reports.style import (
    ANCHOR_COLOUR,
    FIGURE_WIDTH_IN,
    SystemStyle,
    figure_settings,
)
from codecbench.reports.tables import arrow, direction

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

FORMATS = ("png", "svg", "pdf")
# No dates and no versions: equal results give equal files.
METADATA: dict[str, dict[str, None]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
_AXES_HEIGHT, _LEFT, _TOP, _X_LABEL = 3.5, 0.75, 0.42, 0.62
_LEGEND_LINE, _TEXT_LINE, _CHARACTER = 0.19, 0.16, 0.066
_MAX_ANCHORS = 20


@dataclass(frozen=True, slots=True)
class _Layout:
    """Sizes in inches."""

    height: float
    right: float
    legend_top: float
    text_top: float
    legend_columns: int


def draw_rate_quality(
    data: "pd.DataFrame", facts: MetricFacts, styles: Mapping[str, SystemStyle]
) -> "Figure":
    """Draw one metric against the measured rate.

    Args:
        data: As `rate_quality_frame` gives it, or read back from the CSV beside a figure.
        facts: About the metric.
        styles: By canonical codec name.

    Returns:
        A figure of its own, without any global state. x is the payload in kbit/s, logarithmic;
        y is the mean on the common clips; bands and bars are the intervals.
    """
    from matplotlib.figure import Figure

    data = data.fillna({"reason": "", "label": "", "point": ""})
    curves = data[data["role"] == CURVE]
    low, high = _value_limits(data)
    anchors = data[data["role"] == ANCHOR]
    inside = anchors["mean"].between(low, high)
    levels = anchors[inside].sort_values("mean", kind="stable").head(_MAX_ANCHORS)
    notes = caption(data, anchors.drop(levels.index))
    with figure_settings():
        layout = _plan(curves, levels, notes)
        figure = Figure(figsize=(FIGURE_WIDTH_IN, layout.height))
        height, width = layout.height, FIGURE_WIDTH_IN
        axes = figure.add_axes(
            (
                _LEFT / width,
                1 - (_TOP + _AXES_HEIGHT) / height,
                1 - (_LEFT + layout.right) / width,
                _AXES_HEIGHT / height,
            )
        )
        axes.set_title(f"{facts.name} against rate", loc="left")
        unit = f" ({facts.unit})" if facts.unit else ""
        axes.set_ylabel(f"{facts.name}{unit}   {arrow(facts)} {direction(facts)}")
        axes.set_xlabel("measured payload (kbit/s)")
        axes.set_ylim(low, high)
        _set_rate_axis(axes, curves["payload_bps"].to_numpy(dtype=np.float64) / 1000.0)
        handles = [
            _draw_curve(axes, group, styles[str(codec)])
            for codec, group in curves.groupby("codec", sort=False)
        ]
        _draw_levels(axes, levels, low, high)
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
            0.15 / width,
            1 - layout.text_top / height,
            "\n".join(notes),
            fontsize=8.0,
            va="top",
            linespacing=1.3,
        )
    return figure


def write_figure(
    folder: Path,
    name: str,
    data: "pd.DataFrame",
    facts: MetricFacts,
    styles: Mapping[str, SystemStyle],
) -> dict[str, Path]:
    """Write a figure as PNG, SVG and PDF with the CSV that reproduces it.

    Returns:
        Path by suffix: png, svg, pdf, csv.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = {suffix: folder / f"{name}.{suffix}" for suffix in (*FORMATS, "csv")}
    paths["csv"].write_bytes(csv_bytes(data))
    figure = draw_rate_quality(data, facts, styles)
    with figure_settings():
        for suffix in FORMATS:
            figure.savefig(paths[suffix], format=suffix, dpi=200, metadata=METADATA[suffix])
    return paths


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


def _plan(curves: "pd.DataFrame", levels: "pd.DataFrame", notes: list[str]) -> _Layout:
    labels = [short_label(str(label)) for label in curves["label"].unique()]
    longest = max((len(label) for label in labels), default=0)
    usable = FIGURE_WIDTH_IN - _LEFT
    columns = max(1, min(3, int(usable / (0.75 + _CHARACTER * longest)), len(labels)))
    rows = -(-len(labels) // columns)
    names = [len(level_name(str(row["label"]), str(row["point"]))) for _, row in levels.iterrows()]
    right = 0.2 + (0.25 + 0.95 * _CHARACTER * max(names) if names else 0.0)
    legend_top = _TOP + _AXES_HEIGHT + _X_LABEL
    text_top = legend_top + rows * _LEGEND_LINE + 0.08
    height = text_top + len(notes) * _TEXT_LINE + 0.1
    return _Layout(height, min(right, 2.8), legend_top, text_top, columns)


def _set_rate_axis(axes: "Axes", rates: "np.ndarray") -> None:
    from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

    low, high = (float(rates.min()), float(rates.max())) if rates.size else (1.0, 10.0)
    low, high = low / 1.15, high * 1.15
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    for steps in ((1, 10), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 4, 6, 8), tuple(range(10, 100, 2))):
        unit = 10.0 if steps[0] == 10 else 1.0
        decades = range(-6, 9)
        ticks = sorted({round(s / unit * 10.0**d, 9) for d in decades for s in steps})
        ticks = [tick for tick in ticks if low <= tick <= high]
        if len(ticks) >= 4:
            break
    ticks = ticks[:: -(-len(ticks) // 10)]
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_major_formatter(FixedFormatter([f"{tick:g}" for tick in ticks]))
    axes.xaxis.set_minor_locator(NullLocator())


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


def _draw_levels(axes: "Axes", levels: "pd.DataFrame", low: float, high: float) -> None:
    wanted = [(float(value) - low) / (high - low) for value in levels["mean"]]
    placed = spread(wanted, gap=0.155 / _AXES_HEIGHT)
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
            level_name(str(row["label"]), str(row["point"])),
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
