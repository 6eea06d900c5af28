"""Points in a plane with intervals along both axes, one style per system."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from codecbench.reports.figures.drawing import CHARACTER_IN, PAGE_WIDTH_IN
from codecbench.reports.figures.log_axis import set_log_axis
from codecbench.reports.figures.words import short_label
from codecbench.reports.style import SystemStyle, style_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

_LEFT, _TOP, _X_LABEL, _LINE, _LEGEND_LINE = 0.75, 0.42, 0.62, 0.16, 0.19


def scatter_figure(
    data: "pd.DataFrame",
    styles: Mapping[str, SystemStyle],
    *,
    labels: Sequence[str],
    title: str,
    notes: Sequence[str],
    width_in: float = PAGE_WIDTH_IN,
    log_x: bool = False,
) -> "Figure":
    """Draw systems as points that are joined in their order, with a legend below.

    Args:
        data: ``codec, label, mean_x, mean_y`` and ``ci_low_x, …`` where they are known; points of
            a system stand in their order.
        styles: By canonical codec name.
        labels: Of both axes.
        title: Of the figure.
        notes: Lines below the legend.
        width_in: Of the figure, in inches.
        log_x: Whether x is logarithmic.
    """
    from matplotlib.figure import Figure

    names = [short_label(str(label)) for label in data["label"].unique()]
    longest = max(map(len, names), default=0)
    columns = max(1, min(4, int((width_in - _LEFT) / (0.6 + CHARACTER_IN * longest)), len(names)))
    axes_height = min(3.6, 0.72 * width_in)
    legend_top = _TOP + axes_height + _X_LABEL
    text_top = legend_top + -(-len(names) // columns) * _LEGEND_LINE + 0.08
    height = text_top + len(notes) * _LINE + 0.1
    figure = Figure(figsize=(width_in, height))
    axes = figure.add_axes(
        (
            _LEFT / width_in,
            1 - (_TOP + axes_height) / height,
            1 - (_LEFT + 0.2) / width_in,
            axes_height / height,
        )
    )
    axes.set_title(title, loc="left")
    axes.set_xlabel(labels[0])
    axes.set_ylabel(labels[1])
    if log_x:
        set_log_axis(axes, data["mean_x"].to_numpy(dtype=np.float64))
    handles = [
        _draw_system(axes, group, style_of(styles, str(codec)))
        for codec, group in data.groupby("codec", sort=False)
    ]
    figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(_LEFT / width_in, 1 - legend_top / height),
        ncols=columns,
        frameon=False,
        borderaxespad=0.0,
        borderpad=0.0,
        labelspacing=0.45,
        handlelength=2.6,
        columnspacing=1.4,
        fontsize=8.5,
    )
    figure.text(
        0.1 / width_in,
        1 - text_top / height,
        "\n".join(notes),
        fontsize=8.0,
        va="top",
        linespacing=1.3,
    )
    return figure


def _draw_system(axes: "Axes", group: "pd.DataFrame", style: SystemStyle) -> "Line2D":
    x, y = (group[f"mean_{axis}"].to_numpy(dtype=np.float64) for axis in "xy")
    for axis, draw in (("x", axes.hlines), ("y", axes.vlines)):
        if f"ci_low_{axis}" in group:
            low, high = (
                group[f"{end}_{axis}"].to_numpy(dtype=np.float64) for end in ("ci_low", "ci_high")
            )
            draw(y if axis == "x" else x, low, high, color=style.colour, linewidth=0.9)
    (line,) = axes.plot(
        x,
        y,
        color=style.colour,
        linestyle=style.line,
        linewidth=0.9,
        marker=style.marker,
        markerfacecolor=style.colour if style.filled else "white",
        markeredgecolor=style.colour,
        markeredgewidth=0.9,
        label=short_label(str(group["label"].iloc[0])),
    )
    return line
