"""Verdicts: A against A, tiny noise, a loss, a margin, too little to tell."""

import numpy as np
import pytest

from codecbench.reports.statistics.clusters import cluster_by_speaker, independent_clips
from codecbench.reports.statistics.comparison import Verdict, compare_paired
from codecbench.reports.statistics.multiplicity import holm
from codecbench.reports.statistics.power import clusters_needed, minimum_detectable_effect


@pytest.fixture
def scores():
    """PESQ-like scores of one system on 60 clips of 20 speakers."""
    rng = np.random.default_rng(1)
    hardness = np.repeat(rng.normal(size=20), 3) + 0.5 * rng.normal(size=60)
    return np.clip(3.0 + 0.4 * hardness, 1.0, 4.6)[None]


@pytest.fixture
def clusters():
    return cluster_by_speaker([f"s{clip // 3}" for clip in range(60)])


def only(base, new, clusters, **more):
    (found,) = compare_paired(base, new, clusters, **({"higher_is_better": True} | more))
    return found


def test_a_system_against_itself_is_equivalent_with_any_margin(scores, clusters):
    found = only(scores, scores, clusters)
    assert found.verdict is Verdict.EQUIVALENT
    assert (found.difference, found.low, found.high, found.p_value) == (0.0, 0.0, 0.0, 1.0)


def test_a_system_against_itself_is_equivalent_on_two_clips_too(scores):
    found = only(scores[:, :2], scores[:, :2], independent_clips(2))
    assert found.verdict is Verdict.EQUIVALENT


def test_tiny_noise_is_undecided_without_a_margin_and_equivalent_with_one(scores, clusters):
    noisy = scores + 0.001 * np.random.default_rng(2).normal(size=scores.shape)
    assert only(scores, noisy, clusters).verdict is Verdict.UNDECIDED
    assert only(scores, noisy, clusters, margin=0.02).verdict is Verdict.EQUIVALENT


def test_a_clear_loss_is_worse_and_its_mirror_better(scores, clusters):
    worse = scores - 0.1 + 0.05 * np.random.default_rng(3).normal(size=scores.shape)
    assert only(scores, worse, clusters).verdict is Verdict.WORSE
    assert only(worse, scores, clusters).verdict is Verdict.BETTER
    assert only(scores, worse, clusters, higher_is_better=False).verdict is Verdict.BETTER


def test_a_sure_loss_within_the_margin_is_equivalent(scores, clusters):
    worse = scores - 0.01 + 0.002 * np.random.default_rng(4).normal(size=scores.shape)
    assert only(scores, worse, clusters).verdict is Verdict.WORSE
    assert only(scores, worse, clusters, margin=0.05).verdict is Verdict.EQUIVALENT


def test_with_too_few_speakers_nothing_is_better_or_worse(scores):
    few = cluster_by_speaker([f"s{clip % 7}" for clip in range(60)])
    found = only(scores, scores - 1.0, few)
    assert found.verdict is Verdict.UNDECIDED
    assert not found.is_reliable
    assert found.difference == pytest.approx(-1.0)


def test_no_common_clip_is_undecided_and_says_so():
    nothing = np.zeros((1, 0))
    found = only(nothing, nothing, independent_clips(0))
    assert found.verdict is Verdict.UNDECIDED
    assert found.n_clips == 0
    assert np.isnan([found.difference, found.low, found.p_value]).all()


def test_many_comparisons_need_stronger_evidence(scores, clusters):
    rng = np.random.default_rng(5)
    slightly = scores - 0.02 + 0.07 * rng.normal(size=scores.shape)
    others = scores + 0.07 * rng.normal(size=(200, 60))
    new = np.concatenate([slightly, others])
    alone = only(scores, slightly, clusters)
    together = compare_paired(np.repeat(scores, 201, axis=0), new, clusters, higher_is_better=True)[
        0
    ]
    assert 0.0005 < alone.p_value < 0.05
    assert alone.verdict is Verdict.WORSE
    assert together.verdict is Verdict.UNDECIDED
    assert (together.low, together.high) == (alone.low, alone.high)


def test_holm_by_hand():
    """p = .01, .02, .03, .04: times 4, 3, 2, 1, each at least the one before."""
    found = holm(np.array([0.03, 0.01, np.nan, 0.04, 0.02]))
    assert found == pytest.approx([0.06, 0.04, np.nan, 0.06, 0.06], nan_ok=True)
    assert holm(np.array([0.9, 0.8])).tolist() == [1.0, 1.0]
    assert holm(np.zeros(0)).shape == (0,)


def test_detectable_effect_by_the_table_of_t():
    """Two-sided 5 %, power 80 %, 20 degrees of freedom: t = 2.086 and 0.860 in any table."""
    found = minimum_detectable_effect(np.array([0.1]), 20.0)
    assert found[0] == pytest.approx(0.1 * (2.086 + 0.860), abs=1e-4)
    assert np.isnan(minimum_detectable_effect(np.array([0.1]), 0.0)[0])


def test_the_speakers_needed_make_the_effect_detectable():
    needed = clusters_needed(0.05, 0.1, 20)
    assert needed is not None
    for count, enough in ((needed, True), (needed - 1, False)):
        std_error = 0.1 * np.sqrt(20 / count)
        detectable = minimum_detectable_effect(np.array([std_error]), count - 1.0)[0]
        assert bool(detectable <= 0.05) is enough


def test_what_cannot_be_planned_has_no_number():
    assert clusters_needed(0.0, 0.1, 20) is None
    assert clusters_needed(0.1, float("nan"), 20) is None
    assert clusters_needed(0.1, 0.0, 20) == 2
