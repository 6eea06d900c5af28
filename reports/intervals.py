"""Percentile bootstrap of means, seeded, vectorised over systems, clustered where asked."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.95
"""Coverage aimed at."""
RESAMPLES = 2000
"""Resamples per interval; the Monte-Carlo error of a limit is then near 1/40 of its distance."""
SEED = 20260
"""Where the random numbers start; part of what makes reports reproducible."""


@lru_cache(maxsize=32)
def _draws(n_clusters: int, resamples: int, seed: int) -> NDArray[np.float64]:
    """Return how often each cluster is drawn in each resample, shape (resamples, clusters).

    They depend on the number of clusters alone, so an interval does not change when another
    system joins the table.
    """
    generator = np.random.default_rng([seed, n_clusters])
    picks = generator.integers(0, n_clusters, size=(resamples, n_clusters))
    picks += np.arange(resamples)[:, None] * n_clusters
    counts = np.bincount(picks.ravel(), minlength=resamples * n_clusters)
    shaped = counts.reshape(resamples, n_clusters).astype(np.float64)
    shaped.setflags(write=False)
    return shaped


def bootstrap_means(
    values: NDArray[np.float64],
    clusters: NDArray[np.intp],
    *,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Bootstrap the mean of each row, all rows on the same draws.

    Whole clusters are drawn with replacement, as many as there are; the mean is over the clips
    that came with them.

    Args:
        values: Finite, shape (rows, clips).
        clusters: Cluster of each clip, numbered from 0 without gaps, shape (clips,).
        level: Coverage, in (0, 1).
        resamples: Number of resamples.
        seed: Of the draws.

    Returns:
        Lower and upper limits, each of shape (rows,); NaN where there are fewer than two clusters,
        from which no spread can be seen.

    Source:
        Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapters 8 and 13.
    """
    rows = values.shape[0]
    n_clusters = int(clusters.max()) + 1 if clusters.size else 0
    if n_clusters < 2:
        nothing = np.full(rows, np.nan)
        return nothing, nothing.copy()
    counts = _draws(n_clusters, resamples, seed)
    sizes = np.bincount(clusters, minlength=n_clusters).astype(np.float64)
    sums = np.stack([np.bincount(clusters, weights=row, minlength=n_clusters) for row in values])
    # About each row's own mean, so that a row of equal values gets limits that equal them.
    centre = values.mean(axis=1)
    sums = sums - centre[:, None] * sizes
    means = (counts @ sums.T) / (counts @ sizes)[:, None] + centre
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(means, [tail, 1.0 - tail], axis=0)
    return low, high
