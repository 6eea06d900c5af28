"""Figures with one line per operating point: names at the left, panels beside them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from codecbench.reports.figures.drawing import CHARACTER_IN
from codecbench.reports.figures.words import short_label

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

QUANTILES = {"min": 0.0, "p5": 0.05, "q1": 0.25, "median": 0.5, "q3": 0.75, "p95": 0.95, "max": 1.0}
"""What is kept of a distribution, by the column's name."""
ROW_IN = 0.185
_TOP, _X_LABEL, _LINE, _GAP, _RIGHT = 0.4, 0.55, 0.16, 0.28, 0.15
_LONGEST = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFigure:
    """A figure that waits for what its rows show.

    Attributes:
        figure: The figure.
        panels: Side by side, sharing the rows; row 0 is the topmost.
    """

    figure: "Figure"
    panels: tuple["Axes", ...]


def quantiles(values: NDArray[np.float64]) -> dict[str, float]:
    """Return the `QUANTILES` of values, shape (n,), n at least 1."""
    found = np.quantile(values, list(QUANTILES.values()))
    return dict(zip(QUANTILES, found.tolist(), strict=True))


def row_names(data: "pd.DataFrame") -> list[str]:
    """Name each row by label and point; a label stands once, at its first point."""
    names, last = [], None
    for label, point in zip(data["label"].astype(str), data["point"].astype(str), strict=True):
        names.append(f"{short_label(label)}   {point}".strip() if label != last else point)
        last = label
    return [name if len(name) <= _LONGEST else f"…{name[1 - _LONGEST :]}" for name in names]


def row_figure(
    names: Sequence[str], notes: Sequence[str], *, panels: int, width_in: float
) -> RowFigure:
    """Lay out a figure.

    Args:
        names: One per row, topmost first.
        notes: Lines below the panels.
        panels: How many stand side by side.
        width_in: Of the whole, in inches.
    """
    from matplotlib.figure import Figure

    left = 0.2 + CHARACTER_IN * 0.92 * max((len(name) for name in names), default=0)
    left = min(left, 0.45 * width_in)
    body = ROW_IN * max(len(names), 3)
    height = _TOP + body + _X_LABEL + len(notes) * _LINE + 0.1
    figure = Figure(figsize=(width_in, height))
    each = (width_in - left - _RIGHT - _GAP * (panels - 1)) / panels
    made: list[Axes] = []
    for place in range(panels):
        axes = figure.add_axes(
            (
                (left + place * (each + _GAP)) / width_in,
                1 - (_TOP + body) / height,
                each / width_in,
                body / height,
            )
        )
        axes.set_ylim(max(len(names), 3) - 0.5, -0.5)
        axes.set_yticks(range(len(names)), list(names) if place == 0 else [""] * len(names))
        axes.tick_params(axis="y", length=0, labelsize=8.0)
        axes.tick_params(axis="x", labelsize=8.0)
        made.append(axes)
    figure.text(
        0.1 / width_in,
        (len(notes) * _LINE + 0.05) / height,
        "\n".join(notes),
        fontsize=8.0,
        va="top",
        linespacing=1.3,
    )
    return RowFigure(figure=figure, panels=tuple(made))
