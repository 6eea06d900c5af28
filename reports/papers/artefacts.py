"""From what a paper has to what comes out here: one builder for each kind of table or figure."""

from collections.abc import Callable
from pathlib import Path

from codecbench.core.errors import ConfigError
from codecbench.reports.figures.drawing import FigureFiles, write_drawing
from codecbench.reports.figures.opinion import draw_opinions, read_opinions
from codecbench.reports.figures.trajectory import (
    Trajectory,
    draw_trajectories,
    named_trajectory,
)
from codecbench.reports.papers.artefact import PUBLISHED, Artefact, MissingCell
from codecbench.reports.papers.costs import build_costs
from codecbench.reports.papers.definition import ArtefactFacts, PaperFacts, Statement
from codecbench.reports.papers.measured import Measured, Place
from codecbench.reports.papers.network import build_blocks
from codecbench.reports.papers.scores import build_scores, row_reasons, scores_table
from codecbench.reports.papers.two_moons import build_two_moons
from codecbench.reports.tables import kbps
from codecbench.reports.typeset import Entry, TextTable, file_names


def build_artefacts(facts: PaperFacts, measured: Measured, folder: Path) -> tuple[Artefact, ...]:
    """Make everything that a paper shows.

    Args:
        facts: What the paper has.
        measured: What was measured here.
        folder: Where figures go.

    Raises:
        ConfigError: A file of opinions or the log of a training cannot be read.
    """
    names = file_names([each.number.replace(" ", "") for each in facts.artefacts])
    return tuple(
        BUILDERS[each.kind](each, measured, name, folder)
        for each, name in zip(facts.artefacts, names, strict=True)
    )


def _build_drawing(facts: ArtefactFacts, measured: Measured, name: str, folder: Path) -> Artefact:
    del measured, folder
    return Artefact(facts=facts, name=name)


def _build_opinions(facts: ArtefactFacts, measured: Measured, name: str, folder: Path) -> Artefact:
    """Show opinions where somebody gave some, and what metrics say of the same conditions."""
    places = measured.places(facts.systems)
    tables = [scores_table(facts, measured, places, f"{name}_metrics")]
    file = _file_for(facts.number, measured.opinions)
    if file is None:
        rows = tuple(
            (
                Entry(text=_condition(place)),
                Entry(text="takes listeners: --opinions CSV", kind="reason"),
                Entry(text=facts.published, kind="reason"),
            )
            for place in places
        )
        tables.insert(0, _opinion_table(facts, rows, name))
        return Artefact(
            facts=facts,
            name=name,
            tables=tuple(tables),
            reasons=row_reasons(places),
            missing=(
                MissingCell(
                    artefact=facts.number,
                    row="the figure",
                    column="opinions",
                    reason="takes listeners: 'codecbench listen export RUN', then --opinions CSV",
                ),
            ),
        )
    data = read_opinions(file)
    rows = tuple(
        (
            Entry(text=str(row["system"])),
            Entry(
                text=f"{row['mos']:.2f}",
                kind="value",
                detail=f"[{row['ci_low']:.2f}, {row['ci_high']:.2f}], {row['votes']} votes",
            ),
            Entry(text=facts.published, kind="reason"),
        )
        for row in data.to_dict("records")
    )
    tables.insert(0, _opinion_table(facts, rows, name))
    figure = write_drawing(
        folder, name, draw_opinions(data), title=facts.title, command=measured.made_by
    )
    return Artefact(
        facts=facts,
        name=name,
        tables=tuple(tables),
        figures=(figure,),
        reasons=row_reasons(places),
    )


def _condition(place: Place) -> str:
    label = place.system.label
    return f"{label}: {place.kbps:g} kbit/s" if len(place.system.rates) > 1 else label


def _opinion_table(
    facts: ArtefactFacts, rows: tuple[tuple[Entry, ...], ...], name: str
) -> TextTable:
    return TextTable(
        title=f"{facts.number}: {facts.title}",
        columns=("Condition", "mean opinion score", f"mean opinion score, {PUBLISHED}"),
        numeric=(False, True, True),
        rows=rows,
        notes=(),
        name=name,
    )


def _file_for(number: str, texts: tuple[str, ...]) -> Path | None:
    """Return the file that is for a figure: ``9=CSV``, or a CSV without a number for all."""
    for text in texts:
        wanted, equals, path = text.partition("=")
        if equals and not Path(text).exists():
            if wanted == number.split()[-1]:
                return Path(path)
        else:
            return Path(text)
    return None


