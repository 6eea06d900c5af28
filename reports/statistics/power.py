"""What a set of clips can see, and how many would be needed."""

import math

import numpy as np
from numpy.typing import NDArray

from codecbench.reports.statistics.estimates import LEVEL

POWER = 0.8
"""Probability with which a difference of the stated size would be found."""


def minimum_detectable_effect(
    std_error: NDArray[np.float64],
    df: float,
    *,
    level: float = LEVEL,
    power: float = POWER,
    comparisons: int = 1,
) -> NDArray[np.float64]:
    """Return the smallest true difference that a paired comparison would find.

    Args:
        std_error: Standard error of the difference, shape (rows,).
        df: Its degrees of freedom.
        level: 1 − error rate.
        power: Probability of finding it.
        comparisons: How many are made together; the first step of Holm's procedure divides by it.

    Returns:
        In the metric's unit, shape (rows,); NaN without a standard error.

    Source:
        Bloom, Evaluation Review 19 (1995) 547–556.
    """
    if df <= 0.0:
        return np.full(std_error.shape, np.nan)
    return std_error * _multiplier(df, level, power, comparisons)


def clusters_needed(
    effect: float,
    std_error: float,
    n_clusters: int,
    *,
    level: float = LEVEL,
    power: float = POWER,
    comparisons: int = 1,
) -> int | None:
    """Return how many speakers (or clips) of the same kind would find an effect.

    Args:
        effect: True difference to be found, above 0.
        std_error: Standard error that `n_clusters` clusters gave.
        n_clusters: How many there were, at least 2.
        level: 1 − error rate.
        power: Probability of finding it.
        comparisons: How many are made together.

    Returns:
        At least 2; None where the effect is 0 or nothing is known of the spread.
    """
    if not effect > 0.0 or not math.isfinite(std_error) or n_clusters < 2:
        return None
    spread = std_error * math.sqrt(n_clusters)

    def finds(count: int) -> bool:
        reach = _multiplier(count - 1.0, level, power, comparisons)
        return spread / math.sqrt(count) * reach <= effect

    most = 2
    while not finds(most):
        most *= 2
    least = max(2, most // 2)
    while least < most:
        middle = (least + most) // 2
        least, most = (least, middle) if finds(middle) else (middle + 1, most)
    return most


def _multiplier(df: float, level: float, power: float, comparisons: int) -> float:
    # Quantiles of Student's t as scipy.stats has them, without its toll of 100 µs each.
    from scipy.special import stdtrit

    tail = (1.0 - level) / 2.0 / comparisons
    return float(stdtrit(df, 1.0 - tail) + stdtrit(df, power))
