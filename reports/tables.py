"""The tables of a report: one per metric, and all metrics side by side."""

from collections.abc import Sequence
from dataclasses import replace

from codecbench.benchmark.results import MetricFacts, RunResults, SystemFacts
from codecbench.reports.statistics.estimates import LEVEL
from codecbench.reports.summary import Mean, SummaryRow
from codecbench.reports.typeset import Entry, TextTable

NO_SPREAD = "one clip only"
"""Why a mean has no interval."""
MAX_NOTES = 12
"""Rows with lost clips that are spelt out below a table."""


def metric_table(rows: Sequence[SummaryRow], facts: MetricFacts) -> TextTable:
    """Build the table of one metric: systems × points in rising rate.

    Args:
        rows: Summary rows of this metric, in table order.
        facts: About the metric.
    """
    mine = [row for row in rows if row.metric == facts.name]
    with_condition = len({row.condition for row in mine}) > 1
    heads = ["Codec", "Point", *(["Condition"] if with_condition else [])]
    n_words = len(heads)
    heads += ["nominal kbit/s", "measured kbit/s", "mean", f"{LEVEL:.0%} interval", "n"]
    heads += ["own mean", "own n", "failed", "failures as worst"]
    body = []
    for row in mine:
        words = [Entry(text=system_label(row)), Entry(text=row.point or "none")]
        words += [Entry(text=row.condition)] if with_condition else []
        body.append((*words, *_rate_entries(row), *_value_entries(row, decimals(facts))))
    return TextTable(
        title=f"{facts.name}{f' ({facts.unit})' if facts.unit else ''}, {direction(facts)}",
        columns=tuple(heads),
        numeric=tuple([False] * n_words + [True] * (len(heads) - n_words)),
        rows=tuple(body),
        notes=_metric_notes(mine, facts),
        name=facts.name,
    )


def overview_table(rows: Sequence[SummaryRow], metrics: Sequence[MetricFacts]) -> TextTable:
    """Build the table of all metrics side by side: means on each metric's common clips.

    The best is not marked: a ranking needs a test of significance.
    """
    places: dict[tuple[str, str, str], dict[str, SummaryRow]] = {}
    for row in rows:
        places.setdefault((row.codec, row.point, row.condition), {})[row.metric] = row
    with_condition = len({condition for _, _, condition in places}) > 1
    heads = ["Codec", "Point", *(["Condition"] if with_condition else []), "kbit/s"]
    body = []
    for of_metric in places.values():
        any_row = next(iter(of_metric.values()))
        entries = [Entry(text=system_label(any_row)), Entry(text=any_row.point or "none")]
        entries += [Entry(text=any_row.condition)] if with_condition else []
        entries.append(_rate_entries(any_row)[1])
        entries += [mean_entry(of_metric[facts.name], facts) for facts in metrics]
        body.append(tuple(entries))
    return TextTable(
        title="All metrics, means on the clips that all systems have",
        columns=(*heads, *(f"{facts.name} {arrow(facts)}" for facts in metrics)),
        numeric=tuple([False] * (len(heads) - 1) + [True] * (len(metrics) + 1)),
        rows=tuple(body),
        notes=(
            "↑ higher is better, ↓ lower is better; kbit/s is the measured payload.",
            "No best is marked: which differences are more than chance needs a test.",
            "n failed: that many clips were lost and are not in the mean; "
            "the metric's own table has the mean with failures as the worst score.",
        ),
        name="overview",
    )


def with_caveats(table: TextTable, results: RunResults) -> TextTable:
    """Put what has to be said of all results in front of a table's notes."""
    return replace(table, notes=(*results.caveats, *table.notes))


def system_label(row: SummaryRow) -> str:
    """Return the system's label, with its badge where the weights are random."""
    return row.label if row.trained else f"{row.label} [untrained]"


def system_name(system: SystemFacts) -> str:
    """Return a system's label, with its badge where the weights are random."""
    return system.label if system.trained else f"{system.label} [untrained]"


def direction(facts: MetricFacts) -> str:
    """Say which way is better."""
    return f"{'higher' if facts.higher_is_better else 'lower'} is better"


def arrow(facts: MetricFacts) -> str:
    """Return the direction of better as an arrow."""
    return "↑" if facts.higher_is_better else "↓"


def decimals(facts: MetricFacts) -> int:
    """Choose how many decimals of a metric are shown: three within a range of 2, else two."""
    return 3 if facts.range[1] - facts.range[0] <= 2.0 else 2


def kbps(rate_bps: float | None) -> str:
    """Write a rate in kbit/s with three significant digits or more; "unknown" without one."""
    if rate_bps is None:
        return "unknown"
    value = rate_bps / 1000.0
    places = 3 if value < 1 else 2 if value < 100 else 1
    return f"{value:.{places}f}"


