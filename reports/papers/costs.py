"""Tables of costs, and the measurements that they take, kept from one time to the next."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from codecbench.adapters.registry import get_codec
from codecbench.benchmark.complexity import Complexity, measure_complexity
from codecbench.benchmark.cost_suite import find_cost_suite
from codecbench.core.errors import CodecBenchError
from codecbench.core.fingerprint import package_versions
from codecbench.reports.cost_table import cost_table
from codecbench.reports.costs import read_costs
from codecbench.reports.papers.artefact import Artefact
from codecbench.reports.papers.definition import ArtefactFacts, PaperFacts
from codecbench.reports.papers.measured import Measured

CLIP_S = 10.0
"""Length of a timed clip, as in the ESC paper."""


def cost_specs(facts: PaperFacts, *, clips: int | None) -> dict[str, int]:
    """Return which codecs a paper's report wants the costs of, with the clips to time.

    Args:
        facts: Of the paper.
        clips: How many are timed; as the paper where None.
    """
    wanted: dict[str, int] = {}
    for artefact in facts.artefacts:
        if artefact.suite:
            suite = find_cost_suite(artefact.suite)
            wanted |= {row.spec: clips or suite.clips for row in suite.rows}
        for statement in artefact.statements:
            if statement.spec:
                wanted.setdefault(statement.spec, clips or 1)
    return wanted


def measure_costs(
    wanted: dict[str, int], file: Path, *, again: bool, tell: Callable[[str], None]
) -> tuple[Complexity, ...]:
    """Measure what a file does not hold yet, and return all of it.

    Args:
        wanted: Spec, and how many clips are timed.
        file: Where measurements are kept, as ``codecbench complexity --json`` writes them; each is
            written as it comes.
        again: Measure what is known, too.
        tell: Called with a line for each measurement, and for each that failed.
    """
    version = package_versions(["codecbench"])["codecbench"]
    known = {} if again or not file.is_file() else _read(file, wanted, version)
    file.parent.mkdir(parents=True, exist_ok=True)
    _write(file, list(known.values()), version)
    for spec, clips in wanted.items():
        if spec in known:
            continue
        tell(f"measuring the cost of {spec}, {clips} clips of {CLIP_S:g} s")
        try:
            known[spec] = measure_complexity(spec, clips=clips, clip_s=CLIP_S)
        except CodecBenchError as error:
            tell(f"no cost of {spec}: {error}")
            continue
        _write(file, list(known.values()), version)
    return tuple(known[spec] for spec in wanted if spec in known)


def _read(file: Path, wanted: dict[str, int], version: str | None) -> dict[str, Complexity]:
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    current = [line.get("codecbench") == version for line in lines]
    return {
        each.spec: each
        for each, is_current in zip(read_costs([file]), current, strict=True)
        if is_current
        and wanted.get(each.spec) == each.clips
        and each.clip_s == CLIP_S
        # Weights may have come since then, or gone.
        and get_codec(each.spec).info.trained == each.trained
    }


def _write(file: Path, costs: Sequence[Complexity], version: str | None) -> None:
    lines = [json.dumps({**asdict(each), "codecbench": version}) for each in costs]
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")


def build_costs(facts: ArtefactFacts, measured: Measured, name: str, folder: Path) -> Artefact:
    """Make a table of costs; without measurements its cells say so.

    Args:
        facts: What the paper has.
        measured: What was measured here.
        name: Stem of the files.
        folder: Not used: there is no figure.
    """
    del folder
    suite = find_cost_suite(facts.suite)
    found = [measured.cost(row.spec) for row in suite.rows]
    return Artefact(facts=facts, name=name, tables=(cost_table(suite, found),))
