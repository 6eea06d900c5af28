"""Means with intervals: against scipy and textbook formulas, and where nothing can be said."""

import numpy as np
import pytest
from scipy import stats

from codecbench.reports.statistics.clusters import (
    Clusters,
    cluster_by_speaker,
    independent_clips,
)
from codecbench.reports.statistics.estimates import (
    estimate_means,
    p_differs,
    p_larger,
    p_smaller,
)


def speakers_of(sizes):
    return Clusters(labels=np.repeat(np.arange(len(sizes)), sizes), kind="speaker")


def without_skewness(values):
    """Values whose third central moment is 0, so that the interval is Student's alone."""
    return np.concatenate([values, 2 * values.mean(axis=-1, keepdims=True) - values], axis=-1)


def test_symmetric_clips_have_students_interval():
    values = without_skewness(np.random.default_rng(1).normal(3.0, 1.0, size=(3, 12)))
    found = estimate_means(values, independent_clips(24))
    for row in range(3):
        wanted = stats.ttest_1samp(values[row], 0.0).confidence_interval(0.95)
        assert (found.low[row], found.high[row]) == pytest.approx(tuple(wanted), rel=1e-6)
    assert found.df == pytest.approx(23.0)


def test_p_values_are_those_of_students_test_for_symmetric_data():
    values = without_skewness(np.random.default_rng(2).normal(0.3, 1.0, size=(3, 12)))
    found = estimate_means(values, independent_clips(24))
    for side, p in (("two-sided", p_differs), ("greater", p_larger), ("less", p_smaller)):
        wanted = stats.ttest_1samp(values, 0.0, axis=1, alternative=side).pvalue
        assert p(found) == pytest.approx(wanted, rel=1e-6)


def test_equal_speakers_are_students_test_on_their_means():
    rng = np.random.default_rng(3)
    of_speaker = without_skewness(rng.normal(size=6))
    values = np.repeat(of_speaker, 5) + np.tile([-2.0, -1.0, 0.0, 1.0, 2.0], 12)
    found = estimate_means(values[None], speakers_of([5] * 12))
    wanted = stats.ttest_1samp(of_speaker, 0.0).confidence_interval(0.95)
    assert (found.low[0], found.high[0]) == pytest.approx(tuple(wanted), rel=1e-6)
    assert found.df == pytest.approx(11.0)


def test_unequal_speakers_have_the_freedom_that_a_simulation_finds():
    """Satterthwaite's degrees of freedom: 2 E[v]² / Var[v] of the estimated variance v."""
    sizes = np.array([1, 2, 3, 5, 8, 13, 21, 34])
    of_speaker = np.random.default_rng(4).normal(size=(40_000, sizes.size))
    variance = (
        estimate_means(np.repeat(of_speaker, sizes, axis=1), speakers_of(sizes)).std_error ** 2
    )
    wanted = 2.0 * variance.mean() ** 2 / variance.var()
    found = estimate_means(np.repeat(of_speaker[:1], sizes, axis=1), speakers_of(sizes))
    # Var of a variance of 40,000 draws is known to about 2 %.
    assert found.df == pytest.approx(wanted, rel=0.06)
    assert found.df < 7.0
    # The clips of a speaker are equal here: Var[Σ share·x] = Σ share².
    share = sizes / sizes.sum()
    assert variance.mean() >= 0.99 * (share**2).sum()


def test_clusters_widen_the_interval_when_clips_of_a_speaker_agree():
    values = np.repeat(np.arange(10.0), 20)[None]
    by_clip = estimate_means(values, independent_clips(200))
    by_speaker = estimate_means(values, speakers_of([20] * 10))
    assert by_speaker.high - by_speaker.low > 3 * (by_clip.high - by_clip.low)


def test_the_interval_leans_to_the_long_tail():
    values = np.random.default_rng(5).lognormal(size=(1, 40))
    found = estimate_means(values, independent_clips(40))
    above, below = found.high[0] - found.mean[0], found.mean[0] - found.low[0]
    assert above > 1.1 * below
    mirrored = estimate_means(-values, independent_clips(40))
    assert (mirrored.low[0], mirrored.high[0]) == pytest.approx((-found.high[0], -found.low[0]))


@pytest.mark.parametrize("n_clips", [2, 5, 8, 30])
def test_the_p_value_says_what_the_interval_says(n_clips):
    values = np.random.default_rng(6).lognormal(size=(20, n_clips))
    found = estimate_means(values, independent_clips(n_clips))
    for limit in (found.low, found.high):
        shifted = estimate_means(values - limit[:, None], independent_clips(n_clips))
        assert p_differs(shifted) == pytest.approx(0.05, abs=1e-9)


def test_a_constant_has_an_interval_of_no_width():
    found = estimate_means(np.full((1, 9), 4.6439), independent_clips(9))
    assert found.low[0] == found.high[0] == pytest.approx(4.6439, abs=1e-12)
    assert p_differs(found) == 0.0
    assert p_differs(estimate_means(np.zeros((1, 9)), independent_clips(9))) == 1.0


@pytest.mark.parametrize("n_clips", [0, 1, 5])
def test_fewer_than_two_clusters_have_no_interval(n_clips):
    one = Clusters(labels=np.zeros(n_clips, dtype=np.intp), kind="speaker")
    found = estimate_means(np.ones((2, n_clips)), one)
    assert np.isnan([*found.low, *found.high, *p_differs(found)]).all()


def test_a_row_keeps_its_interval_when_others_join():
    values = np.random.default_rng(7).normal(size=(6, 30))
    alone = estimate_means(values[:1], independent_clips(30))
    together = estimate_means(values, independent_clips(30))
    assert (alone.low[0], alone.high[0]) == (together.low[0], together.high[0])


def test_speakers_are_clusters_and_nameless_clips_stand_alone():
    clusters = cluster_by_speaker(["ann", "", "bob", "ann", ""])
    assert clusters.labels.tolist() == [0, 1, 2, 0, 3]
    assert (clusters.kind, clusters.count) == ("speaker", 4)


@pytest.mark.parametrize(
    ("speakers", "kind", "reliable"),
    [
        ([f"s{n}" for n in range(8)], "speaker", True),
        ([f"s{n % 7}" for n in range(700)], "speaker", False),
        ([""] * 8, "clip", True),
        ([""] * 7, "clip", False),
        (["ann"] * 50, "clip", False),
    ],
)
def test_few_clusters_are_flagged(speakers, kind, reliable):
    clusters = cluster_by_speaker(speakers)
    assert (clusters.kind, clusters.is_reliable) == (kind, reliable)
    assert bool(clusters.warning) is not reliable
