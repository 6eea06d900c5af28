"""Bootstrap intervals against scipy and against a plain loop with random numbers of its own."""

import numpy as np
import pytest
from scipy import stats

from codecbench.reports.intervals import bootstrap_means


def test_agrees_with_scipy_where_clips_are_resampled():
    values = np.random.default_rng(1).lognormal(size=40)
    low, high = bootstrap_means(values[None], np.arange(40), resamples=40_000)
    found = stats.bootstrap(
        (values,), np.mean, n_resamples=40_000, method="percentile", rng=np.random.default_rng(2)
    ).confidence_interval
    width = found.high - found.low
    # Monte-Carlo error of a 2.5 % quantile of 40,000 draws: about 0.5 % of the width.
    assert low[0] == pytest.approx(found.low, abs=0.02 * width)
    assert high[0] == pytest.approx(found.high, abs=0.02 * width)


def test_agrees_with_a_plain_loop_where_speakers_are_resampled():
    rng = np.random.default_rng(3)
    clusters = np.array([0] * 7 + [1] * 2 + [2] * 5 + [3] * 1 + [4] * 4 + [5] * 6 + [6] * 3 + [7])
    values = rng.normal(size=8)[clusters] + 0.3 * rng.normal(size=clusters.size)
    means = []
    for _ in range(20_000):
        drawn = rng.integers(0, 8, size=8)
        means.append(np.concatenate([values[clusters == one] for one in drawn]).mean())
    low, high = bootstrap_means(values[None], clusters, resamples=20_000)
    wanted = np.quantile(means, [0.025, 0.975])
    assert [low[0], high[0]] == pytest.approx(wanted, abs=0.03 * (wanted[1] - wanted[0]))


def test_clusters_widen_the_interval_when_clips_of_a_speaker_agree():
    values = np.repeat(np.arange(10.0), 20)[None]
    by_clip = bootstrap_means(values, np.arange(200))
    by_speaker = bootstrap_means(values, np.repeat(np.arange(10), 20))
    assert by_speaker[1] - by_speaker[0] > 3 * (by_clip[1] - by_clip[0])


def test_a_constant_has_an_interval_of_no_width():
    low, high = bootstrap_means(np.full((1, 9), 4.6439), np.arange(9))
    assert low[0] == high[0] == 4.6439


@pytest.mark.parametrize("n_clips", [0, 1, 5])
def test_fewer_than_two_clusters_have_no_interval(n_clips):
    low, high = bootstrap_means(np.ones((2, n_clips)), np.zeros(n_clips, dtype=np.intp))
    assert np.isnan([*low, *high]).all()


def test_a_row_keeps_its_interval_when_others_join():
    values = np.random.default_rng(5).normal(size=(6, 30))
    alone = bootstrap_means(values[:1], np.arange(30))
    together = bootstrap_means(values, np.arange(30))
    assert alone[0][0] == pytest.approx(together[0][0], abs=1e-12)
    assert alone[1][0] == pytest.approx(together[1][0], abs=1e-12)
