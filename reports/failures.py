"""Every cell without a value, grouped so that a person can read the list."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from codecbench.benchmark.results import RunResults
from codecbench.core.cell import Status
from codecbench.reports.reasons import short_reason
from codecbench.reports.tables import system_name
from codecbench.reports.typeset import Entry, TextTable

if TYPE_CHECKING:
    import pandas as pd

MAX_CLIPS = 4
"""Clips that are named per group; the CSV beside the page names all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureGroup:
    """Cells of one system and point that have no value for the same reason.

    Attributes:
        label: Short name of the system.
        point: Operating point.
        condition: The treatment.
        status: failed, skipped or undefined.
        reason: Machine-readable cause.
        message: The message of the first cell, "" where the cause is all there is.
        metrics: Which metrics.
        clips: Which clips.
        n_cells: How many cells.
    """

    label: str
    point: str
    condition: str
    status: str
    reason: str
    message: str
    metrics: tuple[str, ...]
    clips: tuple[str, ...]
    n_cells: int


def lost_cells(results: RunResults) -> "pd.DataFrame":
    """Return the rows of the tidy frame that have no value."""
    return results.frame.loc[results.frame["status"] != str(Status.OK)]


def group_failures(results: RunResults) -> tuple[FailureGroup, ...]:
    """Group the cells without a value: failures first, then skipped, then undefined."""
    lost = lost_cells(results)
    labels = {system.codec: system_name(system) for system in results.systems}
    groups: list[FailureGroup] = [
        FailureGroup(
            label=system_name(system),
            point="all",
            condition="all",
            status=str(Status.SKIPPED),
            reason=short_reason(system.unavailable),
            message=system.unavailable[len(short_reason(system.unavailable)) :].lstrip(": "),
            metrics=("all",),
            clips=("all",),
            n_cells=0,
        )
        for system in results.systems
        if system.unavailable
    ]
    lost = lost.assign(short=lost["reason"].astype(str).map(short_reason))
    failed = lost[lost["status"] == str(Status.FAILED)]
    for key, group in failed.groupby(["codec", "point", "condition", "short"], sort=False):
        codec, point, condition, short = map(str, key)
        groups.append(_group(group, (labels[codec], point, condition), short))
    # What was not tried has one reason for many systems, such as a metric that is not installed.
    skipped = lost[lost["status"] == str(Status.SKIPPED)]
    for _, group in skipped.groupby(["metric", "reason"], sort=False):
        everybody = set(results.frame["codec"]) == set(group["codec"])
        names = [labels[str(codec)] for codec in group["codec"].unique()]
        conditions = ", ".join(str(name) for name in group["condition"].unique())
        where = ("every system" if everybody else ", ".join(names), "all", conditions)
        if not everybody:
            where = (where[0], ", ".join(str(name) for name in group["point"].unique()), conditions)
        groups.append(_group(group, where, str(group["short"].iloc[0])))
    # Undefined cells depend on the reference alone.
    undefined = lost[lost["status"] == str(Status.UNDEFINED)]
    for cause, group in undefined.groupby("short", sort=False):
        groups.append(_group(group, ("every system", "all", "all"), str(cause)))
    order = [str(Status.FAILED), str(Status.SKIPPED), str(Status.UNDEFINED)]
    return tuple(sorted(groups, key=lambda group: order.index(group.status)))


def _group(part: "pd.DataFrame", where: tuple[str, str, str], short: str) -> FailureGroup:
    messages = [str(text)[len(short) :].lstrip(": ") for text in part["reason"]]
    return FailureGroup(
        label=where[0],
        point=where[1],
        condition=where[2],
        status=str(part["status"].iloc[0]),
        reason=short,
        message=next((message for message in messages if message), ""),
        metrics=tuple(str(name) for name in part["metric"].unique()),
        clips=tuple(str(name) for name in part["clip"].unique()),
        n_cells=len(part),
    )


def failures_frame(groups: Sequence[FailureGroup]) -> "pd.DataFrame":
    """Return the groups as a frame, one row each; metrics and clips are lists in one column."""
    import pandas as pd

    lists = ("metrics", "clips")
    records = [
        {
            field.name: ", ".join(value) if field.name in lists else value
            for field in fields(FailureGroup)
            for value in [getattr(group, field.name)]
        }
        for group in groups
    ]
    return pd.DataFrame(records, columns=[field.name for field in fields(FailureGroup)])


def failures_table(groups: Sequence[FailureGroup]) -> TextTable:
    """Build the table of everything that has no value."""
    body = []
    for group in groups:
        clips = ", ".join(group.clips[:MAX_CLIPS])
        if len(group.clips) > MAX_CLIPS:
            clips += f" and {len(group.clips) - MAX_CLIPS} more"
        body.append(
            (
                Entry(text=group.label),
                Entry(text=group.point or "none"),
                Entry(text=group.condition),
                Entry(text=group.status, flag=group.status == str(Status.FAILED)),
                Entry(text=group.reason or "no reason recorded"),
                Entry(text=group.message or "no message"),
                Entry(text=", ".join(group.metrics)),
                Entry(text=str(group.n_cells) if group.n_cells else "all", kind="value"),
                Entry(text=clips),
            )
        )
    heads = ("Codec", "Point", "Condition", "status", "reason", "message", "metrics", "cells")
    return TextTable(
        title="Cells without a value",
        columns=(*heads, "clips"),
        numeric=tuple(name == "cells" for name in (*heads, "clips")),
        rows=tuple(body),
        notes=(
            "failed: the codec or its output; skipped: not tried; "
            "undefined: the reference cannot be scored, so no system is charged.",
        ),
        name="failures",
    )
