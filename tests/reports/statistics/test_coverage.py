"""How often intervals hold the truth, and verdicts are false, where the truth is known."""

import numpy as np
import pytest

from codecbench.reports.statistics.clusters import Clusters
from codecbench.reports.statistics.comparison import Verdict, compare_paired
from codecbench.reports.statistics.estimates import estimate_means
from codecbench.reports.statistics.ranking import compare_all

REPETITIONS = 4000
"""Standard error of a share of 95 %: 0.34 points."""
MANY = [30, *(pytest.param(count, marks=pytest.mark.slow) for count in (60, 200))]
FEW = [8, 29, *(pytest.param(count, marks=pytest.mark.slow) for count in (12, 20))]


def normal(rng, shape):
    return rng.normal(size=shape), 0.0


def laplace(rng, shape):
    return rng.laplace(size=shape), 0.0


def student(rng, shape):
    return rng.standard_t(3, size=shape), 0.0


def lognormal(rng, shape):
    return rng.lognormal(size=shape), np.exp(0.5)


def simulate(draw, n_speakers, seed, *, sizes=None, repetitions=REPETITIONS):
    """Share of intervals that hold the mean of speakers who each have several clips."""
    rng = np.random.default_rng([seed, n_speakers])
    sizes = np.full(n_speakers, 5) if sizes is None else sizes
    of_speaker, truth = draw(rng, (repetitions, n_speakers))
    clips = np.repeat(of_speaker, sizes, axis=1)
    clips = clips + 0.5 * rng.normal(size=clips.shape)
    clusters = Clusters(labels=np.repeat(np.arange(n_speakers), sizes), kind="speaker")
    found = estimate_means(clips, clusters)
    return float(((found.low <= truth) & (truth <= found.high)).mean())


@pytest.mark.parametrize("draw", [normal, laplace, student])
@pytest.mark.parametrize("n_speakers", MANY)
def test_from_thirty_speakers_symmetric_data_are_covered_at_the_level(draw, n_speakers):
    assert 0.93 <= simulate(draw, n_speakers, 1) <= 0.97


@pytest.mark.parametrize("n_speakers", MANY)
def test_from_thirty_speakers_lognormal_data_are_covered(n_speakers):
    assert simulate(lognormal, n_speakers, 2) >= 0.90


@pytest.mark.parametrize("draw", [normal, laplace, student])
@pytest.mark.parametrize("n_speakers", FEW)
def test_with_few_speakers_symmetric_data_are_covered(draw, n_speakers):
    assert simulate(draw, n_speakers, 3) >= 0.93


@pytest.mark.parametrize("n_speakers", FEW)
def test_with_few_speakers_lognormal_data_are_covered(n_speakers):
    assert simulate(lognormal, n_speakers, 4) >= 0.89


@pytest.mark.parametrize("n_speakers", [8, 20, 40])
def test_speakers_with_unequal_numbers_of_clips_are_covered(n_speakers):
    sizes = np.random.default_rng(5).geometric(0.12, size=n_speakers)
    assert sizes.max() > 2 * np.median(sizes)
    assert simulate(normal, n_speakers, 5, sizes=sizes) >= 0.93


@pytest.mark.slow
@pytest.mark.parametrize(("n_systems", "n_speakers"), [(2, 8), (6, 12), (12, 40)])
def test_the_chance_of_any_false_difference_stays_below_the_level(n_systems, n_speakers):
    """All systems are alike; their clips are hard or easy together, as real ones are."""
    rng = np.random.default_rng([6, n_systems])
    clusters = Clusters(labels=np.repeat(np.arange(n_speakers), 3), kind="speaker")
    wrong = 0
    for _ in range(2000):
        hardness = rng.lognormal(size=3 * n_speakers)
        of_speaker = np.repeat(rng.normal(size=(n_systems, n_speakers)), 3, axis=1)
        scores = hardness + 0.3 * of_speaker + 0.3 * rng.normal(size=(n_systems, 3 * n_speakers))
        wrong += compare_all(scores, clusters).p_adjusted.min() <= 0.05
    # Two standard errors of a share of 5 % in 2000 repetitions.
    assert wrong / 2000 <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 2000)


@pytest.mark.slow
def test_equivalence_is_rarely_claimed_where_the_difference_is_the_margin():
    rng = np.random.default_rng(7)
    clusters = Clusters(labels=np.repeat(np.arange(20), 3), kind="speaker")
    base = rng.normal(size=(2000, 60))
    new = base + 0.1 + np.repeat(0.2 * rng.normal(size=(2000, 20)), 3, axis=1)
    claims = sum(
        compare_paired(
            base[row : row + 1], new[row : row + 1], clusters, higher_is_better=True, margin=0.1
        )[0].verdict
        is Verdict.EQUIVALENT
        for row in range(2000)
    )
    assert claims / 2000 <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 2000)


def test_the_stated_detectable_difference_is_found_with_the_stated_power():
    rng = np.random.default_rng(8)
    clusters = Clusters(labels=np.repeat(np.arange(30), 4), kind="speaker")
    base = np.zeros((1500, 120))
    noise = np.repeat(rng.normal(size=(1500, 30)), 4, axis=1) + 0.5 * rng.normal(size=(1500, 120))
    stated = np.mean(
        [
            compare_paired(base[:1], noise[row : row + 1], clusters, higher_is_better=True)[
                0
            ].detectable
            for row in range(200)
        ]
    )
    found = estimate_means(noise + stated, clusters)
    # Power 0.8; the joined interval is a little wider than Student's.
    assert 0.74 <= (found.low > 0).mean() <= 0.86