def _build_trajectory(
    facts: ArtefactFacts, measured: Measured, name: str, folder: Path
) -> Artefact:
    """Draw the logs of trainings, and tabulate where they end."""
    found = [named_trajectory(Path(text)) for text in measured.trainings]
    if not found:
        reason = "needs the folders of trainings: --training pretrained=FOLDER --training …"
        missing = MissingCell(
            artefact=facts.number, row="the figure", column="utilisation, PESQ", reason=reason
        )
        rows: tuple[tuple[Entry, ...], ...] = tuple(
            (Entry(text=each), *[Entry(text=reason, kind="reason")] * 3, _said(facts))
            for each in ("with pre-training", "from scratch")
        )
        table = _trajectory_table(facts, rows, name)
        return Artefact(facts=facts, name=name, tables=(table,), missing=(missing,))
    figure: FigureFiles = write_drawing(
        folder, name, draw_trajectories(found), title=facts.title, command=measured.made_by
    )
    rows = tuple(row for each in found for row in _last_scores(each, facts))
    table = _trajectory_table(facts, rows, name)
    return Artefact(facts=facts, name=name, tables=(table,), figures=(figure,))


def _last_scores(each: Trajectory, facts: ArtefactFacts) -> list[tuple[Entry, ...]]:
    rows = []
    for point in dict.fromkeys(point for point, _ in each.curves):
        ends = {
            score: pairs[-1]
            for score in ("utilisation", "pesq_wb")
            if (pairs := each.curves.get((point, score)))
        }
        step = max((step for step, _ in ends.values()), default=0)
        values = [
            Entry(text=f"{ends[score][1]:.3f}", kind="value")
            if score in ends
            else Entry(text="not validated", kind="reason")
            for score in ("utilisation", "pesq_wb")
        ]
        label = Entry(text=f"{each.name} {point}".strip())
        rows.append((label, Entry(text=str(step), kind="value"), *values, _said(facts)))
    return rows


def _said(facts: ArtefactFacts) -> Entry:
    return Entry(text=facts.published, kind="reason")


def _trajectory_table(
    facts: ArtefactFacts, rows: tuple[tuple[Entry, ...], ...], name: str
) -> TextTable:
    return TextTable(
        title=f"{facts.number}: {facts.title}",
        columns=("Training", "last step", "utilisation ↑", "pesq_wb ↑", PUBLISHED),
        numeric=(False, True, True, True, False),
        rows=rows,
        notes=(),
        name=name,
    )


def _build_statements(
    facts: ArtefactFacts, measured: Measured, name: str, folder: Path
) -> Artefact:
    del folder
    rows = tuple(
        (Entry(text=each.text), Entry(text=each.published), _statement(each, measured))
        for each in facts.statements
    )
    table = TextTable(
        title=f"{facts.number}: {facts.title}",
        columns=("Statement", PUBLISHED, "measured here"),
        numeric=(False, False, False),
        rows=rows,
        notes=(),
        name=name,
    )
    return Artefact(facts=facts, name=name, tables=(table,))


def _statement(statement: Statement, measured: Measured) -> Entry:
    if statement.measure == "rate":
        return _rates(statement, measured)
    if statement.measure == "latency":
        cost = measured.cost(statement.spec)
        if cost is None:
            return Entry(text="costs were not measured", kind="reason")
        causal = "causal" if cost.causal else "not causal"
        text = (
            f"{statement.spec}: {causal}, {cost.declared_latency_ms:g} ms declared, at least "
            f"{cost.measured_latency_ms:.4g} ms measured by changing the input"
        )
        return Entry(text=text, kind="value")
    if not statement.why:
        msg = f"statement '{statement.text}' says neither how it is measured nor why not"
        raise ConfigError(msg)
    return Entry(text=statement.why, kind="reason")


def _rates(statement: Statement, measured: Measured) -> Entry:
    found = []
    for place in measured.places(statement.systems):
        if place.facts is not None:
            point = next(each for each in place.facts.points if each.name == place.point)
            if point.payload_bps is not None:
                found.append(f"{place.system.label}: {kbps(point.payload_bps)} kbit/s")
    if not found:
        return Entry(text="nothing coded", kind="reason")
    return Entry(text="; ".join(dict.fromkeys(found)), kind="value")


BUILDERS: dict[str, Callable[[ArtefactFacts, Measured, str, Path], Artefact]] = {
    "blocks": build_blocks,
    "costs": build_costs,
    "drawing": _build_drawing,
    "opinions": _build_opinions,
    "scores": build_scores,
    "statements": _build_statements,
    "trajectory": _build_trajectory,
    "two-moons": build_two_moons,
}
"""By the kind of a table or figure."""
