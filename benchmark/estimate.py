"""What a run would do and what that would cost, found out without writing anything.

What is known is found as a run finds it. What a second of audio costs is taken from what is known
of the same systems and metrics; where nothing is, a few steps are measured.
"""

import itertools
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from codecbench.benchmark.cache import Cache, default_cache_folder
from codecbench.benchmark.coding_stage import Coding, CodingStage
from codecbench.benchmark.keep import audio_bytes
from codecbench.benchmark.plan import Plan, PlannedMetric, PlannedSystem, make_plan
from codecbench.benchmark.runner import RunOptions, refuse_another_suite
from codecbench.benchmark.scoring_stage import ScoringStage
from codecbench.benchmark.store_draft import StoreDraft
from codecbench.benchmark.suite import Suite
from codecbench.benchmark.supervisor import SupervisedChild
from codecbench.benchmark.unit_costs import (
    CodingCost,
    ScoringCost,
    earlier_coding_costs,
    earlier_scoring_costs,
    measure_costs,
)
from codecbench.benchmark.workplace import open_workplace
from codecbench.datasets.base import Clip, Dataset
from codecbench.datasets.registry import get_dataset

HARNESS_S = 0.01
"""Beside codec and metrics, for each coded clip; docs/speed.md, Overhead."""

CELL_BYTES = 250
"""Of the store, for each cell: 228 in that of the demo."""

