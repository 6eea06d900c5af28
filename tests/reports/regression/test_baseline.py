"""The gate's file: what it keeps, that it is small, and what a damaged one is answered with."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codecbench.benchmark.suite import Suite
from codecbench.core.errors import CodecBenchError, ResultSchemaError
from codecbench.reports.regression.baseline import Baseline, read_baseline, write_baseline
from codecbench.reports.regression.compare import compare_sides
from codecbench.reports.regression.decision import State
from codecbench.reports.regression.policy import Policy, with_flags


@pytest.fixture
def baseline(make_side) -> Baseline:
    """Twelve clips, two metrics of both directions, one failure and one undefined cell."""
    pesq = [3.0 + 0.1 * number for number in range(10)] + ["failed:timeout", "undefined:too_short"]
    mcd = [5.0 + number / 3 for number in range(12)]
    side = make_side(
        {"pesq_wb": {"6000": pesq}, "mcd": {"6000": mcd}},
        speakers=[f"s{number}" for number in range(12)],
    )
    return Baseline(
        side=side,
        suite=Suite(codecs=("mine",), data="synthetic", metrics=("pesq_wb", "mcd")),
        policy=with_flags(Policy(), fail_if=["pesq_wb < -0.05"]),
        identities={"pesq_wb": "aa", "mcd": "bb"},
        speed_reference="pcm",
        log_ratios={"mine": (0.1, 0.2)},
    )


def test_what_is_written_is_read(baseline: Baseline, tmp_path: Path) -> None:
    path = tmp_path / "gate.json"
    write_baseline(baseline, path)
    found = read_baseline(path)
    assert found.suite == baseline.suite
    assert found.policy.fail_if == baseline.policy.fail_if
    assert found.policy.complete
    assert found.identities == baseline.identities
    assert found.log_ratios == baseline.log_ratios
    assert found.side.keys == baseline.side.keys
    assert found.side.degraded == baseline.side.degraded
    assert found.side.results.metrics == baseline.side.results.metrics
    assert found.side.results.systems == baseline.side.results.systems
    report = compare_sides(baseline.side, found.side, found.policy)
    assert report.decision.state is State.PASSED
    assert all(row.judged.is_identical for row in report.changes.rows)
    assert report.changes.rows[0].judged.comparison.cluster == "speaker"


def test_the_file_is_small_text_and_the_same_every_time(baseline, tmp_path: Path) -> None:
    path = tmp_path / "gate.json"
    write_baseline(baseline, path)
    first = path.read_bytes()
    write_baseline(read_baseline(path), path)
    assert path.read_bytes() == first
    assert len(first) < 8000
    assert max(len(line) for line in first.decode().splitlines()) < 4000


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "gate.json"
    with pytest.raises(ResultSchemaError, match="gate init"):
        read_baseline(path)
    for text in ("", "{", "[]", '"x"', "{}", '{"codecbench_gate": 99}', "[" * 100000):
        path.write_text(text)
        with pytest.raises(ResultSchemaError):
            read_baseline(path)


def test_every_missing_key_is_answered_in_one_line(baseline, tmp_path: Path) -> None:
    path = tmp_path / "gate.json"
    write_baseline(baseline, path)
    table = json.loads(path.read_text())
    for key in table:
        if key != "policy":  # has defaults
            path.write_text(json.dumps({name: table[name] for name in table if name != key}))
            with pytest.raises(ResultSchemaError) as caught:
                read_baseline(path)
            assert "\n" not in str(caught.value)


def test_damage_is_no_crash(baseline, tmp_path: Path) -> None:
    path = tmp_path / "gate.json"
    write_baseline(baseline, path)
    whole = path.read_text()

    @settings(max_examples=100)
    @given(place=st.floats(0, 1), text=st.text(max_size=4))
    def damage(place: float, text: str) -> None:
        cut = int(place * len(whole))
        path.write_text(whole[:cut] + text + whole[cut + len(text) :])
        try:
            read_baseline(path)
        except CodecBenchError as error:
            assert str(error)  # noqa: PT017  (most damage is harmless: a digit of a score)

    damage()
