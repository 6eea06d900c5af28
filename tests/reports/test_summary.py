"""Means and counts by hand, the common set, and failing, which must never help."""

from dataclasses import replace

import numpy as np
import pytest

from codecbench.core.errors import ResultSchemaError
from codecbench.reports.summary import (
    common_clips,
    may_rank_above,
    summarize,
    summarize_rows,
)

CLIPS = ["a", "b", "c", "d"]


def summary_of(synthetic, table, metric=None, **more):
    """Summarise a table {label: values}, one point per system, in the order of CLIPS."""
    metric = metric or synthetic.PESQ
    systems = [synthetic.system(label, [8000]) for label in table]
    results = synthetic.make_results(
        systems, [metric], CLIPS, lambda _m, s, _p, clip: table[s.label][clip], **more
    )
    return {row.label: row for row in summarize_rows(results)}


def test_means_and_counts_by_hand(synthetic):
    rows = summary_of(
        synthetic,
        {
            "one": [2.0, 3.0, 4.0, "undefined:too_short"],
            "two": [1.5, "failed:timeout", 3.5, "undefined:too_short"],
            "gone": ["skipped:missing_weights"] * 4,
        },
    )
    one, two, gone = rows["one"], rows["two"], rows["gone"]
    assert (one.own.mean, one.own.n) == (3.0, 3)
    assert (one.common.mean, one.common.n) == (3.0, 2)  # a and c: (2 + 4) / 2
    assert (two.own.mean, two.common.mean) == (2.5, 2.5)
    assert (two.n_failed, two.n_undefined, two.n_skipped) == (1, 1, 0)
    assert one.mean_failures_as_worst == 3.0
    assert two.mean_failures_as_worst == 2.0  # (1.5 + 1.0 + 3.5) / 3; d is out for everybody
    assert (gone.own.mean, gone.common.mean, gone.mean_failures_as_worst) == (None, None, None)
    assert gone.n_skipped == 4
    assert gone.reasons == "not available: missing_weights (4)"
    assert two.reasons == "failed: timeout (1); undefined: too_short (1)"


def test_an_undefined_clip_is_out_for_the_system_that_failed_on_it_too(synthetic):
    rows = summary_of(
        synthetic,
        {"one": [2.0, 3.0, 4.0, "undefined:silent"], "two": [2.0, 3.0, 4.0, "failed:timeout"]},
    )
    assert rows["two"].mean_failures_as_worst == 3.0


def test_worst_score_of_an_unbounded_metric_is_the_worst_observed(synthetic):
    rows = summary_of(
        synthetic,
        {"one": [2.0, 9.5, 4.0, 1.0], "two": [3.0, 3.0, 3.0, "failed:nonfinite_degraded"]},
        metric=synthetic.MCD,
    )
    assert rows["two"].mean_failures_as_worst == pytest.approx((9 + 9.5) / 4)


def test_a_system_that_failed_everywhere_does_not_empty_the_common_set(synthetic):
    rows = summary_of(synthetic, {"one": [2.0, 3.0, 4.0, 3.0], "two": ["failed:timeout"] * 4})
    assert rows["one"].common.n == 4
    assert rows["two"].common.mean is None
    assert rows["two"].mean_failures_as_worst == 1.0
    assert may_rank_above(rows["one"], rows["two"])
    assert not may_rank_above(rows["two"], rows["one"])


def test_two_systems_with_different_failed_clips_meet_on_the_common_set(synthetic):
    """Acceptance test 16."""
    rows = summary_of(
        synthetic,
        {
            "one": ["failed:timeout", 2.0, 3.0, 4.0],
            "two": [1.0, "failed:crashed:SIGSEGV", 3.5, 4.5],
        },
    )
    assert (rows["one"].common.n, rows["two"].common.n) == (2, 2)
    assert (rows["one"].own.n, rows["two"].own.n) == (3, 3)
    assert (rows["one"].common.mean, rows["two"].common.mean) == (3.5, 4.0)


def test_common_clips_keep_the_order_of_the_frame(synthetic):
    table = {"one": [2.0, "failed:x", 3.0, 4.0], "two": [2.0, 2.0, 3.0, 4.0]}
    systems = [synthetic.system(label, [8000]) for label in table]
    results = synthetic.make_results(
        systems, [synthetic.PESQ], ["z", "y", "x", "w"], lambda _m, s, _p, c: table[s.label][c]
    )
    assert common_clips(results.frame, "pesq_wb") == ("z", "x", "w")
    assert common_clips(results.frame, "stoi") == ()


def test_failing_on_the_hard_clip_does_not_lift_a_system(synthetic):
    honest = summary_of(synthetic, {"a": [3.0, 3.0, 3.0, 1.2], "b": [2.9, 2.9, 2.9, 2.0]})
    assert not may_rank_above(honest["a"], honest["b"])
    dodging = summary_of(
        synthetic, {"a": [3.0, 3.0, 3.0, "failed:timeout"], "b": [2.9, 2.9, 2.9, 2.0]}
    )
    assert dodging["a"].common.mean > dodging["b"].common.mean
    assert not may_rank_above(dodging["a"], dodging["b"])