def _rate_entries(row: SummaryRow) -> list[Entry]:
    if row.kind == "anchor":
        return [Entry(text="anchor", kind="reason"), Entry(text="anchor", kind="reason")]
    nominal = Entry(text="not stated", kind="reason")
    if row.nominal_bps:
        nominal = Entry(text=kbps(row.nominal_bps), kind="value")
    if row.payload_bps is None:
        return [nominal, Entry(text="nothing coded", kind="reason")]
    return [nominal, Entry(text=kbps(row.payload_bps), kind="value")]


def _value_entries(row: SummaryRow, places: int) -> list[Entry]:
    failed = Entry(text=str(row.n_failed), kind="value", flag=row.n_failed > 0)
    worst = _number_entry(row.mean_failures_as_worst, places)
    if row.own.mean is None:
        why = Entry(text=no_value_reason(row), kind="reason")
        none, zero = _number_entry(None, places), Entry(text="0", kind="value")
        return [why, none, zero, none, zero, failed, worst]
    mean = Entry(text="no common clip", kind="reason")
    if row.common.mean is not None:
        mean = _number_entry(row.common.mean, places)
    return [
        mean,
        _interval_entry(row.common, places),
        Entry(text=str(row.common.n), kind="value"),
        _number_entry(row.own.mean, places),
        Entry(text=str(row.own.n), kind="value"),
        failed,
        worst,
    ]


def _number_entry(value: float | None, places: int) -> Entry:
    if value is None:
        return Entry(text="no value", kind="reason")
    return Entry(text=f"{value:.{places}f}", kind="value")


def _interval_entry(mean: Mean, places: int) -> Entry:
    if mean.low is None or mean.high is None:
        return Entry(text=NO_SPREAD if mean.n else "no value", kind="reason")
    return Entry(text=f"[{mean.low:.{places}f}, {mean.high:.{places}f}]", kind="value")


def mean_entry(row: SummaryRow, facts: MetricFacts) -> Entry:
    """Write a mean with its interval and what was lost, or why there is none."""
    places = decimals(facts)
    if row.common.mean is None:
        return Entry(
            text="no common clip" if row.own.mean is not None else no_value_reason(row),
            kind="reason",
            flag=row.n_failed > 0,
        )
    text = f"{row.common.mean:.{places}f}"
    if row.n_failed:
        text += f" ({row.n_failed} failed)"
    detail = _interval_entry(row.common, places).text
    return Entry(text=text, kind="value", detail=detail, flag=row.n_failed > 0)


def no_value_reason(row: SummaryRow) -> str:
    """Say why a row has no value at all."""
    return row.reasons or "nothing recorded"


def metric_intervals(rows: Sequence[SummaryRow]) -> tuple[str, ...]:
    """Say what the intervals of some rows are, and how far they can be relied on."""
    clusters = {(row.common.cluster, row.common.n_clusters) for row in rows if row.common.n}
    drawn = ", ".join(f"{n} {cluster}s" for cluster, n in sorted(clusters) if cluster != "none")
    notes = [f"Interval: Student's t, corrected for skewness, over {drawn}."] if drawn else []
    notes += [f"Caution: {text}." for text in sorted({row.common.warning for row in rows} - {""})]
    return tuple(notes)


def _metric_notes(rows: Sequence[SummaryRow], facts: MetricFacts) -> tuple[str, ...]:
    common = {row.condition: row.common.n for row in rows if row.common.n}
    n_clips = max((row.n_clips for row in rows), default=0)
    sizes = ", ".join(
        f"{n} of {n_clips}{f' ({condition})' if len(common) > 1 else ''}"
        for condition, n in common.items()
    )
    notes = [f"mean and interval: on the clips that all systems with any value have: {sizes or 0}."]
    notes += metric_intervals(rows)
    notes.append("own mean, own n: on every clip of which this system has a value.")
    notes.append(_worst_note(facts))
    undefined = max((row.n_undefined for row in rows), default=0)
    if undefined:
        notes.append(f"{undefined} clips cannot be scored for any system (undefined).")
    lossy = [row for row in rows if row.own.n and row.n_failed + row.n_skipped + row.n_absent]
    notes += [f"{system_label(row)}, {row.point}: {row.reasons}." for row in lossy[:MAX_NOTES]]
    if len(lossy) > MAX_NOTES:
        notes.append(f"{len(lossy) - MAX_NOTES} more rows lost clips: see the list of failures.")
    notes.append(f"Definition: {facts.definition}. Source: {facts.source}.")
    return tuple(notes)


def _worst_note(facts: MetricFacts) -> str:
    end = facts.range[0] if facts.higher_is_better else facts.range[1]
    finite = abs(end) != float("inf")
    score = f"{end:g}" if finite else "the worst score that any system got"
    return f"failures as worst: a failed clip counts as {score}."
