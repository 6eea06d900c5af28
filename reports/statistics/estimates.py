"""Means of clustered clips with intervals and p-values: Student's t joined with Hall's transform.

The interval is the union of two: Student's t on the speakers' contributions, right for symmetric
data however few speakers there are, and Hall's monotone transformation of t, which follows the
skewness of the data. docs/statistics.md has the coverage measured for this and for its rivals.
No random numbers are involved, and the p-value is exactly what the interval says.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codecbench.reports.statistics.clusters import MIN_CLUSTERS, Clusters

LEVEL = 0.95
"""Coverage aimed at."""
_FLAT = 1e-12
"""A standard error below this share of the largest value is rounding, not spread."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimates:
    """Means of several rows over the same clips, with what is needed to test them.

    All arrays have the shape of the rows. Where there are fewer than two clusters no spread can be
    seen: `low`, `high` and `std_error` are NaN.

    Attributes:
        mean: Mean over clips, each clip counting the same.
        low: Lower limit.
        high: Upper limit.
        std_error: Standard error of the mean, from the spread between clusters.
        skewness: Skewness of the mean's sampling distribution, estimated.
        df: Degrees of freedom of the standard error.
        n_clips: Clips.
        n_clusters: Clusters.
        level: Coverage of the limits.
    """

    mean: Floats
    low: Floats
    high: Floats
    std_error: Floats
    skewness: Floats
    df: float
    n_clips: int
    n_clusters: int
    level: float


def estimate_means(values: Floats, clusters: Clusters, *, level: float = LEVEL) -> Estimates:
    """Estimate the mean of each row.

    Args:
        values: Finite, shape (…, clips).
        clusters: Of the clips.
        level: Coverage, in (0, 1).

    Source:
        Bell and McCaffrey, Survey Methodology 28 (2002) 169–181 (standard error and degrees of
        freedom with clusters of unequal size); Hall, JRSS B 54 (1992) 221–228 (skewness).
    """
    mean = values.mean(axis=-1) if clusters.count else np.full(values.shape[:-1], np.nan)
    return estimate_from_sums(
        clusters.sums(values), clusters.sizes, level=level, mean=mean, scale=_scale(values)
    )


def estimate_from_sums(
    sums: Floats, sizes: Floats, *, level: float = LEVEL, mean: Floats, scale: Floats
) -> Estimates:
    """Estimate means from the sums within clusters, as `estimate_means` does from clips.

    Args:
        sums: Shape (…, clusters).
        sizes: Clips per cluster, shape (clusters,).
        level: Coverage, in (0, 1).
        mean: Mean over clips, shape (…).
        scale: Largest magnitude among the values, shape (…); spread below its rounding is none.
    """
    counts = int(sizes.sum()), sizes.size
    if sizes.size < 2:
        unknown = np.full(mean.shape, np.nan)
        return finish_estimates(
            mean, unknown, np.zeros(mean.shape), scale=scale, df=0.0, sizes=counts, level=level
        )
    share = sizes / sizes.sum()
    moved = (sums - mean[..., None] * sizes) / sizes.sum()
    # Each cluster pulls the mean towards itself; how much of its spread that hides depends on how
    # alike its clips are, so the less favourable of the two extremes counts.
    hidden = np.minimum(1.0 - share, 1.0 - 2.0 * share + (share**2).sum())
    return finish_estimates(
        mean,
        np.sqrt((moved**2 / hidden).sum(axis=-1)),
        _skewness(moved, share),
        scale=scale,
        df=_degrees_of_freedom(share, hidden),
        sizes=counts,
        level=level,
    )


def finish_estimates(
    mean: Floats,
    std_error: Floats,
    skewness: Floats,
    *,
    scale: Floats,
    df: float,
    sizes: tuple[int, int],
    level: float,
) -> Estimates:
    """Put limits around means whose standard errors are known.

    Args:
        mean: Shape (…).
        std_error: Same shape; what is below the rounding of `scale` counts as 0.
        skewness: Same shape.
        scale: Largest magnitude among the values, same shape.
        df: Degrees of freedom; without any there are no limits.
        sizes: Clips and clusters.
        level: Coverage.
    """
    flat = std_error <= _FLAT * scale
    std_error, skewness = np.where(flat, 0.0, std_error), np.where(flat, 0.0, skewness)
    if df > 0.0:
        low, high = _limits(mean, std_error, skewness, df, level)
    else:
        std_error = low = high = np.full(mean.shape, np.nan)
    return Estimates(
        mean=mean,
        low=low,
        high=high,
        std_error=std_error,
        skewness=skewness,
        df=df,
        n_clips=sizes[0],
        n_clusters=sizes[1],
        level=level,
    )


