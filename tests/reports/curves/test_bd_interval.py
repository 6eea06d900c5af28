"""Intervals of BD figures: coverage with a known truth, and where there is none."""

from dataclasses import replace

import numpy as np
import pytest

from codecbench.reports.curves.bd_interval import estimate_bd
from codecbench.reports.curves.domains import domain_of
from codecbench.reports.curves.rate_curve import RateCurve
from codecbench.reports.statistics.clusters import cluster_by_speaker, independent_clips

RATES = np.array([1500.0, 3000.0, 6000.0, 9000.0, 12000.0])


def curve(rng, name, saving=0.0, *, n_clips=60, noise=0.1, hardness=None):
    """Quality is linear in log rate, on a scale on which `saving` of the bits are saved."""
    hardness = np.zeros(n_clips) if hardness is None else hardness
    bits = np.log2(RATES / 1000.0 / (1.0 - saving))
    scores = 1.0 + 0.8 * bits[:, None] + hardness + noise * rng.normal(size=(5, n_clips))
    bps = RATES[:, None] * (1.0 + 0.02 * rng.normal(size=(5, n_clips)))
    return RateCurve(
        name=name,
        points=tuple(f"{rate:g}" for rate in RATES),
        scores=scores,
        bps=bps,
        seconds=rng.uniform(2.0, 8.0, size=n_clips),
    )


def pair(seed, saving=0.2, **more):
    rng = np.random.default_rng(seed)
    hardness = 0.3 * rng.normal(size=more.get("n_clips", 60))
    anchor = curve(rng, "anchor", hardness=hardness, **more)
    test = curve(rng, "test", saving, hardness=hardness, **more)
    return anchor, replace(test, seconds=anchor.seconds)


def test_the_value_is_that_of_the_mean_curves():
    anchor, test = pair(1)
    found = estimate_bd(anchor, test, independent_clips(60))
    assert found.delta.value == pytest.approx(-20.0, abs=2.0)
    assert found.low < found.delta.value < found.high
    assert found.akima.value == pytest.approx(found.delta.value, abs=1.0)
    assert found.usable == 1.0
    assert found.is_reliable


def test_clips_that_are_hard_for_both_do_not_widen_the_interval():
    """Both systems are resampled together; apart, the hardness of the clips would dominate."""
    anchor, test = pair(2)
    other, _ = pair(3)
    together = estimate_bd(anchor, test, independent_clips(60))
    apart = estimate_bd(
        replace(anchor, scores=other.scores, seconds=other.seconds), test, independent_clips(60)
    )
    assert apart.high - apart.low > 2 * (together.high - together.low)


def test_bd_metric_has_an_interval_too():
    anchor, test = pair(5)
    found = estimate_bd(anchor, test, independent_clips(60), kind="metric")
    # 20 % fewer bits are worth 0.8·log2(1/0.8) on this scale.
    assert found.low < 0.8 * np.log2(1.25) < found.high


def test_speakers_are_resampled_where_they_are_known():
    anchor, test = pair(5)
    speakers = [f"s{clip // 6}" for clip in range(60)]
    found = estimate_bd(anchor, test, cluster_by_speaker(speakers))
    assert (found.cluster, found.n_clusters, found.n_clips) == ("speaker", 10, 60)
    few = estimate_bd(anchor, test, cluster_by_speaker([f"s{clip // 10}" for clip in range(60)]))
    assert not few.is_reliable


def test_the_order_of_the_points_does_not_matter():
    anchor, test = pair(6)
    turned = RateCurve(
        name=test.name,
        points=test.points[::-1],
        scores=test.scores[::-1],
        bps=test.bps[::-1],
        seconds=test.seconds,
    )
    first = estimate_bd(anchor, test, independent_clips(60))
    assert estimate_bd(anchor, turned, independent_clips(60)) == first


def test_a_refused_value_has_no_interval():
    anchor, test = pair(7)
    short = replace(test, points=test.points[:3], scores=test.scores[:3], bps=test.bps[:3])
    found = estimate_bd(anchor, short, independent_clips(60))
    assert (found.delta.value, found.low, found.high) == (None, None, None)
    assert found.no_interval == "the test has 3 points, 4 are needed"


def test_curves_that_are_often_not_monotone_have_a_value_and_no_interval():
    anchor, test = pair(8)
    flat = test.scores.copy()
    flat[3] = flat[2] + 1e-4 + 0.5 * np.random.default_rng(9).normal(size=60)
    flat[3] += flat[2].mean() + 1e-4 - flat[3].mean()
    found = estimate_bd(anchor, replace(test, scores=flat), independent_clips(60))
    assert found.delta.value is not None
    assert found.low is None
    assert "of the resamples" in found.no_interval


def test_one_clip_has_no_interval():
    anchor, test = pair(10, n_clips=1, noise=0.0)
    found = estimate_bd(anchor, test, independent_clips(1))
    assert found.delta.value == pytest.approx(-20.0, abs=3.0)
    assert (found.low, found.no_interval) == (None, "one clip only")


def test_resamples_beyond_the_domain_are_not_used():
    anchor, test = pair(11)
    near = replace(domain_of("stoi"), low=float(anchor.means.min()) - 1e-3, high=10.0)
    found = estimate_bd(anchor, test, independent_clips(60), domain=near)
    assert 0.0 < found.usable <= 1.0


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "truth"), [("rate", -20.0), ("metric", 0.8 * np.log2(1.25))])
@pytest.mark.parametrize("n_clips", [8, 40])
def test_intervals_hold_the_truth(kind, truth, n_clips):
    held = 0
    for seed in range(300):
        anchor, test = pair([12, seed], n_clips=n_clips)
        clips = independent_clips(n_clips)
        found = estimate_bd(anchor, test, clips, kind=kind, resamples=400)
        held += found.low is not None and found.low <= truth <= found.high
    # 93 %, less two standard errors of a share of 95 % in 300 repetitions.
    assert held / 300 >= 0.93 - 2 * np.sqrt(0.05 * 0.95 / 300)
