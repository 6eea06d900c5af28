"""A run made again from its stored suite, and what is different: cell by cell, bit by bit."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from codecbench.benchmark.events import Event
from codecbench.benchmark.foreign_code import require_named, suite_specs
from codecbench.benchmark.reading import read_results
from codecbench.benchmark.results import RunResults
from codecbench.benchmark.runner import RunOptions, run_suite
from codecbench.benchmark.suite import read_suite
from codecbench.core.cell import Status
from codecbench.core.errors import ConfigError, DatasetError
from codecbench.core.fingerprint import Json
from codecbench.datasets.base import Dataset
from codecbench.datasets.registry import get_dataset

if TYPE_CHECKING:
    import pandas as pd

PLACE = ["codec", "point", "condition", "clip"]
PAYLOAD = "payload_bps"
"""Stands among the metrics for the measured rate of each clip."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricDifference:
    """How one metric of a run compares with that of the run made again.

    Attributes:
        metric: Its name, or `PAYLOAD`.
        cells: Cells that the run has, those aside that it has not come to.
        same: Cells with the same value, or the same reason for having none.
        changed: Cells with a value in both that differ by more than is tolerated.
        largest: Largest difference of two values; 0 where none differ.
        lost: Cells with a value that have none now.
        gained: Cells without a value that have one now.
        other: Cells without a value in both, for other reasons.
        example: Where it differs most, with both; "" where nothing does.
    """

    metric: str
    cells: int
    same: int
    changed: int
    largest: float
    lost: int
    gained: int
    other: int
    example: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduction:
    """What became of making a run again.

    Attributes:
        metrics: In the order of the run, the measured rates last.
        surroundings: What else is not as it was: versions, definitions, references.
    """

    metrics: tuple[MetricDifference, ...]
    surroundings: tuple[str, ...]

    @property
    def compared(self) -> int:
        """Cells with a value in both."""
        return sum(each.cells - each.lost - each.gained for each in self.metrics)

    @property
    def is_same(self) -> bool:
        """Whether every cell is as it was."""
        return all(each.same == each.cells for each in self.metrics)


def reproduce(
    folder: Path,
    out: Path,
    *,
    options: RunOptions | None = None,
    data: str | None = None,
    plugins: Collection[str] | None = None,
    tolerance: float = 0.0,
    follow: Callable[[Iterable[Event]], object] = list,
) -> Reproduction:
    """Make a run again from nothing but its suite and its data.

    Args:
        folder: The run.
        out: Folder of the new run; goes on where it was begun.
        options: How; a cache within `out` where they name none, so that nothing is taken from
            earlier runs.
        data: Where the data lies now; where the suite says where None.
        plugins: Files whose code may be run though the suite alone names them; any where None.
        tolerance: Largest difference of two scores that counts as none.
        follow: Is given the events of the new run.

    Raises:
        ConfigError: The suite names code that `plugins` does not, or `out` is the run itself.
        DatasetError: The data is not there, or not that of the run.
        ResultSchemaError: The folder holds no run, or one of a later schema.
    """
    if out.resolve() == folder.resolve():
        msg = f"{out}: is the run itself; choose another folder"
        raise ConfigError(msg)
    old = read_results(folder)
    suite = read_suite(folder / "suite.toml")
    require_named(suite_specs(suite), plugins)
    if data is not None:
        suite = replace(suite, data=data)
    how = options or RunOptions()
    if how.cache is None:
        how = replace(how, cache=out / "cache")
    dataset = _load(suite.data, old)
    follow(run_suite(suite, out, options=how, dataset=dataset))
    return compare_results(old, read_results(out), tolerance=tolerance)


def _load(data: str, old: RunResults) -> Dataset:
    try:
        dataset = get_dataset(data)
    except (DatasetError, ConfigError) as error:
        msg = f"{error}; where the data lies elsewhere now: --data"
        raise DatasetError(msg) from error
    found = {clip.id: clip.sha256 for clip in dataset.clips}
    if found != old.references:
        both = found.keys() & old.references.keys()
        other = sum(found[clip] != old.references[clip] for clip in both)
        msg = (
            f"{data}: not the data of the run: {len(old.references)} clips there, {len(found)} "
            f"here, {len(both)} of one name, {other} of these with other samples"
        )
        raise DatasetError(msg)
    return dataset