def p_differs(found: Estimates, null: float = 0.0) -> Floats:
    """Return the p-value of the mean being `null`: below 1 − level where the interval excludes it.

    Args:
        found: The estimates.
        null: The value under test.

    Returns:
        Shape of the rows; NaN where there are fewer than two clusters.
    """
    either: Floats = np.minimum(p_larger(found, null), p_smaller(found, null))
    return np.minimum(1.0, 2.0 * either)


def p_larger(found: Estimates, null: float = 0.0) -> Floats:
    """Return the p-value of the mean being at most `null`: small where it is surely larger."""
    return _tail(found.mean - null, found.std_error, found.skewness, found.df)


def p_smaller(found: Estimates, null: float = 0.0) -> Floats:
    """Return the p-value of the mean being at least `null`: small where it is surely smaller."""
    return _tail(null - found.mean, found.std_error, -found.skewness, found.df)


def _tail(distance: Floats, std_error: Floats, skewness: Floats, df: float) -> Floats:
    """Return the larger of the two upper tails, as the interval is the union of two."""
    from scipy.special import stdtr

    flat = std_error == 0.0
    t = distance / np.where(flat, 1.0, std_error)
    p = np.maximum(stdtr(df, -t), stdtr(df, -_bent(t, skewness)))
    certain = np.where(distance > 0.0, 0.0, 1.0)
    return np.where(flat, certain, p)


def _scale(values: Floats) -> Floats:
    if not values.shape[-1]:
        return np.zeros(values.shape[:-1])
    largest: Floats = np.abs(values).max(axis=-1)
    return largest


def _skewness(moved: Floats, share: Floats) -> Floats:
    """Estimate the skewness of the mean; zero where too few clusters could tell."""
    effective = 1.0 / float((share**2).sum())
    if share.size < MIN_CLUSTERS or effective <= 2.5:
        return np.zeros(moved.shape[:-1])
    third, second = (moved**3).sum(axis=-1), (moved**2).sum(axis=-1)
    small_sample = np.sqrt(effective * (effective - 1.0)) / (effective - 2.0)
    flat = second == 0.0
    return np.where(flat, 0.0, small_sample * third / np.where(flat, 1.0, second) ** 1.5)


def _degrees_of_freedom(share: Floats, hidden: Floats) -> float:
    """Match the first two moments of the variance to those of a chi-square (Satterthwaite).

    The clips of a cluster are taken to be alike, the case with the fewest degrees of freedom;
    clusters of one size give their number less one.
    """
    weight = share**2 / hidden
    total, squares = weight.sum(), (share**2).sum()
    mixed, weights = (weight * share).sum(), (weight**2).sum()
    trace = total - 2.0 * mixed + total * squares
    trace_of_square = (
        weights
        + 2.0 * (-2.0 * (weight**2 * share).sum() + total * (weight * share**2).sum())
        + 2.0 * mixed**2
        + 2.0 * squares * weights
        - 4.0 * total * mixed * squares
        + total**2 * squares**2
    )
    return float(trace**2 / trace_of_square)


def _limits(
    mean: Floats, std_error: Floats, skewness: Floats, df: float, level: float
) -> tuple[Floats, Floats]:
    # Student's quantiles as scipy.stats has them, without the second that importing it takes.
    from scipy.special import stdtrit

    reach = float(stdtrit(df, 0.5 + level / 2.0))
    most = np.maximum(reach, _unbent(reach, skewness))
    least = np.minimum(-reach, _unbent(-reach, skewness))
    return mean - std_error * most, mean - std_error * least


def _bent(t: Floats, skewness: Floats) -> Floats:
    """Transform t so that skewness no longer moves its distribution (Hall 1992)."""
    return t + skewness * t**2 / 3.0 + skewness**2 * t**3 / 27.0 + skewness / 6.0


def _unbent(bent: float, skewness: Floats) -> Floats:
    """Invert `_bent`."""
    straight = np.abs(skewness) < 1e-6
    a = np.where(straight, 1.0, skewness)
    inverse: Floats = np.where(
        straight, bent, 3.0 / a * (np.cbrt(1.0 + a * (bent - a / 6.0)) - 1.0)
    )
    return inverse
