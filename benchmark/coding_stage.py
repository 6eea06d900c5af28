"""Which clips must be coded at which points, and what came of it."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from codecbench.benchmark.cache import Cache
from codecbench.benchmark.events import Failure
from codecbench.benchmark.framing import Message
from codecbench.benchmark.plan import Plan, PlannedCondition, PlannedSystem
from codecbench.benchmark.store import EncodingRow, Place, StageStore
from codecbench.benchmark.supervisor import Limits, Reply
from codecbench.benchmark.worker import Step, Task, final_values
from codecbench.core.cell import Status
from codecbench.datasets.base import Clip

Rerun: TypeAlias = Literal["failed", "missing", "always", "never"]
"""What is done again: failed and missing cells, only missing ones, all of them, or none."""

NeedsAudio: TypeAlias = Callable[[Clip, PlannedCondition, str], bool]

_MAX_BATCH = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Coding:
    """One clip to be coded at one point."""

    place: Place
    key: str
    system: PlannedSystem
    condition: PlannedCondition
    clip: Clip


class CodingStage:
    """Knows the outcome of every encoding of a plan, once all its tasks are absorbed."""

    name: Literal["coding"] = "coding"

    def __init__(self, plan: Plan, store: StageStore, cache: Cache) -> None:
        """Start with nothing known."""
        self._plan = plan
        self._store = store
        self._cache = cache
        self.rows: dict[Place, EncodingRow] = {}
        self.total = 0
        self._open: dict[str, list[Coding]] = {}

    def find_known(self, rerun: Rerun, needs_audio: NeedsAudio) -> None:
        """Take over what run folder and cache know, and leave open what must be done.

        Args:
            rerun: What to do again.
            needs_audio: Whether some metric still has to hear this degraded signal of this clip
                under this condition.
        """
        stored = self._store.encodings()
        codings = list(self._codings())
        self.total = len(codings)
        cached = {} if rerun == "always" else self._cache.get({coding.key for coding in codings})
        for coding in codings:
            row = self._settled(coding)
            if row is None and rerun != "always":
                row = self._known(coding, stored.get(coding.place), cached, rerun, needs_audio)
            if row is not None:
                self.rows[coding.place] = row
            elif rerun != "never":
                self._open.setdefault(coding.key, []).append(coding)
        planned = {coding.place for coding in codings}
        self._store.forget([place for place in stored if place not in planned], [])
        new = [row for row in self.rows.values() if stored.get(row.place) is not row]
        self._store.put(encodings=new)

    @property
    def open_steps(self) -> int:
        """Number of steps that must be run."""
        return len(self._open)

    def open_codings(self) -> list[Coding]:
        """Return what must be coded, each key once."""
        return [codings[0] for codings in self._open.values()]

    def tasks(self, limits: Limits, journal: Path | None, jobs: int) -> list[Task]:
        """Batch the open steps: one system with some clips, each at all its points."""
        tasks: list[Task] = []
        by_system = itertools.groupby(self.open_codings(), key=lambda coding: coding.place.codec)
        for number, (_, group) in enumerate(by_system):
            by_clip: dict[str, list[Coding]] = {}
            for coding in group:
                by_clip.setdefault(coding.place.clip, []).append(coding)
            clips = list(by_clip.values())
            size = max(1, min(_MAX_BATCH, len(clips) // (4 * jobs)))
            for start in range(0, len(clips), size):
                steps = tuple(
                    self._step(coding, [each.place.point for each in same_clip])
                    for same_clip in clips[start : start + size]
                    for coding in same_clip
                )
                name = f"coding-{number}-{start}"
                tasks.append(Task(name=name, steps=steps, limits=limits, journal=journal))
        return tasks

    def absorb(self, outcomes: list[tuple[str, Reply]]) -> tuple[Failure, ...]:
        """Store what a task found; return what failed."""
        rows: list[EncodingRow] = []
        failures: list[Failure] = []
        self._cache.put(final_values(outcomes))
        for key, reply in outcomes:
            for coding in self._open[key]:
                row = _row_of_reply(coding, reply)
                rows.append(row)
                if row.status in (Status.FAILED, Status.SKIPPED):
                    failures.append(
                        Failure(
                            codec=coding.system.facts.label,
                            point=row.place.point,
                            clip=row.place.clip,
                            metric="",
                            outcome=f"{row.status}:{row.reason}",
                            detail=row.detail,
                            trace=reply.trace,
                        )
                    )
        self._store.put(encodings=rows)
        self.rows.update({row.place: row for row in rows})
        return tuple(failures)

    def _codings(self) -> Iterator[Coding]:
        plan = self._plan
        for system in plan.systems:
            for condition in plan.conditions:
                for clip in plan.dataset.clips:
                    for point in system.facts.points:
                        place = Place(
                            codec=system.facts.codec,
                            point=point.name,
                            condition=condition.name,
                            clip=clip.id,
                        )
                        key = plan.coding_key(system, point.name, condition, clip)
                        yield Coding(
                            place=place, key=key, system=system, condition=condition, clip=clip
                        )

    def _settled(self, coding: Coding) -> EncodingRow | None:
        """Return the row where nothing can be tried."""
        if coding.clip.problem:
            return EncodingRow(
                place=coding.place,
                key=coding.key,
                status=Status.UNDEFINED,
                reason="unreadable_reference",
                detail=coding.clip.problem,
                record={},
            )
        if unavailable := coding.system.facts.unavailable or coding.condition.unavailable:
            reason, _, detail = unavailable.partition(": ")
            absent = reason in ("missing_dependency", "missing_weights")
            return EncodingRow(
                place=coding.place,
                key=coding.key,
                status=Status.SKIPPED if absent else Status.FAILED,
                reason=reason,
                detail=detail,
                record={},
            )
        return None

    def _known(
        self,
        coding: Coding,
        stored: EncodingRow | None,
        cached: dict[str, Message],
        rerun: Rerun,
        needs_audio: NeedsAudio,
    ) -> EncodingRow | None:
        row = stored if stored is not None and stored.key == coding.key else None
        if row is not None and row.status in (Status.FAILED, Status.SKIPPED):
            return row if rerun in ("missing", "never") else None
        if row is None and coding.key in cached:
            row = _row_of_reply(coding, Reply(value=cached[coding.key], status="ok"))
        if row is None or row.status is not Status.OK or rerun == "never":
            return row
        degraded = str(row.record["degraded"])
        kept = self._cache.objects.audio_path(degraded).exists()
        return row if kept or not needs_audio(coding.clip, coding.condition, degraded) else None

    def _step(self, coding: Coding, points: list[str]) -> Step:
        return Step(
            key=coding.key,
            request={
                "op": "code",
                "spec": coding.system.facts.spec,
                "point": coding.place.point,
                "points": list(points),
                "path": str(coding.clip.path),
                "sha256": coding.clip.sha256,
                "sample_rate": self._plan.suite.sample_rate,
                "condition": coding.condition.name,
                "clip": coding.clip.id,
                "seed": self._plan.suite.seed,
                "objects": str(self._cache.objects.root),
            },
        )


def _row_of_reply(coding: Coding, reply: Reply) -> EncodingRow:
    if reply.value is None:
        status, reason, detail = Status(reply.status), reply.reason, reply.detail
        return EncodingRow(
            place=coding.place,
            key=coding.key,
            status=status,
            reason=reason,
            detail=detail,
            record={},
        )
    status = Status(str(reply.value["status"]))
    return EncodingRow(
        place=coding.place,
        key=coding.key,
        status=status,
        reason=str(reply.value.get("reason", "")),
        detail=str(reply.value.get("detail", "")),
        record=reply.value if status is Status.OK else {},
    )
