"""Which degraded signals must be scored with which metrics, and what came of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from codecbench.benchmark.cache import Cache
from codecbench.benchmark.cell_json import cells_from_json
from codecbench.benchmark.coding_stage import Rerun
from codecbench.benchmark.events import Failure
from codecbench.benchmark.framing import Message
from codecbench.benchmark.plan import Plan, PlannedCondition, PlannedMetric
from codecbench.benchmark.store import CellRow, EncodingRow, Place, StageStore
from codecbench.benchmark.supervisor import Limits, Reply
from codecbench.benchmark.worker import Step, Task, final_values
from codecbench.core.cell import Cell, Status
from codecbench.datasets.base import Clip


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoring:
    """One degraded signal to be scored with one metric.

    Where coding failed there is no such signal; then it is asked only whether the reference alone
    makes the metric undefined, for what the reference decides holds for every system.

    Attributes:
        place: Where.
        key: Scoring key.
        metric: The metric.
        clip: The clip.
        condition: What it went through; says whether the clip itself is the reference.
        degraded: Content hash of the degraded signal; "" where coding failed.
        lost: The cell where coding failed and the reference is not to blame.
    """

    place: Place
    key: str
    metric: PlannedMetric
    clip: Clip
    condition: PlannedCondition
    degraded: str
    lost: Cell | None = None


class ScoringStage:
    """Knows every cell of a plan, once all its tasks are absorbed."""

    name: Literal["scoring"] = "scoring"

    def __init__(self, plan: Plan, store: StageStore, cache: Cache) -> None:
        """Read what the run folder knows."""
        self._plan = plan
        self._store = store
        self._cache = cache
        self._stored = store.cells()
        self._stored_keys = {
            row.key
            for row in self._stored.values()
            if row.cell.status in (Status.OK, Status.UNDEFINED)
        }
        self._clips = {clip.id: clip for clip in plan.dataset.clips}
        self._conditions = {condition.name: condition for condition in plan.conditions}
        self.cells: dict[tuple[Place, str], Cell] = {}
        self.total = 0
        self._open: dict[str, list[Scoring]] = {}
        self._keys: dict[tuple[str, str, str, str], str] = {}

    def needs_audio(self, clip: Clip, condition: PlannedCondition, degraded: str) -> bool:
        """Return whether some metric still has to hear this degraded signal of this clip."""
        keys = {
            self._key(metric, clip, condition, degraded)
            for metric in self._plan.metrics
            if not metric.unavailable
        }
        unknown = keys - self._stored_keys
        return bool(unknown - self._cache.get(unknown).keys())

    def find_known(self, rerun: Rerun, encodings: dict[Place, EncodingRow]) -> None:
        """Take over what is known, settle what needs no scoring, and leave the rest open.

        Args:
            rerun: What to do again.
            encodings: Outcome of the coding stage.
        """
        rows: list[CellRow] = []
        wanted: list[Scoring] = []
        for place, encoding in encodings.items():
            for metric in self._plan.metrics:
                settled = _settled(metric, encoding)
                self.total += 1
                if settled is not None:
                    rows += self._rows(place, metric, encoding.key, settled, 0.0)
                else:
                    wanted.append(self._scoring(place, metric, encoding))
        self._keys.clear()
        unknown = {scoring.key for scoring in wanted if not self._is_stored(scoring)}
        cached = {} if rerun == "always" else self._cache.get(unknown)
        for scoring in wanted:
            known = None if rerun == "always" else self._known(scoring, cached, rerun)
            if known is not None:
                rows += known
            elif rerun != "never":
                self._open.setdefault(scoring.key, []).append(scoring)
        planned = {
            (place, output.name)
            for place in encodings
            for metric in self._plan.metrics
            for output in metric.outputs
        }
        self._store.forget([], [where for where in self._stored if where not in planned])
        self._keep(rows)

    def _scoring(self, place: Place, metric: PlannedMetric, encoding: EncodingRow) -> Scoring:
        clip = self._clips[place.clip]
        condition = self._conditions[place.condition]
        degraded = str(encoding.record.get("degraded", ""))
        lost = None
        if encoding.status is not Status.OK:
            lost = Cell(status=encoding.status, reason=encoding.reason, detail=encoding.detail)
        return Scoring(
            place=place,
            key=self._key(metric, clip, condition, degraded),
            metric=metric,
            clip=clip,
            condition=condition,
            degraded=degraded,
            lost=lost,
        )

    def _key(
        self, metric: PlannedMetric, clip: Clip, condition: PlannedCondition, degraded: str
    ) -> str:
        """Return the key of a scoring step, made once: the coding stage has asked for most."""
        what = (metric.spec, clip.id, condition.name, degraded)
        if what not in self._keys:
            self._keys[what] = self._plan.scoring_key(metric, clip, condition, degraded)
        return self._keys[what]

    @property
    def open_steps(self) -> int:
        """Number of steps that must be run."""
        return len(self._open)

    def open_scorings(self) -> list[Scoring]:
        """Return what must be scored, each key once."""
        return [scorings[0] for scorings in self._open.values()]

    @property
    def open_metrics(self) -> tuple[str, ...]:
        """Specs of the metrics that have steps to run."""
        wanted = {scorings[0].metric.spec for scorings in self._open.values()}
        return tuple(metric.spec for metric in self._plan.metrics if metric.spec in wanted)

    def tasks(self, limits: Limits, journal: Path | None, jobs: int) -> list[Task]:
        """Group the open steps: one reference with all its degraded versions."""
        del jobs
        by_reference: dict[tuple[str, str], dict[str, list[Step]]] = {}
        for key, scorings in self._open.items():
            first = scorings[0]
            treated = first.condition.name if first.condition.reference is not None else ""
            versions = by_reference.setdefault((first.place.clip, treated), {})
            versions.setdefault(first.degraded, []).append(self._step(key, first))
        tasks = []
        for number, versions in enumerate(by_reference.values()):
            steps = tuple(step for same_audio in versions.values() for step in same_audio)
            name = f"scoring-{number}"
            tasks.append(Task(name=name, steps=steps, limits=limits, journal=journal))
        return tasks

    def absorb(self, outcomes: list[tuple[str, Reply]]) -> tuple[Failure, ...]:
        """Store what a task found; return what failed."""
        rows: list[CellRow] = []
        failures: list[Failure] = []
        self._cache.put(final_values(outcomes))
        for key, reply in outcomes:
            for scoring in self._open[key]:
                cells = _cells_of_reply(scoring, reply)
                rows += self._rows(scoring.place, scoring.metric, key, cells, _compute_s(reply))
                failures += [
                    Failure(
                        codec=scoring.place.codec,
                        point=scoring.place.point,
                        clip=scoring.place.clip,
                        metric=name,
                        outcome=f"{cell.status}:{cell.reason}",
                        detail=cell.detail,
                        trace=reply.trace,
                    )
                    for name, cell in cells.items()
                    if cell.status in (Status.FAILED, Status.SKIPPED) and scoring.lost is None
                ]
        self._keep(rows)
        return tuple(failures)

    def _keep(self, rows: list[CellRow]) -> None:
        new = [row for row in rows if self._stored.get((row.place, row.metric)) is not row]
        self._store.put(cells=new)
        self.cells.update({(row.place, row.metric): row.cell for row in rows})

    def _is_stored(self, scoring: Scoring) -> bool:
        """Whether the run folder has final cells for it, so that the cache need not be asked."""
        stored = (
            self._stored.get((scoring.place, output.name)) for output in scoring.metric.outputs
        )
        return all(
            row is not None
            and row.key == scoring.key
            and row.cell.status in (Status.OK, Status.UNDEFINED)
            for row in stored
        )

    def _known(
        self, scoring: Scoring, cached: dict[str, Message], rerun: Rerun
    ) -> list[CellRow] | None:
        stored = [
            self._stored.get((scoring.place, output.name)) for output in scoring.metric.outputs
        ]
        rows = [row for row in stored if row is not None and row.key == scoring.key]
        if len(rows) == len(stored):
            final = all(row.cell.status in (Status.OK, Status.UNDEFINED) for row in rows)
            if final or rerun in ("missing", "never"):
                return rows
        if scoring.key in cached:
            reply = Reply(value=cached[scoring.key], status="ok")
            cells = _cells_of_reply(scoring, reply)
            return self._rows(scoring.place, scoring.metric, scoring.key, cells, _compute_s(reply))
        return None

    def _rows(
        self, place: Place, metric: PlannedMetric, key: str, cells: dict[str, Cell], took: float
    ) -> list[CellRow]:
        return [
            CellRow(
                place=place, metric=output.name, key=key, cell=cells[output.name], compute_s=took
            )
            for output in metric.outputs
        ]

    def _step(self, key: str, scoring: Scoring) -> Step:
        return Step(
            key=key,
            request={
                "op": "score",
                "metric": scoring.metric.spec,
                "path": str(scoring.clip.path),
                "sha256": scoring.clip.sha256,
                "sample_rate": self._plan.suite.sample_rate,
                "condition": scoring.condition.name,
                "clip": scoring.clip.id,
                "seed": self._plan.suite.seed,
                "degraded": (
                    str(self._cache.objects.audio_path(scoring.degraded))
                    if scoring.degraded
                    else ""
                ),
                "degraded_sha256": scoring.degraded,
            },
        )


def _settled(metric: PlannedMetric, encoding: EncodingRow) -> dict[str, Cell] | None:
    """Return the cells where nothing has to be scored."""
    if metric.unavailable:
        reason, _, detail = metric.unavailable.partition(": ")
        cell = Cell.skipped(reason, detail)
    elif encoding.status in (Status.UNDEFINED, Status.SKIPPED):
        cell = Cell(status=encoding.status, reason=encoding.reason, detail=encoding.detail)
    else:
        return None
    return {output.name: cell for output in metric.outputs}


def _cells_of_reply(scoring: Scoring, reply: Reply) -> dict[str, Cell]:
    names = [output.name for output in scoring.metric.outputs]
    if scoring.lost is not None and (reply.value is None or not reply.value["cells"]):
        return dict.fromkeys(names, scoring.lost)
    if reply.value is None:
        cell = Cell(status=Status(reply.status), reason=reply.reason, detail=reply.detail)
        return dict.fromkeys(names, cell)
    return cells_from_json(reply.value["cells"])


def _compute_s(reply: Reply) -> float:
    """Return the time inside the metric; of a step that died, all of its time."""
    seconds = reply.value.get("compute_s") if reply.value is not None else reply.seconds
    return float(seconds) if isinstance(seconds, int | float) else 0.0
