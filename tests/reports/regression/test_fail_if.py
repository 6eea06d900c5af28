"""The grammar of conditions, and of policies."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codecbench.core.errors import CodecBenchError, ConfigError
from codecbench.reports.regression.fail_if import FailIf, check_subjects, parse_all, parse_fail_if
from codecbench.reports.regression.policy import Policy, policy_from_table, read_policy, with_flags


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("pesq_wb < -0.05", FailIf(subject="pesq_wb", sign="<", limit=-0.05)),
        ("pesq_wb<-.05", FailIf(subject="pesq_wb", sign="<", limit=-0.05)),
        ("  mcd > 2% ", FailIf(subject="mcd", sign=">", limit=2.0, percent=True)),
        ("rate > +1%", FailIf(subject="rate", sign=">", limit=1.0, percent=True)),
        ("rate > 200", FailIf(subject="rate", sign=">", limit=200.0)),
        ("time > +10 %", FailIf(subject="time", sign=">", limit=10.0, percent=True)),
        ("failures > 0", FailIf(subject="failures", sign=">", limit=0.0)),
        ("si_sdr < -1e-1", FailIf(subject="si_sdr", sign="<", limit=-0.1)),
        ("stoi < 0", FailIf(subject="stoi", sign="<", limit=0.0)),
    ],
)
def test_reads_what_is_allowed(text: str, wanted: FailIf) -> None:
    assert parse_fail_if(text) == wanted
    assert parse_fail_if(str(wanted)) == wanted


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cannot be read"),
        ("pesq_wb", "cannot be read"),
        ("pesq_wb = -0.05", "cannot be read"),
        ("pesq_wb <= -0.05", "cannot be read"),
        ("pesq_wb < -0,05", "cannot be read"),
        ("pesq_wb < -0.05 and stoi < 0", "cannot be read"),
        ("pesq_wb < nan", "cannot be read"),
        ("pesq_wb < 0.05", "would fail without any change"),
        ("mcd > -1", "would fail without any change"),
        ("rate < -1%", "gets worse upwards"),
        ("time > 0.5", "in per cent"),
        ("failures > 1%", "counted in cells"),
        ("failures > 0.5", "counted in cells"),
    ],
)
def test_refuses_the_rest_in_one_line_that_says_what_is_allowed(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        parse_fail_if(text)
    said = str(caught.value)
    assert "\n" not in said
    assert "METRIC < -0.05" in said


@given(st.text(max_size=40))
def test_no_text_raises_anything_else(text: str) -> None:
    try:
        parse_fail_if(text)
    except ConfigError as error:
        assert "\n" not in str(error).replace(text, "")  # noqa: PT017  (any text may raise)


def test_one_condition_per_subject() -> None:
    with pytest.raises(ConfigError, match="two conditions on 'stoi'"):
        parse_all(["stoi < -0.1", "stoi < -0.2"])


def test_unknown_metrics_and_improvements_are_refused() -> None:
    known = {"pesq_wb": True, "mcd": False}
    with pytest.raises(ConfigError, match="did you mean pesq_wb"):
        check_subjects(parse_all(["pesq_w < -0.1"]), known)
    with pytest.raises(ConfigError, match="lower is better"):
        check_subjects(parse_all(["mcd < -0.1"]), known)
    check_subjects(parse_all(["mcd > 0.1", "pesq_wb < -0.1", "rate > 1%"]), known)


def test_a_policy_is_read_and_overridden(tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_text(
        'fail_if = ["pesq_wb < -0.05", "rate > +1%"]\nerror_rate = 0.01\nworst_clips = 2\n'
        '[tolerance]\nestoi = 0.02\nmcd = "3%"\n'
    )
    policy = read_policy(file)
    assert policy.level == pytest.approx(0.99)
    assert policy.accepted("pesq_wb", 3.0) == 0.05
    assert policy.accepted("estoi", 0.9) == 0.02
    assert policy.accepted("mcd", 5.0) == pytest.approx(0.15)
    assert policy.accepted("unheard_of", -4.0) == pytest.approx(0.04)
    changed = with_flags(policy, fail_if=["pesq_wb < -2%"], error_rate=0.1)
    assert [str(each) for each in changed.fail_if] == ["rate > +1%", "pesq_wb < -2%"]
    assert changed.accepted("pesq_wb", 3.0) == pytest.approx(0.06)
    assert policy_from_table(changed.to_json(), "json") == changed


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fail = 3", "did you mean fail_if"),
        ('fail_if = "pesq_wb < -1"', "must be a list"),
        ("error_rate = 0", "must lie in"),
        ("error_rate = 0.7", "must lie in"),
        ("worst_clips = -1", "whole number"),
        ("tolerance = 3", "must be a table"),
        ("[tolerance]\nmcd = -1", "must be a number"),
        ('[tolerance]\nmcd = "much"', "must be a number"),
        ("[tolerance", "not valid TOML"),
    ],
)
def test_a_wrong_policy_is_refused_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "policy.toml"
    file.write_text(text)
    with pytest.raises(CodecBenchError, match=message):
        read_policy(file)


def test_without_a_policy_the_tolerances_are_ours() -> None:
    assert Policy().accepted("pesq_wb", 3.0) == 0.05
    assert Policy().level == 0.95