def test_failing_never_helps_on_random_tables(synthetic):
    rng = np.random.default_rng(11)
    lifted = 0
    for _ in range(60):
        scores = np.round(rng.uniform(1, 4.5, size=(2, 4)), 2).tolist()
        before = summary_of(synthetic, {"a": scores[0], "b": scores[1]})
        lost = list(scores[0])
        for clip in rng.choice(4, size=rng.integers(1, 4), replace=False):
            lost[clip] = "failed:timeout"
        after = summary_of(synthetic, {"a": lost, "b": scores[1]})
        lifted += after["a"].common.mean > after["b"].common.mean
        assert may_rank_above(before["a"], before["b"]) or not may_rank_above(
            after["a"], after["b"]
        )
    assert lifted > 5  # the temptation was there


def test_failures_do_not_bar_a_system_that_leads_all_the_same(synthetic):
    rows = summary_of(
        synthetic, {"a": [4.5, 4.5, 4.5, "failed:timeout"], "b": [2.0, 2.0, 2.0, 2.0]}
    )
    assert may_rank_above(rows["a"], rows["b"])


def test_lower_is_better_turns_the_ranking(synthetic):
    rows = summary_of(synthetic, {"a": [2.0] * 4, "b": [3.0] * 4}, metric=synthetic.MCD)
    assert may_rank_above(rows["a"], rows["b"])
    assert not may_rank_above(rows["b"], rows["a"])


def test_different_metrics_are_not_ranked(synthetic):
    row = summary_of(synthetic, {"a": [2.0] * 4})["a"]
    with pytest.raises(ResultSchemaError, match="mcd"):
        may_rank_above(row, replace(row, metric="mcd"))


@pytest.mark.parametrize(
    ("n_speakers", "cluster", "count", "flagged"),
    [(8, "speaker", 8, False), (7, "speaker", 7, True), (1, "clip", 24, True)],
)
def test_says_what_is_independent_and_flags_what_is_too_little(
    synthetic, n_speakers, cluster, count, flagged
):
    results = synthetic.realistic(n_clips=24, n_speakers=n_speakers)
    row = next(row for row in summarize_rows(results) if row.label == "opus-cbr")
    assert (row.own.cluster, row.own.n_clusters) == (cluster, count)
    assert bool(row.own.warning) is flagged


def test_clips_without_a_speaker_are_clusters_of_their_own(synthetic):
    speakers = [f"s{number // 2}" for number in range(16)] + [""] * 4
    results = synthetic.realistic(n_clips=20, speakers=speakers)
    row = summarize_rows(results)[0]
    assert (row.own.cluster, row.own.n_clusters) == ("speaker", 12)


def test_without_speakers_clips_are_the_clusters(synthetic):
    row = summarize_rows(synthetic.realistic(speakers=None))[0]
    assert (row.own.cluster, row.own.n_clusters) == ("clip", 36)


def test_one_clip_has_a_mean_and_no_interval(synthetic):
    results = synthetic.make_results(
        [synthetic.system("one", [8000])], [synthetic.PESQ], ["a"], lambda *_: 3.0
    )
    row = summarize_rows(results)[0]
    assert (row.own.mean, row.own.low, row.own.high, row.own.cluster) == (3.0, None, None, "none")


def test_every_system_has_its_rows_even_without_cells(synthetic):
    frame = summarize(synthetic.realistic())
    gone = frame[frame["label"] == "gone"]
    assert list(gone["point"]) == ["", "", ""]
    assert set(gone["reasons"]) == {'not available: pip install "codecbench[neural]"'}
    assert gone["mean"].isna().all()


def test_conditions_are_summarised_apart(synthetic):
    results = synthetic.realistic(conditions=("clean", "noisy"))
    frame = summarize(results)
    assert list(frame["condition"].unique()) == ["clean", "noisy"]
    assert (frame.groupby("condition").size() == 87).all()  # 29 points × 3 metrics


def test_a_short_clip_is_missing_only_where_it_is_too_short(synthetic):
    """Acceptance test 15: the clip that mcd cannot take still counts for the others."""
    rows = {(row.label, row.metric): row for row in summarize_rows(synthetic.realistic())}
    assert rows["opus-cbr", "mcd"].own.n == 35
    assert rows["opus-cbr", "pesq_wb"].own.n == 36


def test_summaries_are_reproducible_and_follow_the_level(synthetic):
    results = synthetic.realistic()
    assert summarize(results).equals(summarize(results))
    wide, narrow = (summarize(results, level=level).dropna() for level in (0.99, 0.9))
    uncertain = wide["ci_low"] < wide["ci_high"]
    assert (wide["ci_low"] < narrow["ci_low"])[uncertain].all()


def test_a_cell_that_was_not_run_is_counted(synthetic):
    results = synthetic.realistic()
    lost = results.frame.drop(index=results.frame.index[:5]).reset_index(drop=True)
    row = summarize_rows(replace(results, frame=lost))[0]
    assert row.reasons == "not run yet (5)"
    assert row.own.n == 31
