"""Means per group of clips, and the systems that one group fares differently with."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from codecbench.benchmark.results import RunResults
from codecbench.core.errors import UnknownNameError
from codecbench.reports.curve_data import CurveSet
from codecbench.reports.interactions import PeerScores, find_interactions
from codecbench.reports.statistics.estimates import LEVEL
from codecbench.reports.summary import Mean, mean_rows
from codecbench.reports.tables import system_name

if TYPE_CHECKING:
    import pandas as pd

DURATION = "duration"
"""Name of the grouping by the length of the clips, which is no tag."""
GROUP_TAGS = (
    "sex", "language", "accent", "age", "style", "corpus", "lossy_origin", "narrowband",
    "snr_est_db", "f0_hz", DURATION,
)  # fmt: skip
"""Tags by which reports group where clips have them."""
MAX_GROUPS = 12
"""A tag of words with more values is not grouped by; one of numbers is split at its median."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRow:
    """One system and point on one group of clips.

    Attributes:
        metric: Name of the metric output.
        condition: The treatment.
        tag: By what the clips are grouped.
        group: Value of the tag.
        codec: Canonical name.
        label: Short name, with a badge where the weights are random.
        point: Operating point.
        mean: On this group's clips of those that all systems have.
        interaction: Score for this group less score for the others, less the same of the other
            systems at the same rate; None where it cannot be said.
        low: Lower limit of the interaction, on its own.
        high: Upper limit.
        p_adjusted: After Holm over all systems and groups of this tag.
        is_flagged: Whether the interaction is more than chance, and there are enough speakers.
    """

    metric: str
    condition: str
    tag: str
    group: str
    codec: str
    label: str
    point: str
    mean: Mean
    interaction: float | None
    low: float | None
    high: float | None
    p_adjusted: float | None
    is_flagged: bool


def clip_groups(
    results: RunResults, clips: Sequence[str], tags: Sequence[str] | None = None
) -> dict[str, NDArray[np.str_]]:
    """Return the group of each clip, by tag.

    Args:
        results: The run.
        clips: Clip ids.
        tags: Which tags; those of `GROUP_TAGS` that divide the clips where None.

    Raises:
        UnknownNameError: A tag was named that no clip has.
    """
    frame = results.frame.drop_duplicates(subset="clip").set_index("clip").loc[list(clips)]
    found: dict[str, NDArray[np.str_]] = {}
    for tag in GROUP_TAGS if tags is None else tags:
        column = "clip_s" if tag == DURATION else tag
        if column not in frame.columns:
            if tags is not None:
                raise UnknownNameError("tag", tag, [*map(str, frame.columns), DURATION])
            continue
        groups = _split(frame[column], unit=" s" if tag == DURATION else "")
        if groups is not None:
            found[tag] = groups
    return found


def group_rows(
    results: RunResults,
    curves: Sequence[CurveSet],
    *,
    tags: Sequence[str] | None = None,
    level: float = LEVEL,
) -> tuple[GroupRow, ...]:
    """Compute means per group and test, system by system, whether groups fare differently.

    What is tested is the interaction: each clip's score less the mean of the other systems on that
    clip at the same measured rate, so that clips that are hard for everybody flag nobody. A system
    that is flagged is no longer among the others by which the rest is judged.

    Args:
        results: The run.
        curves: From `curve_sets`.
        tags: By which tags; those of `GROUP_TAGS` that divide the clips where None.
        level: Coverage of intervals, and 1 − chance of any false flag per tag, metric, condition.
    """
    labels = {system.codec: system_name(system) for system in results.systems}
    found: list[GroupRow] = []
    for curve in curves:
        if not curve.curves:
            continue
        clips = [clip for clip, kept in zip(curve.grid.clips, curve.chosen, strict=True) if kept]
        peers = PeerScores.of(curve)
        for tag, groups in clip_groups(results, clips, tags).items():
            found += _of_tag(curve, peers, (tag, groups), labels, level)
    return tuple(found)


def _of_tag(
    curve: CurveSet,
    peers: PeerScores,
    tagged: tuple[str, NDArray[np.str_]],
    labels: dict[str, str],
    level: float,
) -> list[GroupRow]:
    tag, groups = tagged
    names = sorted(set(groups.tolist()))
    sides = [groups == name for name in names]
    contrasts, adjusted = find_interactions(peers, sides, curve.clusters, level=level)
    found = []
    for number, name in enumerate(names):
        chosen = np.zeros(len(curve.chosen), dtype=bool)
        chosen[np.flatnonzero(curve.chosen)[sides[number]]] = True
        inside = peers.scores[:, sides[number]]
        means = mean_rows(inside, curve.grid.clusters(chosen), level=level)
        contrast = contrasts[number]
        for row, (codec, point) in enumerate(peers.keys):
            known = curve.clusters.is_reliable and bool(np.isfinite(adjusted[number, row]))
            found.append(
                GroupRow(
                    metric=curve.grid.metric.name,
                    condition=curve.grid.condition,
                    tag=tag,
                    group=name,
                    codec=codec,
                    label=labels[codec],
                    point=point,
                    mean=means[row],
                    interaction=float(contrast.mean[row]) if known else None,
                    low=float(contrast.low[row]) if known else None,
                    high=float(contrast.high[row]) if known else None,
                    p_adjusted=float(adjusted[number, row]) if known else None,
                    is_flagged=bool(known and adjusted[number, row] <= 1.0 - level),
                )
            )
    return found


def _split(column: "pd.Series", *, unit: str) -> NDArray[np.str_] | None:
    """Return groups; None where the column does not divide the clips."""
    words = [
        "not stated" if value != value or value is None or value == "" else str(value)
        for value in column
    ]
    if unit or len(set(words)) > MAX_GROUPS:
        numbers = _numbers(words)
        if numbers is None:
            return None
        median = float(np.nanmedian(numbers))
        shown = f"{median:.3g}{unit}"
        words = [
            "not stated" if number != number else f"{'≤' if number <= median else '>'} {shown}"
            for number in numbers
        ]
    return np.array(words) if 1 < len(set(words)) <= MAX_GROUPS else None


def _numbers(words: Sequence[str]) -> NDArray[np.float64] | None:
    try:
        numbers = [float(word) if word != "not stated" else np.nan for word in words]
    except ValueError:
        return None
    found = np.array(numbers)
    return found if np.isfinite(found).any() else None
