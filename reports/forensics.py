"""What was done to the signal beside coding it: delay, gain, polarity, clipping, length."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from codecbench.benchmark.results import RunResults
from codecbench.reports.grid import system_points
from codecbench.reports.tables import system_label
from codecbench.reports.typeset import Entry, TextTable

if TYPE_CHECKING:
    import pandas as pd

    from codecbench.reports.summary import SummaryRow

NOTABLE_DELAY_MS = 0.25
"""A median delay beyond this is named: four samples at 16 kHz, enough to ruin SI-SDR."""
NOTABLE_ENVELOPE_DELAY_MS = 5.0
"""The same where the waveforms do not correlate: an envelope moves in steps of 1 ms and is smeared
by the codec's frames, 20 to 40 ms long."""
NOTABLE_LEVEL_DB = 3.0
"""A median change of level beyond this is named; the band that Opus cuts at 6 kbit/s costs 2."""
NOTABLE_CLIPPING = 1e-3
MEASURED = ("delay_ms", "gain_db", "level_db", "clipped_share", "length_difference")


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """One point's signals against their references; None where nothing could be measured.

    Attributes:
        codec: As in the frame.
        point: As in the frame.
        condition: The treatment.
        n: Clips measured.
        delay_ms: Median; positive is late.
        worst_delay_ms: The one farthest from zero.
        method: What most delays were found by: waveform, envelope or none.
        gain_db: Median gain of the part that correlates with the reference.
        worst_gain_db: The one farthest from zero.
        level_db: Median change of level of the whole signal.
        worst_level_db: The one farthest from zero.
        n_inverted: Clips with the polarity turned.
        clipped_share: Median share of samples limited at full scale.
        worst_clipped_share: Largest.
        length_difference: Median, in samples.
        worst_length_difference: The one farthest from zero.
    """

    codec: str
    point: str
    condition: str
    n: int
    delay_ms: float | None
    worst_delay_ms: float | None
    method: str
    gain_db: float | None
    worst_gain_db: float | None
    level_db: float | None
    worst_level_db: float | None
    n_inverted: int
    clipped_share: float | None
    worst_clipped_share: float | None
    length_difference: float | None
    worst_length_difference: float | None

    @property
    def notes(self) -> tuple[str, ...]:
        """What stands out, in words."""
        found = []
        is_coarse = self.method != "waveform"
        limit = NOTABLE_ENVELOPE_DELAY_MS if is_coarse else NOTABLE_DELAY_MS
        if self.delay_ms is not None and abs(self.delay_ms) >= limit:
            side = "late" if self.delay_ms > 0 else "early"
            found.append(f"output is {abs(self.delay_ms):.2f} ms {side}")
        if self.n_inverted * 2 > self.n:
            found.append("output is inverted")
        if self.level_db is not None and abs(self.level_db) >= NOTABLE_LEVEL_DB:
            found.append(f"level changes by {self.level_db:+.1f} dB")
        if self.clipped_share is not None and self.clipped_share >= NOTABLE_CLIPPING:
            found.append(f"{self.clipped_share:.1%} of the samples are clipped")
        if self.length_difference:
            found.append(f"output length differs by {self.length_difference:+g} samples")
        return tuple(found)


def find_all(results: RunResults) -> tuple[Findings, ...]:
    """Sum up the forensics of a run by system and point, in table order."""
    frame = results.forensics
    if frame.empty:
        return ()
    places = {key: place for place, key in enumerate(system_points(results))}
    key = ["codec", "point", "condition"]
    groups = [
        (str(codec), str(point), str(condition), part)
        for (codec, point, condition), part in frame.groupby(key, sort=False)
    ]
    groups.sort(key=lambda group: (places.get(group[:2], len(places)), group[2]))
    return tuple(_find(codec, point, condition, part) for codec, point, condition, part in groups)


