"""Everything that a run says, in one folder.

index.html              the page; it needs no other file
tables/                 overview and one table per metric: .csv (full precision), .md, .tex;
                        at_equal_rate.<metric>, bd.<metric>, by_<tag>.<metric>: systems compared;
                        failures, rates, forensics, systems, metrics, codebooks
figures/                rate_quality_<metric>, distribution_<metric>, signals, metrics and, where
                        costs are given, cost_<metric>: .png, .svg, .pdf, the .csv that reproduces
                        them, and .txt with the command and the figure in words
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
from codecbench.reports.alarm import Alarm
from codecbench.reports.alarms import find_alarms
from codecbench.reports.comparison_tables import comparison_tables
from codecbench.reports.costs import read_costs
from codecbench.reports.export import csv_bytes, export_frame
from codecbench.reports.fact_tables import (
    codebooks_table,
    metrics_table,
    rates_table,
    systems_table,
)
from codecbench.reports.failures import (
    failures_frame,
    failures_table,
    group_failures,
    lost_cells,
)
from codecbench.reports.figures.drawing import FigureFiles
from codecbench.reports.figures.of_run import RunFigures
from codecbench.reports.forensics import find_all, forensics_table
from codecbench.reports.grid import build_grids
from codecbench.reports.merging import merge_results
from codecbench.reports.rates import point_rates
from codecbench.reports.robustness import robustness_frame, robustness_table
from codecbench.reports.summary import rows_to_frame
from codecbench.reports.tables import metric_table, overview_table, with_caveats
from codecbench.reports.typeset import TextTable, file_names, to_latex, to_markdown

if TYPE_CHECKING:
    import pandas as pd

RESERVED = (
    *("overview", "failures", "rates", "forensics", "systems", "metrics", "codebooks"),
    "robustness",
)
"""Names of the tables that are not of one metric."""
DOWNLOADS = {
    "data/results.csv": "every cell",
    "data/results.parquet": "the same, for programs",
    "tables/forensics_clips.csv": "signals, clip by clip",
}
"""What a report offers beside tables and figures, where it is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricSection:
    """What the page says about one metric.

    Attributes:
        facts: About the metric.
        table: Its table.
        name: Stem of its files.
        figures: Against the rate and clip by clip, per condition.
        comparisons: Tables that compare systems, by the stem of their files.
    """

    facts: MetricFacts
    table: TextTable
    name: str
    figures: tuple[FigureFiles, ...]
    comparisons: dict[str, TextTable]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportParts:
    """What the page is made of.

    Attributes:
        results: The run.
        overview: All metrics side by side.
        sections: One per metric.
        others: Further tables by name: failures, rates, forensics, codebooks, systems, metrics.
        figures: Those of no single metric: signals, one metric against another.
        alarms: What deserves a look.
        n_clips: Clips of the data set.
        n_cells: Cells by status.
    """

    results: RunResults
    overview: TextTable
    sections: tuple[MetricSection, ...]
    others: dict[str, TextTable]
    figures: tuple[FigureFiles, ...]
    alarms: tuple[Alarm, ...]
    n_clips: int
    n_cells: dict[str, int]


def write_report(
    results: RunResults | Sequence[RunResults],
    out: Path,
    *,
    costs: Sequence[Path] = (),
    only_curves: bool = False,
    force: bool = False,
) -> Path:
    """Write the report of one run, or of several side by side.

    The same results give the same files, byte for byte.

    Args:
        results: One run, or several on the same data set with the same metric definitions.
        out: Folder; made where it is absent, files of an earlier report are replaced.
        costs: Files that ``codecbench complexity --json`` wrote, for quality against cost.
        only_curves: Draw the curves against the rate alone, which is quicker.
        force: Show runs side by side that must not be mixed; see `merge_results`.

    Returns:
        Path of ``index.html``.

    Raises:
        ResultSchemaError: The results must not be mixed; the message names the difference.
        ConfigError: A file of costs cannot be read.
    """
    from codecbench.reports.page import render_page

    runs = [results] if isinstance(results, RunResults) else list(results)
    run = merge_results(runs, force=force)
    draw = RunFigures.of(
        run,
        [each.folder for each in runs],
        costs=read_costs(costs),
        cost_files=tuple(costs),
    )
    parts = write_parts(draw, out, only_curves=only_curves)
    data = out / "data"
    export_frame(run, data / "results.csv", kind="csv")
    export_frame(run, data / "results.parquet", kind="parquet")
    write_setting(run, data)
    index = out / "index.html"
    index.write_text(render_page(parts, out, DOWNLOADS), encoding="utf-8", newline="\n")
    return index


def write_setting(run: RunResults, data: Path) -> None:
    """Write what was asked for, and where it ran."""
    data.mkdir(parents=True, exist_ok=True)
    for name, value in (("suite", run.suite), ("environment", run.environment)):
        text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)
        (data / f"{name}.json").write_text(f"{text}\n", encoding="utf-8", newline="\n")


