"""Several runs as one, where they may be compared; a refusal with the difference where not."""

from collections.abc import Sequence
from dataclasses import replace

from codecbench.benchmark.results import COLUMNS, MetricFacts, RunResults, SystemFacts
from codecbench.core.errors import ConfigError, ResultSchemaError
from codecbench.reports.checks import check_comparable
from codecbench.reports.mixing import (
    find_differences,
    joined_settings,
    mark_mixed,
    rename_systems,
)


def merge_results(runs: Sequence[RunResults], *, force: bool = False) -> RunResults:
    """Put several runs side by side.

    A codec that stands in two runs with the same fingerprint may bring other points, not the same
    cell twice. With two fingerprints it is two systems, told apart by the names of their runs.

    Args:
        runs: At least one.
        force: Put runs side by side that differ in dataset, references or definitions; what
            differs is marked, kept apart and named in the caveats.

    Raises:
        ConfigError: There is none.
        ResultSchemaError: Datasets, references or definitions differ and nothing is forced, or a
            cell stands in two runs.
    """
    if not runs:
        msg = "a report needs at least one run"
        raise ConfigError(msg)
    if len(runs) == 1:
        return runs[0]
    import pandas as pd

    differences = find_differences(runs)
    if differences and not force:
        more = f" ({len(differences) - 1} more differences)" if len(differences) > 1 else ""
        raise ResultSchemaError(f"{differences[0].text}{more}")
    caveats = tuple(dict.fromkeys(caveat for run in runs for caveat in run.caveats))
    if differences:
        runs, mixed = mark_mixed(runs, differences)
        caveats += mixed
    runs = _tell_apart(runs)
    suite, environment = joined_settings(runs)
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
        suite=suite,
        environment=environment,
        references={clip: digest for run in runs for clip, digest in run.references.items()},
        caveats=caveats,
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
    return rename_systems(run, names, f"[{run.name[:12]}]")


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
            merged.setdefault(facts.name, facts)
    return tuple(merged.values())
