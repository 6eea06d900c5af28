"""How often a comparison cries wolf, and how often it sees what is there: 200 repetitions each."""

from pathlib import Path

import numpy as np
import pytest

import codecbench
from codecbench.benchmark.runner import RunOptions
from codecbench.reports.regression.fail_if import parse_all
from codecbench.reports.regression.policy import Policy
from codecbench.reports.statistics.clusters import independent_clips
from codecbench.reports.statistics.estimates import estimate_means
from codecbench.reports.statistics.family import Pairs, judge_family
from codecbench.reports.statistics.power import clusters_needed

REPETITIONS = 200
ERROR_RATE = 0.05
# With a true rate of 5 %, more than 18 alarms in 200 have a chance of 0.5 %; with a true power of
# 80 %, fewer than 145 finds have a chance of 0.6 % (binomial distribution).
MOST_ALARMS = 18
FEWEST_FINDS = 145


def judged(moved: np.ndarray, base: np.ndarray, tolerance: float = 0.05):
    """Judge rows of differences, all on the same clips, as one family."""
    clusters = independent_clips(moved.shape[1])
    pairs = [
        Pairs(
            base=base[row],
            new=base[row] + moved[row],
            clusters=clusters,
            higher_is_better=True,
            tolerance=tolerance,
        )
        for row in range(len(moved))
    ]
    return judge_family(pairs, level=1.0 - ERROR_RATE)


def alarms(differences: np.ndarray, n_clips: int) -> int:
    """Count repetitions with any claim of a difference, where the true means are all zero.

    Args:
        differences: What stands for the population: shape (metrics, clips).
    """
    population = differences - differences.mean(axis=1, keepdims=True)
    rng = np.random.default_rng(8)
    count = 0
    for _ in range(REPETITIONS):
        chosen = rng.integers(0, population.shape[1], n_clips)
        moved = population[:, chosen]
        rows = judged(moved, 3.0 + np.zeros_like(moved))
        count += any(row.is_sure for row in rows)
    return count


def finds(differences: np.ndarray, loss: np.ndarray, n_clips: int) -> int:
    """Count repetitions in which a planted loss in the first metric is found.

    Args:
        differences: Shape (metrics, clips), the population without the loss.
        loss: What the first metric loses, shape (clips,).
    """
    population = differences - differences.mean(axis=1, keepdims=True)
    population[0] -= loss
    rng = np.random.default_rng(9)
    count = 0
    for _ in range(REPETITIONS):
        moved = population[:, rng.integers(0, population.shape[1], n_clips)]
        row = judged(moved, 3.0 + np.zeros_like(moved))[0]
        count += row.is_sure and row.loss > 0
    return count


def clips_for(population: np.ndarray, effect: float, family: int) -> int:
    """Return how many clips our own figures say are needed."""
    found = estimate_means(population[None, :], independent_clips(population.size))
    needed = clusters_needed(effect, float(found.std_error[0]), population.size, comparisons=family)
    assert needed is not None
    return needed


def skewed(n_metrics: int = 3, n_clips: int = 4000) -> np.ndarray:
    """Differences as checkpoints have them: most clips barely move, a few lose much."""
    rng = np.random.default_rng(3)
    shared = -rng.gamma(0.8, 0.05, n_clips)
    return shared + 0.02 * rng.standard_normal((n_metrics, n_clips))


@pytest.mark.parametrize("n_clips", [12, 40])
def test_a_against_a_alarms_within_the_rate(n_clips: int) -> None:
    assert alarms(skewed(), n_clips) <= MOST_ALARMS


def test_a_planted_loss_is_found_with_the_stated_power() -> None:
    population = skewed()
    n_clips = clips_for(population[0], 0.05, len(population))
    everywhere = np.full(population.shape[1], 0.05)
    assert finds(population, everywhere, n_clips) >= FEWEST_FINDS


def test_a_loss_on_few_clips_is_found_with_the_stated_power() -> None:
    population = skewed()
    # 0.2 on a quarter of the clips: 0.05 on average, and more spread.
    loss = np.where(np.arange(population.shape[1]) % 4 == 0, 0.2, 0.0)
    n_clips = clips_for(population[0] - loss, 0.05, len(population))
    assert finds(population, loss, n_clips) >= FEWEST_FINDS


def test_a_gate_is_green_only_where_a_loss_of_the_limit_is_excluded() -> None:
    population = skewed()
    population -= population.mean(axis=1, keepdims=True)
    rng = np.random.default_rng(10)
    policy = Policy(fail_if=parse_all(["pesq_wb < -0.05"]))
    wrongly_green = 0
    for _ in range(REPETITIONS):
        moved = population[:, rng.integers(0, population.shape[1], 30)] - 0.05
        rows = judged(moved, 3.0 + np.zeros_like(moved), policy.accepted("pesq_wb", 3.0))
        wrongly_green += rows[0].is_harmless
    assert wrongly_green <= MOST_ALARMS


@pytest.mark.slow
def test_rates_hold_on_real_scores(shared: Path, tmp_path: Path) -> None:
    """Opus at two complexities on real speech gives the differences; nothing else is made up."""
    found = codecbench.compare(
        "opus:bitrate=12000,complexity=10",
        "opus:bitrate=12000,complexity=5",
        data=sorted((shared / "speech" / "eval").glob("en_LS-*.flac")),
        metrics="pesq_wb,estoi",
        out=tmp_path / "out",
        options=RunOptions(jobs=1, cache=tmp_path / "cache"),
    )
    frames = [side.results.frame for side in (found.base, found.new)]
    tables = [
        frame.pivot_table(index="metric", columns="clip", values="value").to_numpy()
        for frame in frames
    ]
    differences = tables[1] - tables[0]
    assert np.abs(differences).max() > 0
    population = differences[::-1]  # the table sorts its metrics; PESQ stands first here
    assert alarms(population, 20) <= MOST_ALARMS
    n_clips = max(10, clips_for(population[0], 0.05, len(population)))
    loss = np.full(population.shape[1], 0.05)
    assert finds(population, loss, n_clips) >= FEWEST_FINDS
