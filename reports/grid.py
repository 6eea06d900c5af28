"""The tidy frame as one array per metric and condition: rows are points, columns are clips."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from codecbench.benchmark.results import MetricFacts, RunResults
from codecbench.core.cell import Status
from codecbench.core.errors import ResultSchemaError
from codecbench.reports.checks import check_comparable
from codecbench.reports.statistics.clusters import Clusters, cluster_by_speaker

if TYPE_CHECKING:
    import pandas as pd

ABSENT, OK, UNDEFINED, FAILED, SKIPPED = range(5)
"""Codes in `Grid.status`; absent is a cell that the run has not reached."""
STATUS_CODES = {
    str(Status.OK): OK,
    str(Status.UNDEFINED): UNDEFINED,
    str(Status.FAILED): FAILED,
    str(Status.SKIPPED): SKIPPED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """All cells of one metric under one condition.

    Attributes:
        metric: Facts about the metric.
        condition: The treatment.
        keys: Codec and point of each row: systems in the order asked for, points as in the run.
        clips: Clip of each column, in the order of the dataset.
        speakers: Speaker of each clip, "" where nobody said.
        values: Shape (rows, clips); NaN where there is no value.
        status: Shape (rows, clips); one of the codes above.
        reasons: Status, reason of each cell without a value, per row.
    """

    metric: MetricFacts
    condition: str
    keys: tuple[tuple[str, str], ...]
    clips: tuple[str, ...]
    speakers: tuple[str, ...]
    values: NDArray[np.float64]
    status: NDArray[np.int8]
    reasons: tuple[tuple[tuple[str, str], ...], ...]

    @property
    def undefined_clips(self) -> NDArray[np.bool_]:
        """Which clips no system can be scored on, shape (clips,)."""
        undefined: NDArray[np.bool_] = (self.status == UNDEFINED).any(axis=0)
        return undefined

    @property
    def common(self) -> NDArray[np.bool_]:
        """Which clips have a value in every row that has any value, shape (clips,)."""
        ok = self.status == OK
        compared = ok[ok.any(axis=1)]
        if not len(compared):
            return np.zeros(len(self.clips), dtype=bool)
        common: NDArray[np.bool_] = compared.all(axis=0)
        return common

    def clusters(self, chosen: NDArray[np.bool_]) -> Clusters:
        """Cluster some clips by speaker, or singly where no two speakers are named.

        Args:
            chosen: Which clips, shape (clips,).
        """
        return cluster_by_speaker([self.speakers[place] for place in np.flatnonzero(chosen)])


def build_grids(results: RunResults) -> tuple[Grid, ...]:
    """Arrange the results of a run: by metric as asked for, then by condition.

    A system or point without any cell still has its row, so that nothing vanishes from a table.

    Raises:
        ResultSchemaError: The frame mixes what must not be mixed, or names a codec or a metric
            of which `results` knows nothing.
    """
    frame = results.frame
    check_comparable(frame)
    _check_names(frame, "codec", {system.codec for system in results.systems})
    _check_names(frame, "metric", {metric.name for metric in results.metrics})
    keys = system_points(results)
    clips = frame["clip"].drop_duplicates()
    has_speakers = "speaker" in frame.columns
    named = frame.loc[clips.index, "speaker"] if has_speakers else clips.map(lambda _: "")
    speakers = tuple("" if value != value or value is None else str(value) for value in named)
    conditions = [str(name) for name in frame["condition"].unique()] or ["clean"]
    names = tuple(str(name) for name in clips)
    grouped = dict(list(frame.groupby(["metric", "condition"], sort=False)))
    return tuple(
        _fill(metric, condition, grouped.get((metric.name, condition)), keys, names, speakers)
        for metric in results.metrics
        for condition in conditions
    )


def system_points(results: RunResults) -> tuple[tuple[str, str], ...]:
    """Return codec and point of every row that a table of this run has.

    A codec that was not available has one row with the point "".
    """
    keys: list[tuple[str, str]] = []
    pairs = results.frame[["codec", "point"]].drop_duplicates()
    seen: dict[str, list[str]] = {}
    for codec, point in zip(pairs["codec"], pairs["point"], strict=True):
        seen.setdefault(str(codec), []).append(str(point))
    for system in results.systems:
        points = [point.name for point in system.points]
        points += [point for point in seen.get(system.codec, []) if point not in points]
        keys += [(system.codec, point) for point in points or [""]]
    return tuple(keys)


def _check_names(frame: "pd.DataFrame", column: str, known: set[str]) -> None:
    strangers = sorted({str(name) for name in frame[column].unique()} - known)
    if strangers:
        msg = f"the result frame names {column} '{strangers[0]}', which the run does not describe"
        raise ResultSchemaError(msg)


def _fill(
    metric: MetricFacts,
    condition: str,
    part: "pd.DataFrame | None",
    keys: tuple[tuple[str, str], ...],
    clips: tuple[str, ...],
    speakers: tuple[str, ...],
) -> Grid:
    values = np.full((len(keys), len(clips)), np.nan)
    status = np.full((len(keys), len(clips)), ABSENT, dtype=np.int8)
    reasons: list[list[tuple[str, str]]] = [[] for _ in keys]
    if part is not None:
        row_of = {key: row for row, key in enumerate(keys)}
        column_of = {clip: column for column, clip in enumerate(clips)}
        pairs = zip(part["codec"].astype(str), part["point"].astype(str), strict=True)
        rows = np.array([row_of[pair] for pair in pairs], dtype=np.intp)
        columns = np.array([column_of[clip] for clip in part["clip"].astype(str)], dtype=np.intp)
        words = part["status"].astype(str)
        status[rows, columns] = np.array([STATUS_CODES[word] for word in words], dtype=np.int8)
        ok = np.asarray(words == str(Status.OK))
        scores = part["value"].to_numpy(dtype=np.float64, na_value=np.nan)
        if not np.isfinite(scores[ok]).all():
            msg = f"metric '{metric.name}' has cells with status ok and no finite value"
            raise ResultSchemaError(msg)
        values[rows[ok], columns[ok]] = scores[ok]
        lost = part.loc[~ok, "reason"].astype(str)
        for row, word, reason in zip(rows[~ok], words[~ok], lost, strict=True):
            reasons[row].append((word, reason))
    return Grid(
        metric=metric,
        condition=condition,
        keys=keys,
        clips=clips,
        speakers=speakers,
        values=values,
        status=status,
        reasons=tuple(tuple(found) for found in reasons),
    )
