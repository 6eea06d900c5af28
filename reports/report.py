"""Everything that a run says, in one folder.

index.html              the page; it needs no other file
tables/                 overview and one table per metric: .csv (full precision), .md, .tex;
                        failures, rates, forensics, systems, metrics, codebooks
figures/                rate_quality_<metric>.png, .svg, .pdf, and the .csv that reproduces them
data/results.csv        the tidy frame, and the same as results.parquet
data/suite.json         what was asked for
data/environment.json   where it ran
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from codecbench.benchmark.results import MetricFacts, RunResults
from codecbench.core.fingerprint import Json
from codecbench.reports.alarms import Alarm, find_alarms
from codecbench.reports.export import csv_bytes, export_frame
from codecbench.reports.fact_tables import (
    codebooks_table,
    metrics_table,
    rates_table,
    systems_table,
)
from codecbench.reports.failures import failures_table, group_failures, lost_cells
from codecbench.reports.figure_text import alt_text
from codecbench.reports.figures import write_figure
from codecbench.reports.forensics import find_all, forensics_table
from codecbench.reports.grid import build_grids
from codecbench.reports.merging import merge_results
from codecbench.reports.rate_quality import rate_quality_frame
from codecbench.reports.rates import point_rates
from codecbench.reports.style import system_styles
from codecbench.reports.summary import SummaryRow, rows_to_frame, summarize_rows
from codecbench.reports.tables import metric_table, overview_table
from codecbench.reports.typeset import TextTable, file_names, to_latex, to_markdown

if TYPE_CHECKING:
    import pandas as pd

RESERVED = ("overview", "failures", "rates", "forensics", "systems", "metrics", "codebooks")
"""Names of the tables that are not of one metric."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureFiles:
    """One figure of the page.

    Attributes:
        condition: What was drawn.
        paths: By suffix: png, svg, pdf, csv.
        alt: The figure in words.
    """

    condition: str
    paths: dict[str, Path]
    alt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricSection:
    """What the page says about one metric.

    Attributes:
        facts: About the metric.
        table: Its table.
        name: Stem of its files.
        figures: One per condition.
    """

    facts: MetricFacts
    table: TextTable
    name: str
    figures: tuple[FigureFiles, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportParts:
    """What the page is made of.

    Attributes:
        results: The run.
        overview: All metrics side by side.
        sections: One per metric.
        others: Further tables by name: failures, rates, forensics, codebooks, systems, metrics.
        alarms: What deserves a look.
        n_clips: Clips of the data set.
        n_cells: Cells by status.
    """

    results: RunResults
    overview: TextTable
    sections: tuple[MetricSection, ...]
    others: dict[str, TextTable]
    alarms: tuple[Alarm, ...]
    n_clips: int
    n_cells: dict[str, int]


def write_report(results: RunResults | Sequence[RunResults], out: Path) -> Path:
    """Write the report of one run, or of several side by side.

    The same results give the same files, byte for byte.

    Args:
        results: One run, or several on the same data set with the same metric definitions.
        out: Folder; made where it is absent, files of an earlier report are replaced.

    Returns:
        Path of ``index.html``.

    Raises:
        ResultSchemaError: The results must not be mixed; the message names the difference.
    """
    from codecbench.reports.page import render_page

    run = results if isinstance(results, RunResults) else merge_results(list(results))
    rows = summarize_rows(run)
    parts = _write_parts(run, rows, out)
    data = out / "data"
    export_frame(run, data / "results.csv", kind="csv")
    export_frame(run, data / "results.parquet", kind="parquet")
    _write_json(data / "suite.json", run.suite)
    _write_json(data / "environment.json", run.environment)
    index = out / "index.html"
    index.write_text(render_page(parts, out), encoding="utf-8", newline="\n")
    return index


def _write_parts(run: RunResults, rows: Sequence[SummaryRow], out: Path) -> ReportParts:
    tables, summary = out / "tables", rows_to_frame(rows)
    overview = overview_table(rows, run.metrics)
    _write_table(tables, "overview", overview, summary)
    styles = system_styles(run.systems)
    # A metric may be called "rates" too.
    names = file_names([*RESERVED, *(facts.name for facts in run.metrics)])[len(RESERVED) :]
    conditions = list(dict.fromkeys(row.condition for row in rows))
    endings = [f"_{name}" for name in file_names(conditions)] if len(conditions) > 1 else [""]
    sections = []
    for facts, name in zip(run.metrics, names, strict=True):
        table = metric_table(rows, facts)
        _write_table(tables, name, table, summary[summary["metric"] == facts.name])
        figures = []
        for condition, ending in zip(conditions, endings, strict=True):
            data = rate_quality_frame(rows, facts.name, condition)
            stem = f"rate_quality_{name}{ending}"
            paths = write_figure(out / "figures", stem, data, facts, styles)
            alt = alt_text(data, facts)
            figures.append(FigureFiles(condition=condition, paths=paths, alt=alt))
        sections.append(MetricSection(facts=facts, table=table, name=name, figures=tuple(figures)))
    rates = tuple(point_rates(run).values())
    findings = find_all(run)
    others = {
        "failures": failures_table(group_failures(run)),
        "rates": rates_table(rates),
        "forensics": forensics_table(findings, rows),
        "systems": systems_table(run),
        "metrics": metrics_table(run),
    }
    codebooks = codebooks_table(run)
    if codebooks is not None:
        others["codebooks"] = codebooks
    _write_others(run, others, tables, rates, findings)
    counts = run.frame["status"].astype(str).value_counts()
    return ReportParts(
        results=run,
        overview=overview,
        sections=tuple(sections),
        others=others,
        alarms=find_alarms(run, build_grids(run), rows, rates, findings),
        n_clips=int(run.frame["clip"].nunique()),
        n_cells={str(status): int(n) for status, n in sorted(counts.items())},
    )


def _write_others(
    run: RunResults,
    others: dict[str, TextTable],
    tables: Path,
    rates: Sequence[object],
    findings: Sequence[object],
) -> None:
    import pandas as pd

    full = {
        "failures": lost_cells(run),
        "rates": pd.DataFrame(rates),
        "forensics": pd.DataFrame(findings),
        "systems": pd.DataFrame(run.systems).drop(columns="points", errors="ignore"),
        "metrics": pd.DataFrame(run.metrics),
        "codebooks": run.codebooks,
    }
    for name, table in others.items():
        _write_table(tables, name, table, full[name])
    if len(run.forensics):
        order = ["codec", "point", "condition", "clip"]
        clips = run.forensics.sort_values(order, kind="stable")
        (tables / "forensics_clips.csv").write_bytes(csv_bytes(clips))


def _write_table(folder: Path, name: str, table: TextTable, full: "pd.DataFrame") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.csv").write_bytes(csv_bytes(full))
    (folder / f"{name}.md").write_text(to_markdown(table), encoding="utf-8", newline="\n")
    (folder / f"{name}.tex").write_text(to_latex(table), encoding="utf-8", newline="\n")


def _write_json(path: Path, value: Json) -> None:
    text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)
    path.write_text(f"{text}\n", encoding="utf-8", newline="\n")
