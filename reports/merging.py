"""Several runs as one, where they may be compared; a refusal with the difference where not."""

from collections.abc import Sequence
from dataclasses import replace

from codecbench.benchmark.results import COLUMNS, MetricFacts, RunResults, SystemFacts
from codecbench.core.errors import ConfigError, ResultSchemaError
from codecbench.reports.checks import check_comparable, definition_conflict


def merge_results(runs: Sequence[RunResults]) -> RunResults:
    """Put several runs side by side.

    A codec that stands in two runs with the same fingerprint may bring other points, not the same
    cell twice. With two fingerprints it is two systems, told apart by the names of their runs.

    Args:
        runs: At least one.

    Raises:
        ConfigError: There is none.
        ResultSchemaError: Datasets or definitions differ, or a cell stands in two runs.
    """
    if not runs:
        msg = "a report needs at least one run"
        raise ConfigError(msg)
    if len(runs) == 1:
        return runs[0]
    import pandas as pd

    runs = _tell_apart(runs)
    metrics = _merge_metrics(runs)
    frame = pd.concat([run.frame for run in runs], ignore_index=True)
    tags = sorted(set(map(str, frame.columns)) - set(COLUMNS))
    frame = frame[[*COLUMNS, *tags]]
    check_comparable(frame)
    first = runs[0]
    return RunResults(
        name=" + ".join(dict.fromkeys(run.name for run in runs)),
        folder=first.folder,
        frame=frame,
        forensics=pd.concat([run.forensics for run in runs], ignore_index=True),
        codebooks=pd.concat([run.codebooks for run in runs], ignore_index=True),
        systems=_merge_systems(runs),
        metrics=metrics,
        suite={run.name: run.suite for run in runs},
        environment={run.name: run.environment for run in runs},
    )


def _tell_apart(runs: Sequence[RunResults]) -> list[RunResults]:
    fingerprints: dict[str, set[str]] = {}
    for run in runs:
        for system in run.systems:
            if not system.unavailable:
                fingerprints.setdefault(system.codec, set()).add(system.fingerprint)
    ambiguous = {codec for codec, found in fingerprints.items() if len(found) > 1}
    return [_rename(run, ambiguous) if ambiguous else run for run in runs]


def _rename(run: RunResults, ambiguous: set[str]) -> RunResults:
    names = {
        system.codec: f"{system.codec} [{system.fingerprint[:12]}]"
        for system in run.systems
        if system.codec in ambiguous
    }
    systems = tuple(
        replace(system, codec=names[system.codec], label=f"{system.label} [{run.name[:12]}]")
        if system.codec in names
        else system
        for system in run.systems
    )
    frames = {
        field: table.assign(codec=table["codec"].map(lambda codec: names.get(codec, codec)))
        for field, table in (
            ("frame", run.frame),
            ("forensics", run.forensics),
            ("codebooks", run.codebooks),
        )
        if len(table)
    }
    return replace(run, systems=systems, **frames)  # type: ignore[arg-type]  # only frames


def _merge_systems(runs: Sequence[RunResults]) -> tuple[SystemFacts, ...]:
    merged: dict[str, SystemFacts] = {}
    labels: dict[str, str] = {}
    for run in runs:
        for system in run.systems:
            known = merged.get(system.codec)
            if known is None or known.unavailable:
                merged[system.codec] = system
            elif not system.unavailable:
                points = {point.name: point for point in (*system.points, *known.points)}
                ordered = sorted(points.values(), key=lambda point: point.nominal_bps)
                merged[system.codec] = replace(known, points=tuple(ordered))
    for codec, system in merged.items():
        if system.label in labels.values():
            merged[codec] = replace(system, label=f"{system.label} ({codec})")
        labels[codec] = merged[codec].label
    return tuple(merged.values())


def _merge_metrics(runs: Sequence[RunResults]) -> tuple[MetricFacts, ...]:
    merged: dict[str, MetricFacts] = {}
    for run in runs:
        for facts in run.metrics:
            known = merged.setdefault(facts.name, facts)
            if known.definition != facts.definition:
                texts = [known.definition, facts.definition]
                raise ResultSchemaError(definition_conflict(facts.name, texts))
            if known.definition_hash != facts.definition_hash:
                msg = (
                    f"metric '{facts.name}' was computed with other versions of its packages: "
                    f"hashes {known.definition_hash} and {facts.definition_hash}; compare the "
                    "environments of the runs, and score the older one again"
                )
                raise ResultSchemaError(msg)
    return tuple(merged.values())
