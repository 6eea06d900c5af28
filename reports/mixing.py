"""What keeps runs from standing in one table, and how they stand there when it is forced."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from codecbench.benchmark.results import RunResults
from codecbench.core.fingerprint import Json
from codecbench.reports.checks import definition_conflict

if TYPE_CHECKING:
    import pandas as pd

DifferenceKind: TypeAlias = Literal["dataset", "reference", "definition"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Why a run must not stand beside the first one.

    Attributes:
        run: Number of the run, from 1; the first is 0.
        kind: dataset, reference or definition.
        subject: Which metric; "" for the other kinds.
        text: The difference, in words.
    """

    run: int
    kind: DifferenceKind
    subject: str
    text: str


def find_differences(runs: Sequence[RunResults]) -> tuple[Difference, ...]:
    """Compare every run with the first one: datasets, reference signals, metric definitions."""
    found: list[Difference] = []
    for number, (first, other) in enumerate(((runs[0], run) for run in runs[1:]), start=1):
        found += _datasets(number, first, other)
        found += _references(number, first, other)
        found += _definitions(number, runs[:number], other)
    return tuple(found)


def mark_mixed(
    runs: Sequence[RunResults], differences: Sequence[Difference]
) -> tuple[list[RunResults], tuple[str, ...]]:
    """Make runs that differ fit for one table, in which everybody sees that they do.

    The systems of a run that differs are named for it. A metric of another definition becomes a
    metric of its own, and clips of other references become clips of their own, so that what is not
    comparable is shown side by side and never subtracted.

    Args:
        runs: At least one.
        differences: From `find_differences`.

    Returns:
        The runs, and what has to be said wherever their results stand.
    """
    marked = list(runs)
    for number in sorted({difference.run for difference in differences}):
        mine = [difference for difference in differences if difference.run == number]
        run = _rename_metrics(runs[number], [one.subject for one in mine if one.subject])
        if any(one.kind == "reference" for one in mine):
            run = _rename_clips(run)
        kinds = dict.fromkeys(one.kind for one in mine)
        mark = f"[{run.name[:12]}: other {', '.join(kinds)}]"
        codecs = {system.codec: f"{system.codec} {mark}" for system in run.systems}
        marked[number] = rename_systems(run, codecs, mark)
    names = dict.fromkeys(str(name) for run in runs for name in run.frame["dataset"].unique())
    joined = " + ".join(names)
    marked = [replace(run, frame=run.frame.assign(dataset=joined)) for run in marked]
    return marked, tuple(f"Mixed by force: {one.text}" for one in differences)


def _datasets(number: int, first: RunResults, other: RunResults) -> list[Difference]:
    names = [sorted({str(name) for name in run.frame["dataset"]}) for run in (first, other)]
    if names[0] == names[1]:
        return []
    text = " against ".join("'" + "', '".join(found) + "'" for found in names)
    return [
        Difference(
            run=number,
            kind="dataset",
            subject="",
            text=f"results of different datasets cannot be mixed: {text}; report them one by one",
        )
    ]


def _references(number: int, first: RunResults, other: RunResults) -> list[Difference]:
    rates = [run.suite.get("sample_rate") for run in (first, other)]
    changed = [
        clip
        for clip, digest in other.references.items()
        if first.references.get(clip, digest) != digest
    ]
    texts = []
    if None not in rates and rates[0] != rates[1]:
        texts.append(f"one run is evaluated at {rates[0]} Hz and the other at {rates[1]} Hz")
    if changed:
        texts.append(
            f"{len(changed)} clips have the same name and other audio, the first is '{changed[0]}'"
        )
    conditions = [_scored_against(run) for run in (first, other)]
    texts += [
        f"condition '{name}' is scored against {conditions[0][name]} and against {against}"
        for name, against in conditions[1].items()
        if conditions[0].get(name, against) != against
    ]
    return [
        Difference(
            run=number,
            kind="reference",
            subject="",
            text=f"results against different references cannot be mixed: {text}; run the older "
            "one again on the same audio",
        )
        for text in texts
    ]


def _scored_against(run: RunResults) -> dict[str, str]:
    pairs = run.frame[["condition", "scored_against"]].drop_duplicates()
    found: dict[str, str] = {}
    for condition, against in zip(pairs["condition"], pairs["scored_against"], strict=True):
        known = found.get(str(condition))
        found[str(condition)] = str(against) if known is None else f"{known} and {against}"
    return found


def _definitions(number: int, earlier: Sequence[RunResults], other: RunResults) -> list[Difference]:
    known = {facts.name: facts for run in reversed(earlier) for facts in run.metrics}
    found = []
    for facts in other.metrics:
        before = known.get(facts.name, facts)
        if before.definition != facts.definition:
            text = definition_conflict(facts.name, [before.definition, facts.definition])
        elif before.definition_hash != facts.definition_hash:
            text = (
                f"metric '{facts.name}' was computed with other versions of its packages: "
                f"hashes {before.definition_hash} and {facts.definition_hash}; compare the "
                "environments of the runs, and score the older one again"
            )
        else:
            continue
        found.append(Difference(run=number, kind="definition", subject=facts.name, text=text))
    return found


def _rename_metrics(run: RunResults, names: Sequence[str]) -> RunResults:
    hashes = {facts.name: facts.definition_hash for facts in run.metrics}
    new = {name: f"{name} [{hashes[name]}]" for name in names}
    metrics = tuple(replace(facts, name=new.get(facts.name, facts.name)) for facts in run.metrics)
    return replace(run, metrics=metrics, frame=renamed(run.frame, "metric", new))


def _rename_clips(run: RunResults) -> RunResults:
    mark = f" [{run.name[:12]}]"
    new = {str(clip): f"{clip}{mark}" for clip in run.frame["clip"].unique()}
    return replace(
        run,
        frame=renamed(run.frame, "clip", new),
        forensics=renamed(run.forensics, "clip", new),
        references={new.get(clip, clip): digest for clip, digest in run.references.items()},
    )


def rename_systems(run: RunResults, codecs: Mapping[str, str], label_mark: str) -> RunResults:
    """Give systems other names.

    Args:
        run: The run.
        codecs: New canonical names by the old ones; systems that are not here keep theirs.
        label_mark: Put behind the labels of those that are.
    """
    systems = tuple(
        replace(system, codec=codecs[system.codec], label=f"{system.label} {label_mark}")
        if system.codec in codecs
        else system
        for system in run.systems
    )
    return replace(
        run,
        systems=systems,
        frame=renamed(run.frame, "codec", codecs),
        forensics=renamed(run.forensics, "codec", codecs),
        codebooks=renamed(run.codebooks, "codec", codecs),
    )


def renamed(table: "pd.DataFrame", column: str, names: Mapping[str, str]) -> "pd.DataFrame":
    """Replace names in a column; those that are not in `names` stay."""
    if table.empty:
        return table
    return table.assign(**{column: table[column].map(lambda name: names.get(name, name))})


def joined_settings(runs: Sequence[RunResults]) -> tuple[dict[str, Json], dict[str, Json]]:
    """Return suites and environments by the names of their runs, numbered where these repeat."""
    names = [run.name for run in runs]
    keys = [
        name if names.count(name) == 1 else f"{name} ({number})"
        for number, name in enumerate(names, start=1)
    ]
    suites: dict[str, Json] = {key: run.suite for key, run in zip(keys, runs, strict=True)}
    return suites, {key: run.environment for key, run in zip(keys, runs, strict=True)}