def write_parts(
    draw: RunFigures, out: Path, *, only_curves: bool = False, per_clip: bool = True
) -> ReportParts:
    """Write the folders tables and figures, and return what a page says of them.

    Args:
        draw: The run, and how its figures are made.
        out: Folder.
        only_curves: Draw the curves against the rate alone, which is quicker.
        per_clip: Write the tables with a line per clip, too, which may be long.
    """
    run, rows = draw.results, draw.rows
    tables, summary = out / "tables", rows_to_frame(rows)
    overview = with_caveats(overview_table(rows, run.metrics), run)
    _write_table(tables, "overview", overview, summary)
    # A metric may be called "rates" too.
    names = file_names([*RESERVED, *(facts.name for facts in run.metrics)])[len(RESERVED) :]
    sections = []
    compared = comparison_tables(run, rows)
    for facts, name in zip(run.metrics, names, strict=True):
        table = with_caveats(metric_table(rows, facts), run)
        _write_table(tables, name, table, summary[summary["metric"] == facts.name])
        figures = _metric_figures(draw, facts.name, out / "figures", name, only_curves)
        comparisons = {f"{full.kind}.{name}": full for full in compared[facts.name]}
        for stem, full in comparisons.items():
            _write_table(tables, stem, full.table, full.frame)
        sections.append(
            MetricSection(
                facts=facts,
                table=table,
                name=name,
                figures=figures,
                comparisons={stem: full.table for stem, full in comparisons.items()},
            )
        )
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
    if len(draw.conditions) > 1 and draw.robustness:
        others["robustness"] = robustness_table(draw.robustness, run.metrics)
        costs = robustness_frame(draw.robustness)
        _write_table(tables, "robustness", others["robustness"], costs)
    _write_others(run, others, tables, rates, findings)
    if per_clip:
        _write_clips(run, tables)
    counts = run.frame["status"].astype(str).value_counts()
    return ReportParts(
        results=run,
        overview=overview,
        sections=tuple(sections),
        others=others,
        figures=() if only_curves else _common_figures(draw, out / "figures"),
        alarms=find_alarms(run, build_grids(run), rows, rates, findings),
        n_clips=int(run.frame["clip"].nunique()),
        n_cells={str(status): int(n) for status, n in sorted(counts.items())},
    )


def _metric_figures(
    draw: RunFigures, metric: str, folder: Path, name: str, only_curves: bool
) -> tuple[FigureFiles, ...]:
    endings = [""]
    if len(draw.conditions) > 1:
        endings = [f"_{ending}" for ending in file_names(list(draw.conditions))]
    figures = []
    for condition, ending in zip(draw.conditions, endings, strict=True):
        stem = f"{name}{ending}"
        figures.append(draw.rate_quality(folder, f"rate_quality_{stem}", metric, condition))
        if only_curves:
            continue
        figures.append(draw.distribution(folder, f"distribution_{stem}", metric, condition))
        if draw.has_costs(metric, condition):
            figures.append(draw.cost(folder, f"cost_{stem}", metric, condition, "rtf"))
    if not only_curves and draw.has_losses(metric):
        figures.append(draw.loss(folder, f"loss_{name}", metric))
    return tuple(figures)


def _common_figures(draw: RunFigures, folder: Path) -> tuple[FigureFiles, ...]:
    figures = [draw.signals(folder, "signals")] if len(draw.results.forensics) else []
    pair = draw.least_agreeing(draw.conditions[0]) if draw.conditions else None
    if pair is not None:
        figures.append(draw.metric_pair(folder, "metric_pair", *pair, draw.conditions[0]))
    return tuple(figures)


def _write_others(
    run: RunResults,
    others: dict[str, TextTable],
    tables: Path,
    rates: Sequence[object],
    findings: Sequence[object],
) -> None:
    import pandas as pd

    full = {
        "failures": failures_frame(group_failures(run)),
        "rates": pd.DataFrame(rates),
        "forensics": _with_training(run, pd.DataFrame(findings)),
        "systems": pd.DataFrame(run.systems).drop(columns="points", errors="ignore"),
        "metrics": pd.DataFrame(run.metrics),
        "codebooks": _with_training(run, run.codebooks),
    }
    for name, frame in full.items():
        if name in others:
            _write_table(tables, name, others[name], frame)


def _with_training(run: RunResults, frame: "pd.DataFrame") -> "pd.DataFrame":
    """Say in a column of each row whether the weights of its system were trained."""
    trained = {system.codec: system.trained for system in run.systems}
    return frame.assign(trained=frame["codec"].map(trained)) if "codec" in frame else frame


def _write_clips(run: RunResults, tables: Path) -> None:
    (tables / "failures.csv").write_bytes(csv_bytes(lost_cells(run)))
    if len(run.forensics):
        order = ["codec", "point", "condition", "clip"]
        clips = run.forensics.sort_values(order, kind="stable")
        clips = _with_training(run, clips)
        (tables / "forensics_clips.csv").write_bytes(csv_bytes(clips))


def _write_table(folder: Path, name: str, table: TextTable, full: "pd.DataFrame") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.csv").write_bytes(csv_bytes(full))
    (folder / f"{name}.md").write_text(to_markdown(table), encoding="utf-8", newline="\n")
    (folder / f"{name}.tex").write_text(to_latex(table), encoding="utf-8", newline="\n")
