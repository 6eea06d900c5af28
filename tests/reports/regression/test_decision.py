"""What comparisons say and come to: verdicts, marks, failures, gaps (tests 14 and 16)."""

import numpy as np
import pytest

from codecbench.core.errors import ConfigError
from codecbench.reports.regression.compare import compare_sides
from codecbench.reports.regression.decision import State
from codecbench.reports.regression.policy import Policy, with_flags
from codecbench.reports.regression.shown import changes_table, plain_lines, summary_lines

N_CLIPS = 24


def scores(shift: float = 0.0, spread: float = 0.0, seed: int = 1) -> list[float]:
    """PESQ of 24 clips, the same for each call but for a shift and noise of exactly zero mean."""
    base = 3.0 + 0.4 * np.random.default_rng(0).standard_normal(N_CLIPS)
    noise = np.random.default_rng(seed).standard_normal(N_CLIPS)
    noise = (noise - noise.mean()) / noise.std(ddof=1)
    return (base + shift + spread * noise).tolist()


def outcome(make_side, new, *, fail_if=(), complete=False, base=None):
    policy = with_flags(Policy(complete=complete), fail_if=fail_if)
    old = make_side({"pesq_wb": {"6000": base or scores()}})
    fresh = make_side({"pesq_wb": {"6000": new}}, name="new", fingerprint="fp2")
    return compare_sides(old, fresh, policy)


def test_a_against_a_has_no_difference(make_side) -> None:
    report = outcome(make_side, scores())
    (row,) = report.changes.rows
    assert row.mark == " "
    assert row.judged.comparison.difference == 0.0
    assert row.worst == ()
    assert report.decision.state is State.PASSED


def test_tiny_noise_is_no_difference(make_side) -> None:
    report = outcome(make_side, scores(0.0, 0.001))
    assert report.changes.rows[0].mark == "~"
    assert report.changes.rows[0].judged.comparison.verdict == "equivalent"
    assert report.decision.state is State.PASSED


def test_worse_is_a_regression(make_side) -> None:
    report = outcome(make_side, scores(-0.2, 0.05))
    assert report.changes.rows[0].mark == "+"
    assert report.decision.state is State.REGRESSION


def test_better_passes(make_side) -> None:
    report = outcome(make_side, scores(0.2, 0.05), fail_if=["pesq_wb < -0.05"])
    assert report.changes.rows[0].mark == "-"
    assert report.decision.state is State.PASSED


# With unit-variance noise of exactly zero mean, the standard error is spread/sqrt(24) and the 95 %
# interval ± t(23, 0.975) = 2.069 standard errors (a little more where Hall's transform is wider).
@pytest.mark.parametrize(
    ("shift", "spread", "state"),
    [
        (-0.10, 0.05, State.REGRESSION),  # -0.1 ± 0.021: beyond, and more than chance
        (-0.02, 0.02, State.PASSED),  # -0.02 ± 0.008: worse, but surely within
        (-0.04, 0.05, State.UNDECIDED),  # -0.04 ± 0.021: worse, perhaps beyond
        (-0.06, 0.50, State.UNDECIDED),  # -0.06 ± 0.21: could be chance
        (0.00, 0.50, State.UNDECIDED),  # nothing seen, but such noise would hide it
        (0.00, 0.05, State.PASSED),
    ],
)
def test_a_condition_is_broken_met_or_undecided(make_side, shift, spread, state) -> None:
    report = outcome(make_side, scores(shift, spread), fail_if=["pesq_wb < -0.05"])
    assert report.decision.state is state


def test_an_undecided_condition_says_how_many_clips_would_do(make_side) -> None:
    report = outcome(make_side, scores(0.0, 0.5), fail_if=["pesq_wb < -0.05"])
    # (t + t) · 0.5 / sqrt(n) = 0.05 with t(0.975) + t(0.8) = 1.96 + 0.84 gives n = 785.
    needed = report.changes.rows[0].judged.clips_needed
    assert needed == pytest.approx(785, rel=0.02)
    assert f"about {needed} clips" in "\n".join(summary_lines(report))


