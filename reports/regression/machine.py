"""A comparison for machines: JSON, JUnit XML, and the words that GitHub's runners listen to."""

import json
import math
from xml.etree import ElementTree

from codecbench.core.fingerprint import Json
from codecbench.reports.regression.changes import Change
from codecbench.reports.regression.compare import ComparisonReport
from codecbench.reports.regression.decision import Check, State
from codecbench.reports.regression.shown import (
    WORDS,
    changes_table,
    rates_table,
    summary_lines,
    verdict_words,
)
from codecbench.reports.typeset import to_markdown

_MOST_ANNOTATIONS = 10
"""GitHub shows no more per step and kind."""


def to_json(report: ComparisonReport) -> str:
    """Return everything, as JSON; what is not a number is null."""
    changes = report.changes
    content: dict[str, Json] = {
        "base": report.base.name,
        "new": report.new.name,
        "state": str(report.decision.state),
        "policy": report.policy.to_json(),
        "clips": changes.n_clips,
        "changes": [_row(row) for row in changes.rows],
        "rates": [
            {
                "codec": rate.pair.label,
                "point": rate.pair.point,
                "condition": rate.condition,
                "base_bps": _number(rate.base_bps),
                "new_bps": _number(rate.new_bps),
                "percent": _number(rate.percent),
                "clips": rate.n_clips,
            }
            for rate in changes.rates
        ],
        "times": [
            {
                "codec": each.label,
                "ratio": _number(each.ratio),
                "low": _number(each.low),
                "high": _number(each.high),
                "reference": each.reference,
                "error": each.error,
            }
            for each in report.times
        ],
        "checks": [
            {
                "subject": check.subject,
                "place": check.place,
                "state": str(check.state),
                "message": check.message,
            }
            for check in report.decision.checks
        ],
        "only_base": list(changes.pairing.only_base),
        "only_new": list(changes.pairing.only_new),
        "clips_only_base": list(changes.only_base),
        "clips_only_new": list(changes.only_new),
        "clips_other_audio": list(changes.other_audio),
    }
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def to_junit(report: ComparisonReport) -> str:
    """Return one test case per check; what could not be said is an error, never a skip."""
    checks = report.decision.checks
    errors = [check for check in checks if check.state in (State.UNDECIDED, State.NOT_MEASURED)]
    suite = ElementTree.Element(
        "testsuite",
        name="codecbench",
        tests=str(len(checks)),
        failures=str(len(report.decision.of(State.REGRESSION))),
        errors=str(len(errors)),
    )
    for check in checks:
        case = ElementTree.SubElement(
            suite, "testcase", classname=_xml(f"codecbench.{check.subject}"), name=_xml(check.name)
        )
        message = _xml(check.message)
        if check.state is State.REGRESSION:
            ElementTree.SubElement(case, "failure", type="regression", message=message)
        elif check in errors:
            ElementTree.SubElement(case, "error", type=str(check.state), message=message)
        else:
            ElementTree.SubElement(case, "system-out").text = message
    text = ElementTree.tostring(suite, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def github_annotations(report: ComparisonReport) -> list[str]:
    """Return workflow commands that GitHub shows beside a commit.

    Source:
        docs.github.com, "Workflow commands for GitHub Actions".
    """
    lines = []
    for state, word in (
        (State.REGRESSION, "error"),
        (State.NOT_MEASURED, "error"),
        (State.UNDECIDED, "warning"),
    ):
        lines += [
            _annotation(word, check) for check in report.decision.of(state)[:_MOST_ANNOTATIONS]
        ]
    said = WORDS[report.decision.state]
    return [*lines, f"::notice title=codecbench::{_escape(said)}"]


def github_summary(report: ComparisonReport, page: str = "") -> str:
    """Return the Markdown of a step summary.

    Args:
        report: The comparison.
        page: Where the page to listen to is; "" where there is none.
    """
    first, *rest = summary_lines(report)
    parts = [f"## codecbench: {_inline(first)}", "\n".join(f"- {_inline(line)}" for line in rest)]
    parts += [to_markdown(changes_table(report)), to_markdown(rates_table(report))]
    if page:
        parts.append(f"Clips to listen to: `{_inline(page)}`")
    return "\n\n".join(part for part in parts if part) + "\n"


def _annotation(word: str, check: Check) -> str:
    title = _escape(f"{check.state}: {check.name}").replace(":", "%3A").replace(",", "%2C")
    return f"::{word} title={title}::{_escape(check.message)}"


def _escape(text: str) -> str:
    flat = " ".join(text.split()) if "\n" not in text else text
    return flat.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _inline(text: str) -> str:
    flat = " ".join(text.split())
    return flat.replace("&", "&amp;").replace("<", "&lt;").replace("`", "'").replace("|", "\\|")


def _xml(text: str) -> str:
    """Leave out characters that no XML may hold."""
    return "".join(char for char in text if char.isprintable() or char in "\t\n")


def _row(row: Change) -> Json:
    judged, found = row.judged, row.judged.comparison
    return {
        "metric": row.metric.name,
        "unit": row.metric.unit,
        "higher_is_better": row.metric.higher_is_better,
        "codec": row.pair.label,
        "point": row.pair.point,
        "condition": row.condition,
        "mark": row.mark,
        "verdict": str(found.verdict),
        "words": verdict_words(row),
        "base": _number(found.base_mean),
        "new": _number(found.new_mean),
        "change": _number(found.difference),
        "low": _number(found.low),
        "high": _number(found.high),
        "p_value": _number(found.p_value),
        "p_adjusted": _number(found.p_adjusted),
        "tolerance": _number(found.margin),
        "detectable": _number(found.detectable),
        "clips": found.n_clips,
        "independent": found.n_clusters,
        "cluster": found.cluster,
        "clips_needed": judged.clips_needed,
        "newly_failing": list(row.newly_failing),
        "fixed": list(row.fixed),
        "not_measured": list(row.lost),
        "not_comparable": row.not_comparable,
        "worst": [
            {"clip": each.clip, "base": each.base, "new": each.new, "change": each.change}
            for each in row.worst
        ],
    }


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
