"""One table or figure of a paper as it comes out here."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from codecbench.reports.figures.drawing import FigureFiles
from codecbench.reports.papers.definition import ArtefactFacts
from codecbench.reports.typeset import TextTable

PUBLISHED = "published"
"""Heads of columns that end in this hold the paper's values; all other values are ours."""
NOT_MEASURED = "not measured"
"""What stands in the cells of a row of which nothing was measured; a note says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingCell:
    """A cell of a paper's table or figure that has no measured value.

    Attributes:
        artefact: Number of the table or figure.
        row: What the row or curve is called.
        column: Head of the column.
        reason: Why there is no value.
    """

    artefact: str
    row: str
    column: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Artefact:
    """One table or figure of a paper as it comes out here.

    Attributes:
        facts: What the paper has.
        name: Stem of its files.
        tables: With a column for each measured quantity and one for each published one.
        figures: Of what was measured, and nothing else.
        missing: Figures that were not drawn, with the reason.
        reasons: Why rows say `NOT_MEASURED`, by the name of the row.
    """

    facts: ArtefactFacts
    name: str
    tables: tuple[TextTable, ...] = ()
    figures: tuple[FigureFiles, ...] = ()
    missing: tuple[MissingCell, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)

    def missing_cells(self) -> list[MissingCell]:
        """Return every cell without a measured value, with its reason."""
        found = list(self.missing)
        for table in self.tables:
            for row in table.rows:
                found += [
                    MissingCell(
                        artefact=self.facts.number,
                        row=row[0].text,
                        column=column,
                        reason=self.reasons.get(row[0].text, entry.text)
                        if entry.text == NOT_MEASURED
                        else entry.text,
                    )
                    for column, entry in zip(table.columns, row, strict=True)
                    if entry.kind == "reason" and not column.endswith(PUBLISHED)
                ]
        return found
