"""A gate: today's codec against a committed baseline; only what changed is coded and scored."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from codecbench.benchmark.foreign_code import named_code, require_named, suite_specs
from codecbench.benchmark.plan import Plan, PlannedSystem, make_plan
from codecbench.benchmark.results import RunResults
from codecbench.benchmark.runner import RunOptions
from codecbench.benchmark.speed_ratio import measure_speed_ratio
from codecbench.benchmark.store import Place
from codecbench.benchmark.suite import Suite
from codecbench.benchmark.worker import close_child, worker_child
from codecbench.core.errors import ConfigError, RunError
from codecbench.core.fingerprint import hash_json
from codecbench.datasets.base import Dataset
from codecbench.datasets.registry import get_dataset
from codecbench.reports.merging import merge_results
from codecbench.reports.regression.baseline import Baseline, read_baseline, write_baseline
from codecbench.reports.regression.compare import (
    ComparisonReport,
    Follow,
    compare_sides,
    directions,
    drain,
    run_side,
)
from codecbench.reports.regression.fail_if import TIME, check_subjects
from codecbench.reports.regression.policy import Policy, with_flags
from codecbench.reports.regression.side import Side
from codecbench.reports.regression.source import with_checkpoint
from codecbench.reports.regression.speed import ROUNDS, TimeChange, judge_times

FILE = "codecbench-gate.json"
"""Where a baseline lies when nobody says otherwise."""

WORK = "codecbench-gate"
"""Folder for what must be run, and for the page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateReport:
    """A check of a gate.

    Attributes:
        comparison: Against the baseline.
        unchanged: Systems of which nothing was computed, since all their keys are the baseline's.
        measured: Systems that were run.
    """

    comparison: ComparisonReport
    unchanged: tuple[str, ...]
    measured: tuple[str, ...]


def init_gate(
    suite: Suite,
    path: Path | str = FILE,
    *,
    policy: Policy | None = None,
    speed_reference: str = "",
    work: Path | str = WORK,
    options: RunOptions | None = None,
    follow: Follow = drain,
) -> Baseline:
    """Run a suite and keep what it found as the baseline.

    Args:
        suite: Codecs, data, metrics, conditions.
        path: The file to commit.
        policy: What later checks accept.
        speed_reference: Codec against which systems are timed, where a condition is about time.
        work: Folder of the run.
        options: How.
        follow: Takes the events of the run.

    Raises:
        ConfigError: What is asked for cannot be right.
        DatasetError: The data cannot be read.
        RunError: Nothing was measured; no file was written.
    """
    rules = policy or Policy()
    if rules.about(TIME) is not None and not speed_reference:
        msg = (
            "a condition on time needs a codec to measure against in the same run; say "
            "--speed-reference, e.g. the codec's spec without its checkpoint"
        )
        raise ConfigError(msg)
    check_subjects(rules.fail_if, directions(suite))
    how = options or RunOptions()
    dataset = get_dataset(suite.data)
    plan = _plan(suite, dataset, how)
    side = run_side(plan.suite, Path(work) / "run", str(path), dataset, options=how, follow=follow)
    if not (side.results.frame["status"] == "ok").any():
        msg = "no cell has a value; a gate cannot compare with nothing, see the run's log.jsonl"
        raise RunError(msg)
    baseline = Baseline(
        side=side,
        suite=plan.suite,
        policy=rules,
        identities=_identities(plan),
        speed_reference=speed_reference,
        log_ratios=_ratios(side.results, speed_reference),
    )
    write_baseline(baseline, Path(path))
    return baseline


def check_gate(
    path: Path | str = FILE,
    *,
    codecs: Sequence[str] = (),
    checkpoint: Path | str | None = None,
    data: str | None = None,
    policy: Policy | None = None,
    fail_if: Sequence[str] = (),
    work: Path | str = WORK,
    options: RunOptions | None = None,
    follow: Follow = drain,
    plugins: Collection[str] | None = None,
) -> GateReport:
    """Compare what there is now with a baseline.

    Args:
        path: The baseline.
        codecs: Specs to check in place of the baseline's.
        checkpoint: Weights for the codec of the baseline, which must be one.
        data: The same data at another place.
        policy: In place of the baseline's.
        fail_if: Conditions beside those of the policy.
        work: Folder for what must be run.
        options: How.
        follow: Takes the events of the run.
        plugins: What may be run though the baseline alone names it (see `foreign_code`); anything
            where None.

    Raises:
        ConfigError: What is asked for cannot be right.
        DatasetError: The data cannot be read.
        ResultSchemaError: The baseline is damaged.
    """
    baseline = read_baseline(Path(path))
    suite = changed_suite(baseline, codecs, checkpoint, data, plugins=plugins)
    how = options or RunOptions()
    dataset = get_dataset(suite.data)
    plan = _plan(suite, dataset, how)
    same = [each for each in plan.systems if _is_unchanged(each, plan, baseline)]
    specs = [each.facts.spec for each in plan.systems if each not in same]
    new = _kept(baseline.side, [each.facts.codec for each in same], dataset)
    if specs:
        part = replace(plan.suite, codecs=tuple(specs))
        run = run_side(part, Path(work) / "run", "now", dataset, options=how, follow=follow)
        new = _joined(new, run) if same else run
    rules = with_flags(policy or baseline.policy, fail_if=fail_if)
    rules = replace(rules, complete=True)
    return GateReport(
        comparison=compare_sides(
            baseline.side, new, rules, times=_times(baseline, new.results, rules)
        ),
        unchanged=tuple(each.facts.label for each in same),
        measured=tuple(each.facts.label for each in plan.systems if each not in same),
    )


