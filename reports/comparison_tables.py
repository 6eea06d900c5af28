"""All that compares systems, metric by metric, as the report writes it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codecbench.benchmark.results import MetricFacts, RunResults
from codecbench.reports.bd_tables import bd_frame, bd_rows, bd_table
from codecbench.reports.curve_data import curve_sets
from codecbench.reports.published_numbers import published_frame, published_table
from codecbench.reports.standing_tables import standings_frame, standings_table
from codecbench.reports.standings import standings
from codecbench.reports.subgroup_tables import subgroup_frame, subgroup_table
from codecbench.reports.subgroups import group_rows
from codecbench.reports.summary import SummaryRow
from codecbench.reports.tables import with_caveats
from codecbench.reports.typeset import TextTable

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class FullTable:
    """A table for people and the same in full precision.

    Attributes:
        kind: Stem of its files, before the name of the metric: ``at_equal_rate``,
            ``bd``, ``published``, or ``by_`` and the name of a tag.
        table: For people.
        frame: For programs.
    """

    kind: str
    table: TextTable
    frame: "pd.DataFrame"


def comparison_tables(
    results: RunResults, rows: Sequence[SummaryRow]
) -> dict[str, tuple[FullTable, ...]]:
    """Compare the systems of a run in every way that needs no further choice.

    Args:
        results: The run.
        rows: Its summary.

    Returns:
        Tables by metric; what cannot be compared has none.
    """
    curves = curve_sets(results)
    standing = standings(results, rows=rows, curves=curves)
    deltas = bd_rows(results, curves=curves)
    groups = group_rows(results, curves)
    tags = list(dict.fromkeys(row.tag for row in groups))
    by_tag = {tag: subgroup_frame([row for row in groups if row.tag == tag]) for tag in tags}
    frames = {"at_equal_rate": standings_frame(standing), "bd": bd_frame(deltas)}
    frames["published"] = published_frame(rows)
    frames |= {f"by_{tag}": frame for tag, frame in by_tag.items()}
    found: dict[str, tuple[FullTable, ...]] = {}
    for facts in results.metrics:
        tables = {
            "at_equal_rate": standings_table(standing, facts, results.systems),
            "bd": bd_table(deltas, facts),
        }
        tables["published"] = published_table(rows, facts)
        tables |= {f"by_{tag}": subgroup_table(groups, facts, tag) for tag in tags}
        found[facts.name] = tuple(
            FullTable(
                kind=kind, table=with_caveats(table, results), frame=_of_metric(frames[kind], facts)
            )
            for kind, table in tables.items()
            if table is not None
        )
    return found


def _of_metric(frame: "pd.DataFrame", facts: MetricFacts) -> "pd.DataFrame":
    return frame[frame["metric"] == facts.name]