def _find(codec: str, point: str, condition: str, part: "pd.DataFrame") -> Findings:
    part = part.assign(level_db=level_changes(part))
    middle = {name: _median(part, name) for name in MEASURED}
    worst = {name: _farthest(part, name) for name in MEASURED}
    methods = Counter(part["method"].astype(str)).most_common(1)
    inverted = int((part["polarity"].astype("float64") < 0).sum())
    return Findings(
        codec=codec,
        point=point,
        condition=condition,
        n=len(part),
        delay_ms=middle["delay_ms"],
        worst_delay_ms=worst["delay_ms"],
        method=methods[0][0],
        gain_db=middle["gain_db"],
        worst_gain_db=worst["gain_db"],
        level_db=middle["level_db"],
        worst_level_db=worst["level_db"],
        n_inverted=inverted,
        clipped_share=middle["clipped_share"],
        worst_clipped_share=worst["clipped_share"],
        length_difference=middle["length_difference"],
        worst_length_difference=worst["length_difference"],
    )


def level_changes(part: "pd.DataFrame") -> "pd.Series[float]":
    """Return the change of level of each clip in dB.

    By the waveform, the gain is that of the correlating part alone, correlation × ratio of levels.
    By any other method it is the ratio of levels itself.
    """
    gain = part["gain_db"].astype("float64")
    by_waveform = (part["method"] == "waveform") & (part["correlation"] > 0)
    likeness = part["correlation"].astype("float64").where(by_waveform, 1.0)
    return gain - 20.0 * np.log10(likeness)


def _numbers(part: "pd.DataFrame", name: str) -> "pd.Series[float]":
    return part[name].astype("float64").dropna()


def _median(part: "pd.DataFrame", name: str) -> float | None:
    values = _numbers(part, name)
    return float(values.median()) if len(values) else None


def _farthest(part: "pd.DataFrame", name: str) -> float | None:
    values = _numbers(part, name).tolist()
    finite = [value for value in values if math.isfinite(value)]
    return max(finite, key=abs) if finite else None


def forensics_table(findings: Sequence[Findings], rows: Sequence["SummaryRow"]) -> TextTable:
    """Build the table: median, and the clip farthest from what is right."""
    labels = {row.codec: system_label(row) for row in rows}
    with_condition = len({found.condition for found in findings}) > 1
    heads = ("Codec", "Point", *(("Condition",) if with_condition else ()), "found by")
    body = []
    for found in findings:
        words = [Entry(text=labels.get(found.codec, found.codec)), Entry(text=found.point)]
        words += [Entry(text=found.condition)] if with_condition else []
        words.append(Entry(text=found.method))
        pairs = [
            (found.delay_ms, found.worst_delay_ms, "{:+.2f}"),
            (found.gain_db, found.worst_gain_db, "{:+.2f}"),
            (found.level_db, found.worst_level_db, "{:+.2f}"),
            (found.clipped_share, found.worst_clipped_share, "{:.3%}"),
            (found.length_difference, found.worst_length_difference, "{:+g}"),
        ]
        numbers = [_pair(middle, worst, shape) for middle, worst, shape in pairs]
        numbers.insert(
            3,
            Entry(text=f"{found.n_inverted} of {found.n}", kind="value", flag=found.n_inverted > 0),
        )
        note = "; ".join(found.notes)
        body.append((*words, *numbers, Entry(text=note or "nothing", flag=bool(note))))
    measured = ("delay (ms)", "gain (dB)", "level (dB)", "inverted", "clipped", "length (samples)")
    return TextTable(
        title="Signals against their references: median (worst clip)",
        columns=(*heads, *measured, "stands out"),
        numeric=tuple([False] * len(heads) + [True] * len(measured) + [False]),
        rows=tuple(body),
        notes=(
            "Measured on the output as it was scored; nothing was corrected. Positive delay: late.",
            "gain: of the part that correlates with the reference; level: of the whole signal.",
            "found by envelope: the waveforms do not correlate, so the delay is known to a few ms.",
        ),
        name="forensics",
    )


def _pair(middle: float | None, worst: float | None, shape: str) -> Entry:
    if middle is None or worst is None:
        return Entry(text="not measurable", kind="reason")
    return Entry(text=f"{shape.format(middle)} ({shape.format(worst)})", kind="value")