ENCODING_BYTES = 600
"""Of the store, for each encoding beside its record: keys, names, pages that are not full."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Portion:
    """What one system or metric has to do.

    Attributes:
        name: Label of the system, or spec of the metric.
        steps: To do, each a clip at a point under a condition.
        audio_s: Audio of these steps.
        core_s: Time that they take on one core; None where nobody knows.
        origin: Where that comes from; "" where it is not known or not needed.
    """

    name: str
    steps: int
    audio_s: float
    core_s: float | None
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a run would do and cost.

    Attributes:
        name: Of the run.
        cells: All cells of the plan.
        open_cells: Those that have to be computed.
        steps: All encodings of the plan.
        coding: For each system.
        scoring: For each metric.
        store_bytes: That the run folder would grow by; the cache's records take as much again.
        object_bytes: That degraded audio and bitstreams would take in the cache.
        most_object_bytes: That they can take whatever they sound like.
        workers: That the run would have.
    """

    name: str
    cells: int
    open_cells: int
    steps: int
    coding: tuple[Portion, ...]
    scoring: tuple[Portion, ...]
    store_bytes: int
    object_bytes: int
    most_object_bytes: int
    workers: int

    @property
    def core_s(self) -> float:
        """Seconds on one core, without that of which nobody knows the cost."""
        harness = HARNESS_S * sum(portion.steps for portion in self.coding)
        return harness + sum(each.core_s or 0.0 for each in (*self.coding, *self.scoring))

    @property
    def unknown(self) -> tuple[str, ...]:
        """Systems and metrics of which nobody knows the cost."""
        portions = (*self.coding, *self.scoring)
        return tuple(each.name for each in portions if each.steps and each.core_s is None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Open:
    """What has to be done: encodings by system, and clips to be scored by metric."""

    coding: dict[str, list[Coding]]
    scoring: dict[str, list[Clip]]
    cells: int


def estimate_run(
    suite: Suite,
    out: Path,
    *,
    options: RunOptions | None = None,
    dataset: Dataset | None = None,
) -> Estimate:
    """Say what `run_suite` would do with the same arguments; nothing is written.

    Args:
        suite: What would be run.
        out: Run folder; need not exist.
        options: How.
        dataset: The data, where it is not to be loaded from ``suite.data``.

    Raises:
        As `run_suite` does before it begins.
    """
    how = options or RunOptions()
    data = dataset or get_dataset(suite.data)
    with open_workplace(how.scheduler, how.workers(), how.limits()) as place:
        for _ in place.news():
            pass
        plan = make_plan(suite, data, place.respondent())
        workers = place.workers()
    draft = StoreDraft(out)
    refuse_another_suite(draft.facts, plan, out, update=how.update)
    with closing(Cache(how.cache or default_cache_folder(), write=False)) as cache:
        scoring = ScoringStage(plan, draft, cache)
        coding = CodingStage(plan, draft, cache)
        coding.find_known(how.rerun, scoring.needs_audio)
        scoring.find_known(how.rerun, coding.rows)
        todo = _find_open(plan, coding, scoring)
        seconds = {clip.id: clip.seconds for clip in data.clips}
        coding_costs = earlier_coding_costs(
            coding.rows.values(), cache.objects, plan.suite.sample_rate
        )
        by_output = earlier_scoring_costs(draft.put_cells, seconds)
    scoring_costs = {
        metric.spec: by_output[metric.outputs[0].name]
        for metric in plan.metrics
        if metric.outputs[0].name in by_output
    }
    # Measured here also where a cluster would do the work: what its cores are like is not known.
    with SupervisedChild(RunOptions(timeout_s=how.timeout_s).limits()) as child:
        new_coding, new_scoring = measure_costs(
            plan,
            child,
            codecs=[codec for codec in todo.coding if codec not in coding_costs],
            metrics=[metric for metric in todo.scoring if metric not in scoring_costs],
        )
    coding_costs |= new_coding
    scoring_costs |= new_scoring
    spent = [
        (len(todo.coding[codec]), sum(each.clip.seconds for each in todo.coding[codec]), cost)
        for codec, cost in coding_costs.items()
        if codec in todo.coding
    ]
    records = sum(steps * (cost.record_bytes + ENCODING_BYTES) for steps, _, cost in spent)
    return Estimate(
        name=plan.name,
        cells=coding.total * _outputs(plan.metrics),
        open_cells=todo.cells,
        steps=coding.total,
        coding=tuple(
            _coding_portion(
                system,
                todo.coding.get(system.facts.codec, []),
                coding_costs.get(system.facts.codec),
            )
            for system in plan.systems
        ),
        scoring=tuple(
            _scoring_portion(
                metric, todo.scoring.get(metric.spec, []), scoring_costs.get(metric.spec)
            )
            for metric in plan.metrics
        ),
        store_bytes=round(records + todo.cells * CELL_BYTES),
        object_bytes=round(sum(audio_s * cost.object_bytes for _, audio_s, cost in spent)),
        most_object_bytes=audio_bytes(
            itertools.chain.from_iterable(todo.coding.values()), plan.suite.sample_rate
        ),
        workers=workers,
    )


def _find_open(plan: Plan, coding: CodingStage, scoring: ScoringStage) -> _Open:
    """Return what is to be done; what is not coded yet is to be scored in full."""
    by_system: dict[str, list[Coding]] = {}
    by_metric: dict[str, list[Clip]] = {}
    available = [metric for metric in plan.metrics if not metric.unavailable]
    for each in coding.open_codings():
        by_system.setdefault(each.place.codec, []).append(each)
        for metric in available:
            by_metric.setdefault(metric.spec, []).append(each.clip)
    for scored in scoring.open_scorings():
        by_metric.setdefault(scored.metric.spec, []).append(scored.clip)
    # A clip that is not coded yet has no row; where nothing is to be done, nothing is open.
    uncoded = coding.total - len(coding.rows) if coding.open_steps else 0
    unscored = len(coding.rows) * _outputs(plan.metrics) - len(scoring.cells)
    cells = uncoded * _outputs(available) + (unscored if scoring.open_steps else 0)
    return _Open(coding=by_system, scoring=by_metric, cells=cells)


def _outputs(metrics: Sequence[PlannedMetric]) -> int:
    return sum(len(metric.outputs) for metric in metrics)


def _coding_portion(
    system: PlannedSystem, todo: Sequence[Coding], cost: CodingCost | None
) -> Portion:
    audio_s = sum(coding.clip.seconds for coding in todo)
    return Portion(
        name=system.facts.label,
        steps=len(todo),
        audio_s=audio_s,
        core_s=None if cost is None else audio_s * cost.seconds,
        origin="" if cost is None or not todo else cost.origin,
    )


def _scoring_portion(
    metric: PlannedMetric, todo: Sequence[Clip], cost: ScoringCost | None
) -> Portion:
    audio_s = sum(clip.seconds for clip in todo)
    references_s = sum({clip.id: clip.seconds for clip in todo}.values())
    core_s = None
    if cost is not None:
        core_s = audio_s * cost.seconds + references_s * cost.reference_s
    return Portion(
        name=metric.spec,
        steps=len(todo),
        audio_s=audio_s,
        core_s=core_s,
        origin="" if cost is None or not todo else cost.origin,
    )
