"""What was measured of a paper's systems, and why the rest was not."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from codecbench.adapters.registry import system_specs
from codecbench.benchmark.complexity import Complexity
from codecbench.benchmark.paper_systems import Paper, PaperSystem, PaperWeights
from codecbench.benchmark.results import MetricFacts, RunResults, SystemFacts
from codecbench.reports.costs import canonical_name
from codecbench.reports.published_numbers import SAME_RATE
from codecbench.reports.summary import SummaryRow, summarize_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One system of the paper at one rate, as it was measured here or was not.

    Attributes:
        system: Of the paper.
        number: Which of its rates.
        kbps: The rate; None for a system without one.
        weights: Whose they are; "none" where nothing was measured.
        facts: The system here; None where nothing was measured.
        point: Operating point.
        why: Why nothing was measured; "" where something was.
    """

    system: PaperSystem
    number: int
    kbps: float | None
    weights: str = "none"
    facts: SystemFacts | None = None
    point: str = ""
    why: str = ""


@dataclass(frozen=True)
class Measured:
    """A run of a paper's systems, with what else is known.

    Attributes:
        paper: The paper's systems.
        weights: What the user gave.
        results: The run.
        folder: Of the run.
        costs: What codecs cost.
        made_by: The command, for figures.
        trainings: ``[NAME=]FOLDER`` of trainings.
        opinions: ``[NUMBER=]CSV`` of ratings.
    """

    paper: Paper
    weights: PaperWeights
    results: RunResults
    folder: Path
    costs: tuple[Complexity, ...] = ()
    made_by: str = ""
    trainings: tuple[str, ...] = ()
    opinions: tuple[str, ...] = ()

    @cached_property
    def rows(self) -> tuple[SummaryRow, ...]:
        """Summary of the whole run."""
        return summarize_rows(self.results)

    def metric(self, name: str) -> MetricFacts | None:
        """Return what is known of a metric; None where the run does not have it."""
        return next((facts for facts in self.results.metrics if facts.name == name), None)

    def cost(self, spec: str) -> Complexity | None:
        """Return what a codec costs; None where nobody measured."""
        return next((each for each in self.costs if each.spec == spec), None)

    def system(self, spec: str) -> SystemFacts | None:
        """Return the system of the run that a spec makes; None where there is none."""
        names = {canonical_name(str(each)) for each in system_specs(spec)}
        found = (each for each in self.results.systems if canonical_name(each.spec) in names)
        return next(found, None)

    def places(self, labels: Collection[str] = ()) -> list[Place]:
        """Return every system at every rate, in the paper's order.

        Args:
            labels: Of the systems that are wanted; all with rates where empty.
        """
        chosen = [each for each in self.paper.systems if each.label in labels or not labels]
        return [
            place
            for system in chosen
            for number, kbps in enumerate(system.rates)
            for place in self._at(system, number, kbps)
        ]

    def _at(self, system: PaperSystem, number: int, kbps: float) -> list[Place]:
        here = Place(system=system, number=number, kbps=kbps)
        found, away = [], []
        for spec, whose in self._specs(system):
            facts = self.system(spec)
            if facts is None:
                away.append("not in this run")
            elif facts.unavailable:
                away.append(facts.unavailable)
            else:
                points = [
                    point.name
                    for point in facts.points
                    if abs(point.nominal_bps / 1000 - kbps) <= SAME_RATE * kbps
                ]
                weights = whose if facts.trained else "random"
                found += [
                    replace(here, facts=facts, point=name, weights=weights) for name in points
                ]
                away += [] if points else ["has no such rate"]
        return found or [replace(here, why="; ".join(away) or system.missing())]

    def _specs(self, system: PaperSystem) -> list[tuple[str, str]]:
        checkpoint = self.weights.checkpoints.get(system.key)
        whose = {
            self.weights.theirs(system): "the authors'" if system.files else "none needed",
            self.weights.ours(system): checkpoint.name if checkpoint else "codecbench's",
        }
        return [(spec, words) for spec, words in whose.items() if spec]

    def part(self, places: Sequence[Place]) -> RunResults | None:
        """Return the results of some places alone; None where nothing was measured."""
        wanted = {(each.facts.codec, each.point) for each in places if each.facts is not None}
        return select(self.results, wanted) if wanted else None

    def beside(self) -> RunResults | None:
        """Return the results of what the paper does not have: references and anchors."""
        mine = {each.facts.codec for each in self.places() if each.facts is not None}
        others = {
            (system.codec, point.name)
            for system in self.results.systems
            if system.codec not in mine
            for point in system.points
        }
        return select(self.results, others) if others else None


def select(results: RunResults, wanted: Collection[tuple[str, str]]) -> RunResults:
    """Return the part of a run that some codecs and points make.

    Args:
        results: The run.
        wanted: Canonical name of the codec and point.
    """
    systems = []
    for system in results.systems:
        points = tuple(each for each in system.points if (system.codec, each.name) in wanted)
        systems += [replace(system, points=points)] if points else []
    frames = []
    for frame in (results.frame, results.forensics, results.codebooks):
        pairs = zip(frame["codec"].astype(str), frame["point"].astype(str), strict=True)
        frames.append(frame[[pair in wanted for pair in pairs]].reset_index(drop=True))
    return replace(
        results, systems=tuple(systems), frame=frames[0], forensics=frames[1], codebooks=frames[2]
    )
