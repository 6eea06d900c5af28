"""What machines read: JSON, JUnit, GitHub; and the page."""

import json
from pathlib import Path
from xml.etree import ElementTree

from codecbench.reports.regression.compare import compare_sides
from codecbench.reports.regression.machine import (
    github_annotations,
    github_summary,
    to_json,
    to_junit,
)
from codecbench.reports.regression.page import write_page
from codecbench.reports.regression.policy import Policy, with_flags

NASTY = '<script>alert("1")</script>%0A::error::x|`'


def report(make_side, new, fail_if=(), codec="mine"):
    old = [3.0 + 0.01 * number for number in range(12)]
    policy = with_flags(Policy(), fail_if=fail_if)
    return compare_sides(
        make_side({"pesq_wb": {"6000": old}}, codec=codec),
        make_side({"pesq_wb": {"6000": new(old)}}, name="new", codec=codec),
        policy,
    )


def worse(values):
    return [value - 0.5 - 0.001 * (number % 3) for number, value in enumerate(values)]


def test_json_has_every_row_and_no_nan(make_side) -> None:
    def refuse(text: str) -> float:
        raise AssertionError(text)

    found = json.loads(to_json(report(make_side, worse)), parse_constant=refuse)
    assert found["state"] == "regression"
    assert found["changes"][0]["mark"] == "+"
    assert found["changes"][0]["worst"][0]["change"] < -0.5
    few = report(make_side, lambda values: [*values[:1], *["skipped:no"] * 11])
    assert json.loads(to_json(few), parse_constant=refuse)["changes"][0]["low"] is None


def test_junit_counts_failures_and_errors_and_skips_nothing(make_side) -> None:
    broken = report(make_side, worse, ["pesq_wb < -0.05", "rate > 1%"])
    suite = ElementTree.fromstring(to_junit(broken))
    assert suite.attrib["tests"] == "3"  # the metric, the rate, failures
    assert suite.attrib["failures"] == "1"
    assert suite.findall("testcase/failure")[0].attrib["type"] == "regression"
    missing = report(make_side, lambda values: ["skipped:missing_weights"] * len(values))
    suite = ElementTree.fromstring(to_junit(missing))
    assert int(suite.attrib["errors"]) > 0
    assert not suite.findall("testcase/skipped")


def test_whatever_a_codec_is_called_breaks_no_format(make_side, tmp_path: Path) -> None:
    found = report(make_side, worse, codec=NASTY)
    ElementTree.fromstring(to_junit(found))
    lines = github_annotations(found)
    assert all(line.startswith("::") for line in lines)
    assert "%250A" in lines[0]
    assert "<script>" not in github_summary(found)
    page, _ = write_page(found, tmp_path / "out", tmp_path / "cache")
    assert "<script>" not in page.read_text()


def test_annotations_name_what_broke(make_side) -> None:
    first, *_ = github_annotations(report(make_side, worse))
    assert first.startswith("::error title=regression%3A pesq_wb")
    assert "[" in first


def test_the_page_says_what_sounds_are_missing(make_side, tmp_path: Path) -> None:
    page, clips = write_page(report(make_side, worse), tmp_path / "out", tmp_path / "cache")
    assert len(clips) == 5
    assert clips[0].missing == (
        "base: no audio kept; new: no audio kept; reference: its file is not here"
    )
    assert clips[0].missing in page.read_text()
