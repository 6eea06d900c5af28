"""Systems × groups of clips, with what stands out."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from codecbench.benchmark.results import MetricFacts
from codecbench.reports.statistics.clusters import MIN_CLUSTERS
from codecbench.reports.statistics.estimates import LEVEL
from codecbench.reports.subgroups import GroupRow
from codecbench.reports.tables import arrow, decimals
from codecbench.reports.typeset import Entry, TextTable

if TYPE_CHECKING:
    import pandas as pd


def subgroup_table(rows: Sequence[GroupRow], facts: MetricFacts, tag: str) -> TextTable | None:
    """Build the table of one metric by one tag; None where there is nothing to show.

    Args:
        rows: Those of other metrics and tags are left out.
        facts: About the metric.
        tag: By what the clips are grouped.
    """
    mine = [row for row in rows if row.metric == facts.name and row.tag == tag]
    if not mine:
        return None
    groups = list(dict.fromkeys(row.group for row in mine))
    with_condition = len({row.condition for row in mine}) > 1
    lines: dict[tuple[str, str, str], dict[str, GroupRow]] = {}
    for row in mine:
        lines.setdefault((row.condition, row.codec, row.point), {})[row.group] = row
    heads = ("Codec", "Point", *(("Condition",) if with_condition else ()))
    body = []
    for (condition, _, point), of_group in lines.items():
        label = next(iter(of_group.values())).label
        words = [Entry(text=label), Entry(text=point)]
        words += [Entry(text=condition)] if with_condition else []
        body.append((*words, *(_entry(of_group.get(group), facts) for group in groups)))
    sizes = "; ".join(
        f"{group}: {row.mean.n} clips of {row.mean.n_clusters} {row.mean.cluster}s"
        if row.mean.cluster == "speaker"
        else f"{group}: {row.mean.n} clips"
        for group in groups
        for row in [next(each for each in mine if each.group == group)]
    )
    testable = any(row.p_adjusted is not None for row in mine)
    verdict = (
        "*: this group differs from the others not as it does with the other systems at the same "
        f"rate (interaction, Holm over all entries, error rate {1 - LEVEL:.0%})."
        if testable
        else f"Interactions are not tested: that takes at least {MIN_CLUSTERS} speakers or clips, "
        "two of them on each side, and two systems that share a rate."
    )
    return TextTable(
        title=f"{facts.name} {arrow(facts)} by {tag}",
        columns=(*heads, *groups),
        numeric=tuple([False] * len(heads) + [True] * len(groups)),
        rows=tuple(body),
        notes=(f"{sizes}.", verdict),
        name=f"{facts.name} by {tag}",
    )


def subgroup_frame(rows: Sequence[GroupRow]) -> "pd.DataFrame":
    """Return the rows as a frame, one column per field."""
    import pandas as pd

    names = {"low": "ci_low", "high": "ci_high"}
    records = []
    for row in rows:
        record = asdict(row)
        mean = record.pop("mean")
        record["interaction_low"] = record.pop("low")
        record["interaction_high"] = record.pop("high")
        record |= {names.get(name, name): value for name, value in mean.items()}
        records.append(record)
    return pd.DataFrame.from_records(records)


def _entry(row: GroupRow | None, facts: MetricFacts) -> Entry:
    if row is None or row.mean.mean is None:
        return Entry(text="–", kind="reason")
    places = decimals(facts)
    detail = ""
    if row.mean.low is not None and row.mean.high is not None:
        detail = f"[{row.mean.low:.{places}f}, {row.mean.high:.{places}f}]"
    if row.is_flagged:
        detail += f", {row.interaction:+.{places}f} against the others"
    star = "*" if row.is_flagged else ""
    return Entry(
        text=f"{row.mean.mean:.{places}f}{star}", kind="value", detail=detail, flag=row.is_flagged
    )
