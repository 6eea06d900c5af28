"""Comparing from Python: the call on which 'codecbench compare' is built."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from codecbench.benchmark.events import Event
from codecbench.benchmark.foreign_code import named_code, require_named, suite_specs
from codecbench.benchmark.results import RunResults
from codecbench.benchmark.runner import RunOptions, run_suite
from codecbench.benchmark.suite import Suite
from codecbench.core.errors import ConfigError
from codecbench.datasets.base import Dataset
from codecbench.datasets.registry import DatasetSpec, get_dataset
from codecbench.metrics.registry import expand_metrics, get_metric
from codecbench.reports.regression.changes import Changes, find_changes
from codecbench.reports.regression.decision import Decision, decide
from codecbench.reports.regression.fail_if import SPECIAL, TIME, check_subjects
from codecbench.reports.regression.policy import Policy, with_flags
from codecbench.reports.regression.side import Side, read_side, suite_from
from codecbench.reports.regression.source import (
    Source,
    find_source,
    with_checkpoint,
)
from codecbench.reports.regression.speed import TimeChange, compare_times

OUT = "codecbench-compare"
"""Folder for what must be run, and for the page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonReport:
    """A comparison and what it comes to.

    Attributes:
        base: The old side.
        new: The new one.
        policy: What was accepted.
        changes: What differs.
        times: Ratios of times, where a condition is about them.
        decision: All checks.
    """

    base: Side
    new: Side
    policy: Policy
    changes: Changes
    times: tuple[TimeChange, ...]
    decision: Decision


Follow = Callable[[Iterable[Event]], object]
"""Takes the events of a run until they end."""


def drain(events: Iterable[Event]) -> None:
    """Let a run happen in silence."""
    for _ in events:
        pass


def compare(
    base: str | Path,
    new: str | Path,
    *,
    data: DatasetSpec | None = None,
    codec: str | None = None,
    metrics: str | Sequence[str] | None = None,
    fail_if: str | Sequence[str] = (),
    policy: Policy | None = None,
    out: Path | str = OUT,
    options: RunOptions | None = None,
    follow: Follow = drain,
    plugins: Collection[str] | None = None,
) -> ComparisonReport:
    """Compare two runs, checkpoints or codecs, clip by clip.

    A checkpoint or a codec is run first, and what is known of it already is not computed again.

    Args:
        base: The old one: a run folder, a file or folder of weights, or a codec spec.
        new: The new one.
        data: What to run on; by default what the other side was run on.
        codec: Spec of the codec to which checkpoints belong; by default that of the other side.
        metrics: Names or groups; by default those of the other side, or "core".
        fail_if: Conditions such as ``"pesq_wb < -0.05"``.
        policy: Tolerances and error rate; the defaults where None.
        out: Where runs go that must be made.
        options: Time and memory limits, workers, cache.
        follow: Takes the events of each run.
        plugins: What may be run though a run folder alone names it (see `foreign_code`); anything
            where None.

    Raises:
        ConfigError: What is asked for cannot be right.
        DatasetError: The data cannot be read.
        ResultSchemaError: A folder holds no run, or one of another schema.
    """
    texts = (fail_if,) if isinstance(fail_if, str) else tuple(fail_if)
    rules = with_flags(policy or Policy(), fail_if=texts)
    sources = find_source(str(base)), find_source(str(new))
    read = [_read(source) for source in sources]
    known = next((side.results for side in read if side is not None), None)
    wanted = (metrics,) if isinstance(metrics, str) else metrics
    said = [each for each in (codec, *(source.spec for source in sources)) if each]
    said += metric_specs(wanted) if wanted else []
    said += [data] if isinstance(data, str) else []
    mine = None if plugins is None else {*plugins, *named_code(said)}
    sides: list[Side] = []
    dataset: Dataset | None = None
    for word, source, side in zip(("base", "new"), sources, read, strict=True):
        if side is None:
            suite = _suite(_spec(source, codec, known), known, data, wanted)
            require_named(suite_specs(suite), mine)
            check_subjects(rules.fail_if, directions(suite))
            dataset = dataset or get_dataset(suite.data if data is None else data)
            folder = Path(out) / word
            side = run_side(suite, folder, source.name, dataset, options=options, follow=follow)
        sides.append(side)
    if rules.about(TIME) is not None:
        require_named([one.spec for side in sides for one in side.results.systems], mine)
    return compare_sides(sides[0], sides[1], rules)


