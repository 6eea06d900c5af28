"""The course of trainings: quality and use of the codes against the step.

Source:
    After figure 3 of the ESC paper (Gu & Diao, arXiv:2404.19441): utilisation and PESQ with a mark
    where pre-training ends.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codecbench.core.errors import RunError
from codecbench.reports.figures.drawing import PAGE_WIDTH_IN, Drawing
from codecbench.reports.style import COLOURS, LINES, MARKERS, figure_settings
from codecbench.training.log import read_log

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

PANELS = {
    "utilisation": "utilisation of the codes",
    "pesq_wb": "PESQ-WB",
    "estoi": "ESTOI",
}
"""Scores that are drawn, each in a panel where a training has it, with their labels."""
_PANEL_HEIGHT_IN = 2.3
_LINES = tuple(LINES.values())
_FACES = ("", "white", "#bbbbbb")
"""Markers filled with the training's colour, hollow, grey: trainings differ without colour, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trajectory:
    """What the log of one training says of its validations.

    Attributes:
        name: For the legend.
        curves: For each point and score the steps and values.
        marks: Steps at which a phase ends, by name.
    """

    name: str
    curves: Mapping[tuple[str, str], list[tuple[int, float]]]
    marks: Mapping[str, int] = field(default_factory=dict)


def read_trajectory(path: Path, *, name: str | None = None) -> Trajectory:
    """Read the log of a training.

    Args:
        path: The log, or the folder of the training.
        name: For the legend; that of the folder by default.

    Raises:
        RunError: It cannot be read, or nothing was validated yet.
    """
    curves: dict[tuple[str, str], list[tuple[int, float]]] = {}
    marks: dict[str, int] = {}
    for line in read_log(path):
        if line.get("kind") == "start":
            marks = dict(line.get("marks", {}))
        if line.get("kind") == "validation":
            _add(curves, line)
    if not curves:
        msg = f"{path}: nothing was validated yet; train on, or lower validate_every"
        raise RunError(msg)
    folder = path if path.is_dir() else path.parent
    return Trajectory(name=name or folder.resolve().name, curves=curves, marks=marks)


def named_trajectory(source: Path) -> Trajectory:
    """Read the log of a training given as ``NAME=PATH``, or as a path.

    Raises:
        RunError: As `read_trajectory`.
    """
    name, equals, path = str(source).partition("=")
    if equals and not source.exists():
        return read_trajectory(Path(path), name=name)
    return read_trajectory(source)


def _add(
    curves: dict[tuple[str, str], list[tuple[int, float]]],
    line: Mapping[str, Any],  # Any: JSON values
) -> None:
    for point, scores in line["scores"].items():
        for score, value in scores.items():
            curves.setdefault((point, score), []).append((line["step"], value))


def trajectory_frame(trajectories: Sequence[Trajectory]) -> "pd.DataFrame":
    """Return the data of the figure: ``training, point, score, step, value``.

    A mark is a row without value, whose ``score`` is the mark's name.
    """
    import pandas as pd

    records = [
        (each.name, point, score, step, value)
        for each in trajectories
        for (point, score), pairs in each.curves.items()
        for step, value in pairs
    ]
    records += [
        (each.name, "", name, step, float("nan"))
        for each in trajectories
        for name, step in each.marks.items()
    ]
    return pd.DataFrame(records, columns=["training", "point", "score", "step", "value"])


def draw_trajectories(
    trajectories: Sequence[Trajectory], *, width_in: float = PAGE_WIDTH_IN
) -> Drawing:
    """Draw a panel for each score against the step, with a mark where a phase ends.

    Args:
        trajectories: Each in a colour of its own; operating points differ by their markers.
        width_in: Of the figure, in inches.
    """
    from matplotlib.figure import Figure

    found = {score for each in trajectories for _, score in each.curves}
    panels = [score for score in PANELS if score in found] or sorted(found)
    with figure_settings():
        figure = Figure(
            figsize=(width_in, _PANEL_HEIGHT_IN * len(panels) + 0.6), layout="constrained"
        )
        rows = figure.subplots(len(panels), sharex=True, squeeze=False)[:, 0]
        for axes, score in zip(rows, panels, strict=True):
            axes.set_ylabel(PANELS.get(score, score))
            for place, each in enumerate(trajectories):
                _draw(axes, each, score, place)
        _draw_marks(list(rows), trajectories)
        rows[-1].set_xlabel("step")
        handles, labels = rows[0].get_legend_handles_labels()
        if handles:
            columns = 2 if width_in == PAGE_WIDTH_IN else 1
            figure.legend(handles, labels, loc="outside lower center", ncols=columns, frameon=False)
        figure.canvas.draw()  # places everything while the settings hold
    return Drawing(
        figure=figure, data=trajectory_frame(trajectories), alt=_alt(trajectories, panels)
    )


def _draw_marks(panels: "Sequence[Axes]", trajectories: Sequence[Trajectory]) -> None:
    """Draw a line where a phase ended, in all panels, with its name in the first.

    What no training has reached yet would only stretch the axis.
    """
    line = 0
    for place, each in enumerate(trajectories):
        last = max(step for pairs in each.curves.values() for step, _ in pairs)
        for name, step in sorted(each.marks.items(), key=lambda mark: mark[1]):
            if step > last:
                continue
            colour = COLOURS[place % len(COLOURS)]
            for axes in panels:
                axes.axvline(step, color=colour, linestyle=":", linewidth=1.0, zorder=1)
            panels[0].annotate(
                f"{name} ({each.name})" if len(trajectories) > 1 else name,
                (step, 1.0),
                xycoords=("data", "axes fraction"),
                xytext=(3, -3 - 9 * line),  # one below the other, however near the steps are
                textcoords="offset points",
                va="top",
                fontsize=7.5,
                color=colour,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5, "alpha": 0.8},
            )
            line += 1


def _alt(trajectories: Sequence[Trajectory], panels: Sequence[str]) -> str:
    parts = ["Scores of trainings on held-out clips against the step."]
    for each in trajectories:
        for (point, score), pairs in each.curves.items():
            if score in panels:
                (first, start), (last, end) = pairs[0], pairs[-1]
                name = f"{each.name} {point}".strip()
                parts.append(
                    f"{name}, {score}: {start:.3g} at step {first} to {end:.3g} at {last}."
                )
    return " ".join(parts)


def _draw(axes: "Axes", trajectory: Trajectory, score: str, place: int) -> None:
    colour, line = COLOURS[place % len(COLOURS)], _LINES[place % len(_LINES)]
    points = list(dict.fromkeys(point for point, _ in trajectory.curves))
    for number, point in enumerate(points):
        pairs = trajectory.curves.get((point, score), [])
        if pairs:
            axes.plot(
                [step for step, _ in pairs],
                [value for _, value in pairs],
                color=colour,
                linestyle=line,
                marker=MARKERS[number % len(MARKERS)],
                markersize=4.0,
                markerfacecolor=_FACES[place % len(_FACES)] or colour,
                label=f"{trajectory.name} {point}".strip(),
            )