def compare_results(old: RunResults, new: RunResults, *, tolerance: float = 0.0) -> Reproduction:
    """Hold two runs of one suite against each other."""
    names = [metric.name for metric in old.metrics]
    found = [
        _difference(name, _cells(old.frame, name), _cells(new.frame, name), tolerance)
        for name in names
    ]
    found.append(_difference(PAYLOAD, _rates(old.frame), _rates(new.frame), 0.0))
    return Reproduction(metrics=tuple(found), surroundings=tuple(_surroundings(old, new)))


def _cells(frame: "pd.DataFrame", metric: str) -> "pd.DataFrame":
    rows = frame[(frame["metric"] == metric) & (frame["reason"].str.partition(":")[0] != "not_run")]
    return rows.set_index(PLACE)[["status", "value", "reason"]]


def _rates(frame: "pd.DataFrame") -> "pd.DataFrame":
    rows = frame.drop_duplicates(PLACE).set_index(PLACE)
    coded = rows[rows[PAYLOAD].notna()]
    return coded.assign(status=str(Status.OK), value=coded[PAYLOAD], reason="")[
        ["status", "value", "reason"]
    ]


def _difference(
    metric: str, old: "pd.DataFrame", new: "pd.DataFrame", tolerance: float
) -> MetricDifference:
    both = old.add_suffix("_old").join(new.add_suffix("_new"), how="left")
    was, is_now = both["status_old"] == "ok", both["status_new"] == "ok"
    gap = (both["value_new"] - both["value_old"]).abs().where(was & is_now, 0.0)
    changed = was & is_now & (gap > tolerance)
    reasons = (both[f"reason_{side}"].astype(str).str.partition(":")[0] for side in ("old", "new"))
    other = ~was & ~is_now & (next(reasons) != next(reasons))
    lost, gained = was & ~is_now, ~was & is_now
    different = changed | lost | gained | other
    return MetricDifference(
        metric=metric,
        cells=len(both),
        same=int((~different).sum()),
        changed=int(changed.sum()),
        largest=float(gap.max()) if len(both) else 0.0,
        lost=int(lost.sum()),
        gained=int(gained.sum()),
        other=int(other.sum()),
        example=_example(both[different].assign(gap=gap[different])),
    )


def _example(different: "pd.DataFrame") -> str:
    if different.empty:
        return ""
    worst = different.sort_values("gap", ascending=False, kind="stable").reset_index()
    row = worst.iloc[0]

    def said(side: str) -> str:
        if row[f"status_{side}"] == "ok":
            return f"{row[f'value_{side}']:.9g}"
        reason = row[f"reason_{side}"]
        return f"{row[f'status_{side}']}:{reason}" if isinstance(reason, str) else "not there"

    where = " ".join(str(row[part]) for part in PLACE if row[part] != "clean")
    return f"{where}: {said('old')}, now {said('new')}"


def _surroundings(old: RunResults, new: RunResults) -> list[str]:
    lines = [
        f"definition of {mine.name}: {mine.definition_hash}, now {yours.definition_hash}"
        for mine in old.metrics
        for yours in new.metrics
        if mine.name == yours.name and mine.definition_hash != yours.definition_hash
    ]
    for mine in old.systems:
        for yours in new.systems:
            if mine.codec == yours.codec and mine.fingerprint != yours.fingerprint:
                lines.append(f"{mine.label}: {mine.fingerprint}, now {yours.fingerprint}")
            if mine.codec == yours.codec and not mine.deterministic:
                lines.append(f"{mine.label}: says itself that it is not deterministic")
    before, after = _flat(old.environment), _flat(new.environment)
    lines += [
        f"{key}: {before.get(key, 'not there')}, now {after.get(key, 'not there')}"
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    ]
    return lines


def _flat(environment: dict[str, Json]) -> dict[str, str]:
    packages = environment.get("packages")
    known = {key: str(value) for key, value in environment.items() if key != "packages"}
    if isinstance(packages, dict):
        known |= {key: str(value) for key, value in packages.items()}
    return known
