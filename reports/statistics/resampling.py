"""Bootstrap by speaker, for what is no mean: BD-rate, crossings, ratios."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from codecbench.reports.statistics.clusters import Clusters
from codecbench.reports.statistics.estimates import LEVEL

RESAMPLES = 2000
"""Resamples per interval; the Monte-Carlo error of a limit is then near 1/40 of its distance."""
SEED = 20260
"""Where the random numbers start; part of what makes reports reproducible."""

Floats = NDArray[np.float64]


@lru_cache(maxsize=32)
def _counts(n_clusters: int, resamples: int, seed: int) -> Floats:
    generator = np.random.default_rng([seed, n_clusters])
    picks = generator.integers(0, n_clusters, size=(resamples, n_clusters))
    picks += np.arange(resamples)[:, None] * n_clusters
    counts = np.bincount(picks.ravel(), minlength=resamples * n_clusters)
    shaped = counts.reshape(resamples, n_clusters).astype(np.float64)
    shaped.setflags(write=False)
    return shaped


def draw_clusters(clusters: Clusters, *, resamples: int = RESAMPLES, seed: int = SEED) -> Floats:
    """Draw whole clusters with replacement, as many as there are.

    The draws depend on the number of clusters alone, so an interval does not change when another
    system joins the table, and two systems are resampled together (paired).

    Returns:
        How often each cluster is drawn, shape (resamples, clusters).

    Source:
        Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapters 8 and 13.
    """
    return _counts(clusters.count, resamples, seed)


def resampled_means(values: Floats, clusters: Clusters, counts: Floats) -> Floats:
    """Return the mean over clips in each resample.

    Args:
        values: Shape (rows, clips).
        clusters: Of the clips.
        counts: From `draw_clusters`.

    Returns:
        Shape (resamples, rows).
    """
    means: Floats = (counts @ clusters.sums(values).T) / (counts @ clusters.sizes)[:, None]
    return means


def percentile_limits(
    statistics: Floats, n_clusters: int, *, level: float = LEVEL
) -> tuple[float, float]:
    """Return the limits that resampled statistics give, widened for few clusters.

    The plain percentiles are too narrow for few clusters by the factor of the plug-in spread and
    by Student's t; both are made good in the choice of the percentiles.

    Args:
        statistics: One value per resample, finite.
        n_clusters: How many clusters were drawn from, at least 2.
        level: Coverage.

    Source:
        Hesterberg, The American Statistician 69 (2015) 371–386, section 3.3 ("expanded
        percentile interval").
    """
    from scipy.special import ndtr, stdtrit

    student = stdtrit(n_clusters - 1, 0.5 + level / 2.0)
    tail = float(ndtr(-student * np.sqrt(n_clusters / (n_clusters - 1))))
    low, high = np.quantile(statistics, [tail, 1.0 - tail])
    return float(low), float(high)
