"""Mean opinion scores as bars with intervals, the mean printed on top."""

import math
from pathlib import Path
from typing import TYPE_CHECKING

from codecbench.core.errors import ConfigError
from codecbench.reports.figures.drawing import CHARACTER_IN, PAGE_WIDTH_IN, Drawing, wrap_notes
from codecbench.reports.style import ANCHOR_COLOUR, COLOURS, figure_settings

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("system", "mos", "ci_low", "ci_high", "votes", "listeners")
_HATCHES = ("", "///", "\\\\\\", "...", "xxx", "---", "+++")
_ANCHOR_FILL = "#cccccc"
_NUMBERS = ("mos", "ci_low", "ci_high")


def read_opinions(path: Path) -> "pd.DataFrame":
    """Read mean opinion scores.

    Args:
        path: A CSV file with `COLUMNS`; further columns are passed over. An optional column
            ``kind`` marks anchors.

    Raises:
        ConfigError: It cannot be read, a column is missing, or a score lies outside 1 to 5.
    """
    import pandas as pd

    try:
        data = pd.read_csv(path, dtype="object", keep_default_na=False)
        missing = [name for name in COLUMNS if name not in data.columns]
        if missing:
            msg = f"lacks {', '.join(missing)}"
            raise ValueError(msg)
        for name in _NUMBERS:
            data[name] = [float(text) if text else math.nan for text in data[name]]
        data = data.astype({"votes": "int64", "listeners": "int64"})
        if not data["mos"].between(1.0, 5.0).all():
            msg = "has a mean opinion score outside 1 to 5"
            raise ValueError(msg)
    except (OSError, ValueError) as error:
        msg = f"{path}: no opinion scores ({error}); 'codecbench listen import' writes some"
        raise ConfigError(msg) from error
    kind = data["kind"] if "kind" in data.columns else "system"
    return data[list(COLUMNS)].assign(kind=kind)


def draw_opinions(data: "pd.DataFrame", *, width_in: float = PAGE_WIDTH_IN) -> Drawing:
    """Draw a bar per system on the scale from 1 to 5.

    Args:
        data: `COLUMNS` and ``kind``, in the order of the bars, not empty.
        width_in: Of the figure, in inches.
    """
    from matplotlib.figure import Figure

    names = [str(name) for name in data["system"]]
    names = [name if len(name) <= 28 else f"{name[:27]}…" for name in names]
    slot = (width_in - 0.9) / len(names)
    upright = max(map(len, names)) * CHARACTER_IN * 0.9 > slot
    below = 0.35 + (CHARACTER_IN * max(map(len, names)) * 0.8 if upright else 0.0)
    notes = wrap_notes([_note(data)], width_in)
    axes_height, top = min(2.9, 0.72 * width_in), 0.42
    height = top + axes_height + below + len(notes) * 0.16 + 0.12
    with figure_settings():
        figure = Figure(figsize=(width_in, height))
        axes = figure.add_axes(
            (
                0.6 / width_in,
                1 - (top + axes_height) / height,
                1 - 0.75 / width_in,
                axes_height / height,
            )
        )
        axes.set_title("Mean opinion scores", loc="left")
        axes.set_ylabel("mean opinion score   ↑ better")
        axes.set_ylim(1.0, 5.25)
        axes.set_yticks([1, 2, 3, 4, 5])
        axes.set_xlim(-0.6, len(names) - 0.4)
        axes.grid(axis="x", visible=False)
        for place, row in enumerate(data.to_dict("records")):
            anchor = row["kind"] == "anchor"
            colour = ANCHOR_COLOUR if anchor else COLOURS[place % len(COLOURS)]
            axes.bar(
                place,
                float(row["mos"]) - 1.0,
                bottom=1.0,
                width=0.66,
                color=_ANCHOR_FILL if anchor else "white",
                edgecolor=colour,
                linewidth=1.3,
                hatch=_HATCHES[0 if anchor else place % len(_HATCHES)],
            )
            axes.vlines(place, row["ci_low"], row["ci_high"], color="black", linewidth=1.6)
            ends = [float(row[name]) for name in _NUMBERS]
            peak = max(end for end in ends if not math.isnan(end))
            axes.text(place, peak + 0.06, f"{row['mos']:.2f}", ha="center", fontsize=8.0)
        axes.set_xticks(
            range(len(names)),
            names,
            rotation=50 if upright else 0,
            ha="right" if upright else "center",
            rotation_mode="anchor",
            fontsize=8.0,
        )
        figure.text(
            0.1 / width_in,
            (len(notes) * 0.16 + 0.05) / height,
            "\n".join(notes),
            fontsize=8.0,
            va="top",
            linespacing=1.3,
        )
    parts = ["Mean opinion scores from 1 to 5, higher is better."]
    parts += [
        f"{row['system']}: {row['mos']:.2f}, from {row['ci_low']:.2f} to {row['ci_high']:.2f}."
        for _, row in data.iterrows()
    ]
    return Drawing(figure=figure, data=data, alt=" ".join(parts))


def _note(data: "pd.DataFrame") -> str:
    votes = sorted({int(count) for count in data["votes"]})
    people = sorted({int(count) for count in data["listeners"]})
    return (
        f"Lines: 95 % intervals. {_span(votes)} votes per system by {_span(people)} listeners. "
        "Filled: anchors."
    )


def _span(counts: list[int]) -> str:
    return f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