def test_percentages_are_of_the_base(make_side) -> None:
    limit = 100 * 0.1 / np.mean(scores())
    worse = outcome(make_side, scores(-0.2, 0.01), fail_if=[f"pesq_wb < -{limit:.4f}%"])
    fine = outcome(make_side, scores(-0.05, 0.01), fail_if=[f"pesq_wb < -{limit:.4f}%"])
    assert worse.decision.state is State.REGRESSION
    assert fine.decision.state is State.PASSED


def test_less_is_better_for_distances(make_side) -> None:
    old = make_side({"mcd": {"6000": scores()}})
    worse = make_side({"mcd": {"6000": scores(0.5, 0.01)}}, name="new")
    better = make_side({"mcd": {"6000": scores(-0.5, 0.01)}}, name="new")
    policy = with_flags(Policy(), fail_if=["mcd > 0.1"])
    assert compare_sides(old, worse, policy).decision.state is State.REGRESSION
    assert compare_sides(old, better, policy).decision.state is State.PASSED
    assert compare_sides(old, worse, policy).changes.rows[0].worst[0].change > 0
    with pytest.raises(ConfigError, match="lower is better"):
        compare_sides(old, worse, with_flags(Policy(), fail_if=["mcd < -0.1"]))


def test_too_few_clips_are_never_green(make_side) -> None:
    few = scores(0.0, 0.001)[:5]
    assert outcome(make_side, few, base=scores()[:5]).decision.state is State.UNDECIDED
    same = scores()[:5]
    assert outcome(make_side, same, base=scores()[:5]).decision.state is State.PASSED


def test_clips_of_few_speakers_are_too_few(make_side) -> None:
    speakers = [f"s{number % 3}" for number in range(N_CLIPS)]
    old = make_side({"pesq_wb": {"6000": scores()}}, speakers=speakers)
    new = make_side({"pesq_wb": {"6000": scores(-0.5, 0.01)}}, speakers=speakers)
    report = compare_sides(old, new, Policy())
    assert report.decision.state is State.UNDECIDED
    assert "3 speakers are too few" in "\n".join(summary_lines(report))


def test_a_new_failure_is_a_regression_and_is_named(make_side) -> None:
    new = [*scores()[:-1], "failed:crashed:SIGSEGV"]
    report = outcome(make_side, new)
    assert report.changes.rows[0].mark == "!"
    assert report.changes.rows[0].newly_failing == ("clip23",)
    assert report.decision.state is State.REGRESSION
    assert "clip23" in report.decision.of(State.REGRESSION)[0].message
    allowed = outcome(make_side, new, fail_if=["failures > 1"])
    assert allowed.decision.state is State.PASSED


def test_a_failure_that_was_there_before_is_none_and_may_be_fixed(make_side) -> None:
    broken = [*scores()[:-1], "failed:timeout"]
    assert outcome(make_side, broken, base=broken).decision.state is State.PASSED
    fixed = outcome(make_side, scores(), base=broken)
    assert fixed.changes.rows[0].mark == "*"
    assert fixed.changes.rows[0].judged.comparison.n_clips == N_CLIPS - 1
    assert fixed.decision.state is State.PASSED


def test_a_codec_that_fails_everywhere_is_a_regression(make_side) -> None:
    report = outcome(make_side, ["failed:timeout"] * N_CLIPS)
    assert report.decision.state is State.REGRESSION


def test_what_was_not_tried_is_not_green(make_side) -> None:
    new = [*scores()[:-1], "skipped:missing_dependency: pesq"]
    assert outcome(make_side, new).decision.state is State.NOT_MEASURED
    nothing = ["skipped:missing_weights: no file"] * N_CLIPS
    assert outcome(make_side, nothing).decision.state is State.NOT_MEASURED


def test_nothing_in_common_is_not_green(make_side) -> None:
    old = make_side({"pesq_wb": {"6000": scores()}})
    elsewhere = [f"other{number}" for number in range(N_CLIPS)]
    new = make_side({"pesq_wb": {"6000": scores()}}, clips=elsewhere)
    report = compare_sides(old, new, Policy())
    assert report.decision.state is State.NOT_MEASURED
    assert "0 clips" in "\n".join(summary_lines(report))