def changed_suite(
    baseline: Baseline,
    codecs: Sequence[str] = (),
    checkpoint: Path | str | None = None,
    data: str | None = None,
    *,
    plugins: Collection[str] | None = None,
) -> Suite:
    """Return a baseline's suite with other codecs, weights or data.

    Raises:
        ConfigError: Weights for more than one codec, or a plug-in that nobody has named.
    """
    suite = baseline.suite
    if plugins is not None:
        kept = replace(suite, codecs=() if codecs else suite.codecs, data=data or suite.data)
        reference = [baseline.speed_reference] if baseline.speed_reference else []
        mine = {*plugins, *named_code([*codecs, *([data] if data else [])])}
        require_named([*suite_specs(kept), *reference], mine)
    if codecs:
        suite = replace(suite, codecs=tuple(codecs), group=False)
    if checkpoint is not None:
        if len(suite.codecs) != 1:
            msg = f"--checkpoint: the gate has {len(suite.codecs)} codecs; say --codec instead"
            raise ConfigError(msg)
        suite = replace(suite, codecs=(with_checkpoint(suite.codecs[0], checkpoint),))
    return replace(suite, data=data) if data is not None else suite


def _plan(suite: Suite, dataset: Dataset, how: RunOptions) -> Plan:
    try:
        return make_plan(suite, dataset, worker_child(how.limits()))
    finally:
        if how.workers() > 1:
            close_child()


def _identities(plan: Plan) -> dict[str, str]:
    return {
        output.name: hash_json([metric.identity, plan.suite.sample_rate])[:16]
        for metric in plan.metrics
        for output in metric.outputs
    }


def _is_unchanged(system: PlannedSystem, plan: Plan, baseline: Baseline) -> bool:
    """Whether every cell of a system is in the baseline, under the key that it has now."""
    side = baseline.side
    if _identities(plan) != dict(baseline.identities) or system.facts.unavailable:
        return False
    places = {
        Place(codec=system.facts.codec, point=point.name, condition=condition.name, clip=clip.id): (
            plan.coding_key(system, point.name, condition, clip)
        )
        for point in system.facts.points
        for condition in plan.conditions
        for clip in plan.dataset.clips
    }
    known = {place: key for place, key in side.keys.items() if place.codec == system.facts.codec}
    frame = side.results.frame
    cells = frame[frame["codec"] == system.facts.codec]
    return places == known and bool(cells["status"].isin(["ok", "undefined"]).all())


def _kept(side: Side, codecs: Sequence[str], dataset: Dataset) -> Side:
    """Return the part of a baseline that holds for some systems."""
    results = side.results
    frame = results.frame
    return replace(
        side,
        name="now",
        clips={clip.id: clip for clip in dataset.clips},
        results=replace(
            results,
            frame=frame[frame["codec"].isin(codecs)],
            systems=tuple(each for each in results.systems if each.codec in codecs),
        ),
    )


def _joined(kept: Side, run: Side) -> Side:
    results = run.results
    known = kept.results.frame
    tags = [name for name in results.frame.columns if name not in known.columns]
    first = results.frame.drop_duplicates("clip").set_index("clip")
    # The baseline keeps no tag but the speaker; all are those of the same clips.
    known = known.assign(**{name: known["clip"].map(first[name]) for name in tags})
    if "speaker" not in results.frame.columns:
        known = known.drop(columns="speaker")
    return replace(
        run,
        keys={**kept.keys, **run.keys},
        degraded={**kept.degraded, **run.degraded},
        results=merge_results([replace(kept.results, frame=known), results]),
    )


def _ratios(results: RunResults, reference: str) -> dict[str, tuple[float, ...]]:
    if not reference:
        return {}
    found = {}
    for system in results.systems:
        timed = measure_speed_ratio(system.spec, reference, rounds=ROUNDS)
        if timed.error:
            msg = f"{system.label} cannot be timed against {reference}: {timed.error}"
            raise RunError(msg)
        found[system.codec] = timed.log_ratios
    return found


def _times(baseline: Baseline, new: RunResults, policy: Policy) -> tuple[TimeChange, ...] | None:
    """Time what is there against the reference, and its ratio against the baseline's."""
    condition = policy.about(TIME)
    if condition is None:
        return None
    if not baseline.speed_reference:
        return ()
    by_codec = dict(baseline.log_ratios)
    found = []
    for system in new.systems:
        before = by_codec.get(system.codec)
        if before is None and len(by_codec) == len(new.systems) == 1:
            before = next(iter(by_codec.values()))
        found.append(
            judge_times(
                system.label,
                measure_speed_ratio(system.spec, baseline.speed_reference, rounds=ROUNDS),
                before or (),
                limit_percent=condition.limit,
                level=policy.level,
            )
        )
    return tuple(found)