def run_side(
    suite: Suite,
    folder: Path,
    name: str,
    dataset: Dataset,
    *,
    options: RunOptions | None = None,
    follow: Follow = drain,
) -> Side:
    """Run a suite into a folder and read what came out.

    Args:
        suite: What to run.
        folder: Run folder; one that holds another suite becomes this one.
        name: What to call the side.
        dataset: The data.
        options: How.
        follow: Takes the events.

    Raises:
        ConfigError: The suite cannot be right.
        RunError: Another process writes into the folder.
    """
    how = replace(options or RunOptions(), update=True)
    follow(run_suite(suite, folder, options=how, dataset=dataset))
    return read_side(folder, name)


def compare_sides(
    base: Side, new: Side, policy: Policy, *, times: Sequence[TimeChange] | None = None
) -> ComparisonReport:
    """Compare two sides that are there.

    Args:
        base: The old side.
        new: The new one.
        policy: What is accepted.
        times: Ratios of times; measured here where None and a condition is about them.

    Raises:
        UnknownNameError: A condition is on a metric that neither side has.
        ConfigError: A condition is on an improvement.
        ResultSchemaError: A side mixes what must not be mixed.
    """
    facts = [*base.results.metrics, *new.results.metrics]
    # An empty side has no metrics; then it is not the condition that is wrong.
    asked = [each for each in policy.fail_if if facts or each.subject in SPECIAL]
    check_subjects(asked, {metric.name: metric.higher_is_better for metric in facts})
    changes = find_changes(base, new, policy)
    limit = policy.about(TIME)
    if times is None and limit is not None:
        times = compare_times(changes.pairing.pairs, limit_percent=limit.limit, level=policy.level)
    timed = tuple(times or ())
    return ComparisonReport(
        base=base,
        new=new,
        policy=policy,
        changes=changes,
        times=timed,
        decision=decide(changes, timed, policy),
    )


def metric_specs(metrics: Sequence[str]) -> list[str]:
    """Return the specs that names and groups of metrics stand for.

    Raises:
        UnknownNameError: There is no such metric or group.
    """
    return [spec for spec, _ in expand_metrics(metrics)]


def directions(suite: Suite) -> dict[str, bool]:
    """Return, by metric output that a suite measures, whether higher is better.

    Raises:
        UnknownNameError: No such metric.
        ConfigError: A metric's options cannot be right.
    """
    metrics = [get_metric(spec) for spec in metric_specs(suite.metrics)]
    return {name: metric.higher_is_better for metric in metrics for name in metric.outputs}


def _read(source: Source) -> Side | None:
    return None if source.folder is None else read_side(source.folder, source.name)


def _spec(source: Source, codec: str | None, known: RunResults | None) -> str:
    if not source.is_checkpoint:
        return source.spec
    if codec is None and known is not None and len(known.systems) == 1:
        codec = known.systems[0].spec
    if codec is None:
        msg = f"{source.name}: of which codec are these weights? say --codec, e.g. --codec esc"
        raise ConfigError(msg)
    return with_checkpoint(codec, source.name)


def _suite(
    spec: str,
    known: RunResults | None,
    data: DatasetSpec | None,
    metrics: Sequence[str] | None,
) -> Suite:
    if known is None and data is None:
        msg = f"'{spec}' must be run first; name the data with --data, e.g. --data demo"
        raise ConfigError(msg)
    if known is not None:
        suite = replace(suite_from(known.suite), codecs=(spec,), group=False)
    else:
        suite = Suite(codecs=(spec,), data="")
    if data is not None:
        name = data if isinstance(data, str | Path) else get_dataset(data).name
        suite = replace(suite, data=str(name))
    return replace(suite, metrics=tuple(metrics)) if metrics else suite
