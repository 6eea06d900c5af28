"""Writes the report of a paper: one page, with everything on it as files.

index.html         every table and figure of the paper under its number, measured beside published
tables/            each table as .csv, .md and .tex; missing: cells without a measured value
figures/           of what was measured: .png, .svg, .pdf, .csv, .txt
methods.md, .tex   the methods paragraph; citation.bib
"""

from pathlib import Path

from codecbench.core.errors import ResultSchemaError
from codecbench.reports.export import csv_bytes
from codecbench.reports.page import page_environment, svg_uri
from codecbench.reports.papers.artefact import Artefact, MissingCell
from codecbench.reports.papers.artefacts import build_artefacts
from codecbench.reports.papers.definition import PaperFacts, paper_facts
from codecbench.reports.papers.measured import Measured
from codecbench.reports.papers.methods import (
    bibtex,
    citations,
    differences_table,
    methods_sentences,
)
from codecbench.reports.summary import summarize_rows
from codecbench.reports.tables import overview_table
from codecbench.reports.typeset import (
    Entry,
    TextTable,
    escape_latex,
    text_frame,
    to_latex,
    to_markdown,
)

RUN = "run"
"""Folder of the run within that of the report."""


def write_paper(measured: Measured, out: Path) -> Path:
    """Write the report of a paper.

    Args:
        measured: What was measured here.
        out: Folder; files of an earlier report are replaced.

    Returns:
        Path of ``index.html``.

    Raises:
        ConfigError: A file of opinions cannot be read.
        RunError: The log of a training cannot be read.
        ResultSchemaError: The run has no cells.
    """
    if measured.results.frame.empty:
        msg = f"{measured.folder}: the run has no cells yet; the same command goes on with it"
        raise ResultSchemaError(msg)
    facts = paper_facts(measured.paper.name)
    artefacts = build_artefacts(facts, measured, out / "figures")
    beside = measured.beside()
    others = [differences_table(facts, measured)]
    if beside is not None:
        others.append(_beside_table(measured))
    cells = [cell for artefact in artefacts for cell in artefact.missing_cells()]
    others.append(missing_table(cells))
    for table in (*(table for each in artefacts for table in each.tables), *others):
        _write_table(out / "tables", table)
    sentences = methods_sentences(facts, measured)
    _write_text(out / "methods.md", "".join(f"{each}\n\n" for each in sentences))
    _write_text(out / "methods.tex", "\n".join(map(escape_latex, sentences)) + "\n")
    _write_text(out / "citation.bib", bibtex(facts))
    page = out / "index.html"
    _write_text(page, _render(facts, artefacts, others, sentences, measured, out))
    return page


def missing_table(cells: list[MissingCell]) -> TextTable:
    """Build the list of cells without a measured value: one line per row and reason."""
    grouped: dict[tuple[str, str, str], list[str]] = {}
    for cell in cells:
        columns = grouped.setdefault((cell.artefact, cell.row, cell.reason), [])
        if cell.column not in columns:
            columns.append(cell.column)
    return TextTable(
        title=f"Cells without a measured value: {len(cells)}",
        columns=("Table or figure", "row", "columns", "reason"),
        numeric=(False, False, False, False),
        rows=tuple(
            (
                Entry(text=artefact),
                Entry(text=row),
                Entry(text=", ".join(columns)),
                Entry(text=reason, kind="reason"),
            )
            for (artefact, row, reason), columns in grouped.items()
        ),
        notes=(),
        name="missing",
    )


def _beside_table(measured: Measured) -> TextTable:
    part = measured.beside()
    assert part is not None  # asked by the caller
    table = overview_table(summarize_rows(part), part.metrics)
    return TextTable(
        title="References and anchors that the paper does not have, on the same clips",
        columns=table.columns,
        numeric=table.numeric,
        rows=table.rows,
        notes=table.notes,
        name="beside",
    )


def _write_table(folder: Path, table: TextTable) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{table.name}.csv").write_bytes(csv_bytes(text_frame(table)))
    _write_text(folder / f"{table.name}.md", to_markdown(table))
    _write_text(folder / f"{table.name}.tex", to_latex(table))


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _render(
    facts: PaperFacts,
    artefacts: tuple[Artefact, ...],
    others: list[TextTable],
    sentences: list[str],
    measured: Measured,
    out: Path,
) -> str:
    def link(path: Path) -> str:
        return path.relative_to(out).as_posix()

    systems = measured.results.systems
    return (
        page_environment()
        .get_template("paper.html")
        .render(
            facts=facts,
            artefacts=artefacts,
            others=others,
            sentences=sentences,
            citations=citations(measured),
            bibtex=bibtex(facts),
            made_by=measured.made_by,
            caveats=measured.results.caveats,
            untrained=[system.label for system in systems if not system.trained],
            run=RUN,
            link=link,
            image=svg_uri,
        )
    )
