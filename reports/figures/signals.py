"""Delay and level of the output against the reference, point by point."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from codecbench.benchmark.results import RunResults
from codecbench.reports.figures.distribution import draw_box
from codecbench.reports.figures.drawing import PAGE_WIDTH_IN, Drawing, wrap_notes
from codecbench.reports.figures.row_axes import quantiles, row_figure, row_names
from codecbench.reports.figures.words import cut
from codecbench.reports.forensics import (
    NOTABLE_DELAY_MS,
    NOTABLE_ENVELOPE_DELAY_MS,
    NOTABLE_LEVEL_DB,
    find_all,
    level_changes,
)
from codecbench.reports.style import SystemStyle, figure_settings, style_of
from codecbench.reports.tables import system_name

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

DELAY, LEVEL = "delay_ms", "level_db"
_PANELS = {
    DELAY: ("Delay", "delay (ms)   ← early | late →", NOTABLE_DELAY_MS),
    LEVEL: ("Level", "level (dB)   ← quieter | louder →", NOTABLE_LEVEL_DB),
}


def signals_frame(results: RunResults) -> "pd.DataFrame":
    """Return the data of the figure.

    Args:
        results: The run.

    Returns:
        One row per system, point, condition and quantity, ``delay_ms`` and ``level_db``:
        ``quantity, codec, label, point, condition, n, method, stands_out`` and the `QUANTILES`
        over clips. A point without a measured clip is left out.
    """
    import pandas as pd

    labels = {system.codec: system_name(system) for system in results.systems}
    measured = results.forensics
    records = []
    for found in find_all(results):
        where = (measured["codec"] == found.codec) & (measured["point"] == found.point)
        part = measured[where & (measured["condition"] == found.condition)]
        for quantity, column in ((DELAY, part[DELAY]), (LEVEL, level_changes(part))):
            numbers = np.asarray(column, dtype=np.float64)
            seen = numbers[np.isfinite(numbers)]
            if seen.size:
                records.append(
                    {
                        "quantity": quantity,
                        "codec": found.codec,
                        "label": labels.get(found.codec, found.codec),
                        "point": found.point,
                        "condition": found.condition,
                        "n": seen.size,
                        "method": found.method,
                        "stands_out": "; ".join(found.notes),
                        **quantiles(seen),
                    }
                )
    return pd.DataFrame.from_records(records)


def draw_signals(
    data: "pd.DataFrame", styles: Mapping[str, SystemStyle], *, width_in: float = PAGE_WIDTH_IN
) -> Drawing:
    """Draw two panels of boxes: delay and change of level; grey is where nothing is amiss.

    Args:
        data: As `signals_frame` gives it, not empty.
        styles: By canonical codec name.
        width_in: Of the figure, in inches.
    """
    key = ["codec", "point", "condition"]
    places = data.drop_duplicates(key).reset_index(drop=True)
    order = {tuple(row): place for place, row in enumerate(places[key].to_numpy().tolist())}
    if places["condition"].nunique() > 1:
        places["point"] = places["point"] + " " + places["condition"]
    with figure_settings():
        notes = wrap_notes(_notes(places), width_in)
        made = row_figure(row_names(places), notes, panels=len(_PANELS), width_in=width_in)
        for axes, (quantity, (title, label, tolerance)) in zip(
            made.panels, _PANELS.items(), strict=True
        ):
            axes.set_title(title, loc="left")
            axes.set_xlabel(label if width_in == PAGE_WIDTH_IN else label.partition("   ")[0])
            axes.axvspan(-tolerance, tolerance, color="#e4e4e4", zorder=0)
            axes.grid(axis="y", visible=False)
            for row in data[data["quantity"] == quantity].to_dict("records"):
                place = order[tuple(row[name] for name in key)]
                draw_box(axes, place, row, style_of(styles, str(row["codec"])))
            _set_scale(axes, data[data["quantity"] == quantity], tolerance)
    return Drawing(figure=made.figure, data=data, alt=_alt(data))


def _set_scale(axes: "Axes", part: "pd.DataFrame", tolerance: float) -> None:
    """Show a hundredth of what matters and a hundred times it, where both occur."""
    from matplotlib.ticker import FuncFormatter, SymmetricalLogLocator

    farthest = float(part[["min", "max"]].abs().max().max()) if len(part) else 0.0
    edge = max(1.15 * farthest, 1.6 * tolerance)
    if edge > 10 * tolerance:
        axes.set_xscale("symlog", linthresh=tolerance, linscale=0.6)
        axes.xaxis.set_major_locator(SymmetricalLogLocator(base=10, linthresh=10 * tolerance))
        ticks = [tick for tick in (0.0, 1.0, 10.0, 100.0, 1000.0) if not 0 < tick <= tolerance]
        ticks = [tick for tick in ticks if tick < edge]
        axes.set_xticks(sorted({*ticks, *(-tick for tick in ticks)}))
    axes.set_xlim(-edge, edge)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.minorticks_off()


def _notes(places: "pd.DataFrame") -> list[str]:
    notes = [
        "Box: quartiles and median over clips. Whiskers: 5 to 95 %. Dots: smallest and largest. "
        "Grey: nothing to remark.",
        "Measured on the output as it was scored; nothing was corrected.",
    ]
    coarse = places[places["method"] != "waveform"]
    if len(coarse):
        names = ", ".join(dict.fromkeys(coarse["label"].astype(str)))
        notes.append(
            f"Delay known to a few ms only (remarked from {NOTABLE_ENVELOPE_DELAY_MS:g} ms), "
            f"since waveforms do not correlate: {names}."
        )
    remarks = [
        f"{label} {', '.join(group['point'])}: {text}"
        for (label, text), group in places.groupby(["label", "stands_out"], sort=False)
        if text
    ]
    if remarks:
        notes.append(f"Stands out: {cut(remarks, '. ')}.")
    return notes


def _alt(data: "pd.DataFrame") -> str:
    parts = ["Delay and change of level of the output against the reference, medians over clips."]
    for (label, point, _), group in data.groupby(["label", "point", "condition"], sort=False):
        at = dict(zip(group["quantity"], group["median"], strict=True))
        words = [f"{at[DELAY]:+.2f} ms"] if DELAY in at else ["delay not measurable"]
        words += [f"{at[LEVEL]:+.2f} dB"] if LEVEL in at else []
        parts.append(f"{label} {point}: {', '.join(words)}.")
    return " ".join(parts)
