"""A comparison as tables for people, and as plain lines for a terminal."""

import math

from codecbench.reports.regression.changes import Change, RateChange
from codecbench.reports.regression.compare import ComparisonReport
from codecbench.reports.regression.decision import State
from codecbench.reports.tables import decimals
from codecbench.reports.typeset import Entry, TextTable

MARKS = (
    "+ worse, - better, ~ no difference that can be told or matters, ! newly failing, * fixed, "
    "x not comparable, blank: every score the same"
)
"""What the signs mean."""

WORDS = {
    State.PASSED: "no regression",
    State.REGRESSION: "REGRESSION",
    State.UNDECIDED: "TOO LITTLE TO SAY",
    State.NOT_MEASURED: "INCOMPLETE",
}
"""What a decision is called."""

_MOST_CHECKS = 8


def changes_table(report: ComparisonReport) -> TextTable:
    """Build the table of metrics: difference, interval, verdict, what the set can see."""
    rows = report.changes.rows
    with_condition = len({row.condition for row in rows}) > 1
    heads = ["", "Metric", "Codec", "Point", *(["Condition"] if with_condition else [])]
    n_words = len(heads)
    heads += ["base", "new", "change", f"{report.policy.level:.0%} interval", "clips"]
    heads += ["tolerated", "visible", "clips needed"]
    body = []
    for row in rows:
        words = [row.mark, row.metric.name, row.pair.label, row.pair.point]
        words += [row.condition] if with_condition else []
        entries = [Entry(text=word or " ") for word in words]
        flag = row.mark in "+!" and row.mark != " "
        body.append(
            (*entries, *_numbers(row), Entry(text=verdict_words(row), kind="reason", flag=flag))
        )
    return TextTable(
        title=f"{report.base.name} → {report.new.name}",
        columns=(*heads, "verdict"),
        numeric=(*([False] * n_words), *([True] * (len(heads) - n_words)), False),
        rows=tuple(body),
        notes=(
            MARKS + ".",
            f"Chance of any false alarm: {report.policy.error_rate:.0%} (Holm over "
            "all rows that decide); intervals are those of each row alone.",
            "visible: the smallest change that these clips would show with probability 0.8; "
            "clips needed: to show a change of the tolerated size as surely.",
        ),
        name="changes",
    )


def rates_table(report: ComparisonReport) -> TextTable:
    """Build the table of measured rates."""
    body = [
        (
            Entry(text=rate.pair.label),
            Entry(text=rate.pair.point or "none"),
            Entry(text=rate.condition),
            *(Entry(text=_plain(bps, 1), kind="value") for bps in (rate.base_bps, rate.new_bps)),
            Entry(text=percent_words(rate), kind="value"),
            Entry(text=str(rate.n_clips), kind="value"),
        )
        for rate in report.changes.rates
    ]
    heads = ("Codec", "Point", "Condition", "base bit/s", "new bit/s", "change", "clips")
    return TextTable(
        title="Measured payload rates",
        columns=heads,
        numeric=(False, False, False, True, True, True, True),
        rows=tuple(body),
        notes=(),
        name="rates",
    )


def percent_words(rate: RateChange) -> str:
    """Return the change of a rate in per cent."""
    return "unknown" if math.isnan(rate.percent) else f"{rate.percent:+.2f} %"


def verdict_words(row: Change) -> str:
    """Return the verdict, with failures."""
    words = []
    if row.not_comparable:
        words.append("not comparable")
    elif not row.judged.comparison.n_clips:
        words.append("nothing in common")
    elif row.judged.is_identical:
        words.append("the same")
    else:
        words.append(str(row.judged.comparison.verdict))
    for clips, said in (
        (row.newly_failing, "newly failing"),
        (row.fixed, "fixed"),
        (row.lost, "not measured"),
    ):
        words += [f"{len(clips)} {said}"] if clips else []
    return ", ".join(words)


def plain_lines(table: TextTable) -> list[str]:
    """Set a table in fixed columns."""
    rows = [table.columns, *(tuple(entry.text for entry in row) for row in table.rows)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(table.columns))]
    return [
        "  ".join(
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(row, widths, table.numeric, strict=True)
        ).rstrip()
        for row in rows
    ]


def summary_lines(report: ComparisonReport) -> list[str]:
    """Say what a comparison comes to, and why."""
    decision, changes = report.decision, report.changes
    lines = [f"{WORDS[decision.state]}: {changes.n_clips} clips on both sides"]
    for state in (State.REGRESSION, State.NOT_MEASURED, State.UNDECIDED):
        checks = decision.of(state)
        lines += [f"  {state}: {check.name}: {check.message}" for check in checks[:_MOST_CHECKS]]
        if len(checks) > _MOST_CHECKS:
            lines.append(f"  {state}: … and {len(checks) - _MOST_CHECKS} more")
    aside = (
        (changes.pairing.only_base, "only in the base"),
        (changes.pairing.only_new, "only in the new one"),
        (changes.only_base, "clips only in the base"),
        (changes.only_new, "clips only in the new one"),
        (changes.other_audio, "clips whose audio is not the same"),
        (changes.unmeasured, "metrics only in the base"),
    )
    for names, words in aside:
        if names:
            shown = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if names[4:] else "")
            lines.append(f"  {words}: {shown}")
    return lines


def _numbers(row: Change) -> list[Entry]:
    found, places = row.judged.comparison, max(decimals(row.metric), 3)
    needed = row.judged.clips_needed
    interval = "none"
    if math.isfinite(found.low):
        interval = f"{found.low:+.{places}f} … {found.high:+.{places}f}"
    texts = [
        _plain(found.base_mean, places),
        _plain(found.new_mean, places),
        f"{found.difference:+.{places}f}" if math.isfinite(found.difference) else "none",
        interval,
        str(found.n_clips),
        _plain(found.margin, places),
        _plain(found.detectable, places),
        "none" if needed is None else str(needed),
    ]
    return [Entry(text=text, kind="value") for text in texts]


def _plain(value: float, places: int) -> str:
    return f"{value:.{places}f}" if math.isfinite(value) else "none"