def test_clips_pair_where_both_have_them_and_their_audio_is_the_same(make_side) -> None:
    old = make_side({"pesq_wb": {"6000": scores()}})
    new = make_side({"pesq_wb": {"6000": scores()}}, changed_audio=["clip00"])
    changes = compare_sides(old, new, Policy()).changes
    assert changes.n_clips == N_CLIPS - 1
    assert changes.other_audio == ("clip00",)
    gate = compare_sides(old, new, Policy(complete=True))
    assert gate.decision.state is State.NOT_MEASURED


def test_two_definitions_of_a_metric_are_not_compared(make_side) -> None:
    old = make_side({"pesq_wb": {"6000": scores()}})
    new = make_side({"pesq_wb": {"6000": scores()}}, definition="another")
    report = compare_sides(old, new, Policy())
    assert report.changes.rows[0].mark == "x"
    assert report.decision.state is State.NOT_MEASURED


def test_a_gate_wants_every_point_that_the_base_has(make_side) -> None:
    old = make_side({"pesq_wb": {"6000": scores(), "9000": scores()}})
    new = make_side({"pesq_wb": {"6000": scores()}})
    assert compare_sides(old, new, Policy()).decision.state is State.PASSED
    gate = compare_sides(old, new, Policy(complete=True))
    assert gate.decision.state is State.NOT_MEASURED
    assert "mine 9000" in gate.decision.of(State.NOT_MEASURED)[0].place


def test_one_system_with_as_many_points_pairs_in_order_of_rate(make_side) -> None:
    old = make_side({"pesq_wb": {"6000": scores(), "9000": scores()}})
    new = make_side({"pesq_wb": {"6500": scores(), "9500": scores()}}, codec="other")
    pairs = compare_sides(old, new, Policy()).changes.pairing.pairs
    assert [pair.point for pair in pairs] == ["6000 → 6500", "9000 → 9500"]
    assert pairs[0].label == "mine → other"


@pytest.mark.parametrize(
    ("condition", "state"),
    [
        ("rate > +3%", State.REGRESSION),
        ("rate > +6%", State.PASSED),
        ("rate > 299", State.REGRESSION),
        ("rate > 301", State.PASSED),
    ],
)
def test_rates_are_counted(make_side, condition: str, state: State) -> None:
    old = make_side({"pesq_wb": {"6000": scores()}})
    new = make_side({"pesq_wb": {"6000": scores()}}, excess=1.05)  # 6300 for 6000 bit/s
    report = compare_sides(old, new, with_flags(Policy(), fail_if=[condition]))
    assert report.decision.state is state


def test_the_worst_clips_come_worst_first(make_side) -> None:
    new = scores()
    new[7] -= 1.0
    new[3] -= 0.5
    (row,) = outcome(make_side, new).changes.rows
    assert [each.clip for each in row.worst] == ["clip07", "clip03"]
    assert row.worst[0].change == pytest.approx(-1.0)


def test_a_regression_counts_more_than_what_is_missing(make_side) -> None:
    new = [*scores(-0.5, 0.01)[:-1], "skipped:missing_dependency: pesq"]
    assert outcome(make_side, new).decision.state is State.REGRESSION


def test_many_metrics_are_one_family_and_unnamed_ones_do_not_weaken_it(make_side) -> None:
    shifted = {"pesq_wb": {"6000": scores(-0.05, 0.1)}, "stoi": {"6000": scores(0.0, 0.1, 2)}}
    old = make_side({name: {"6000": scores()} for name in shifted})
    new = make_side(shifted, name="new")
    both = compare_sides(old, new, Policy()).changes.rows
    named = compare_sides(old, new, with_flags(Policy(), fail_if=["pesq_wb < 0"])).changes.rows
    one, alone = both[0].judged.comparison, named[0].judged.comparison
    assert one.p_value == alone.p_value == alone.p_adjusted
    assert one.p_adjusted == pytest.approx(2 * one.p_value)  # Holm's first step of two


def test_the_table_is_set_in_columns(make_side) -> None:
    lines = plain_lines(changes_table(outcome(make_side, scores(-0.2, 0.05))))
    assert lines[0].split()[:3] == ["Metric", "Codec", "Point"]
    assert lines[1].startswith("+")
    assert lines[1].endswith("worse")
