"""Whether a system fares differently in one group of clips than the others do: interaction."""

import numpy as np
from numpy.typing import NDArray

from codecbench.reports.statistics.clusters import Clusters
from codecbench.reports.statistics.estimates import LEVEL, Estimates, finish_estimates


def contrast_group(
    values: NDArray[np.float64],
    inside: NDArray[np.bool_],
    clusters: Clusters,
    *,
    level: float = LEVEL,
) -> Estimates:
    """Estimate the mean within a group less the mean outside of it.

    A speaker may have clips on both sides, as with long and short clips, or on one, as with sex;
    either way speakers are what is independent.

    Args:
        values: Finite, shape (rows, clips).
        inside: Which clips are in the group, shape (clips,); at least one on each side.
        clusters: Of the clips.
        level: Coverage of the limits.

    Returns:
        The degrees of freedom are those of the side with fewer clusters, less one; a side with
        one cluster has no interval.
    """
    pulls = np.zeros((len(values), clusters.count))
    means, fewest = [], clusters.count
    for side, sign in ((inside, 1.0), (~inside, -1.0)):
        labels, part = clusters.labels[side], values[:, side]
        mean = part.mean(axis=-1)
        sizes = np.bincount(labels, minlength=clusters.count).astype(np.float64)
        sums = np.stack(
            [np.bincount(labels, weights=row, minlength=clusters.count) for row in part]
        )
        share = sizes / sizes.sum()
        hidden = np.where(share < 1.0, 1.0 - share, np.nan)
        pulls += sign * (sums - mean[:, None] * sizes) / sizes.sum() / np.sqrt(hidden)
        means.append(mean)
        fewest = min(fewest, int((sizes > 0).sum()))
    scale = np.abs(values).max(axis=-1, initial=0.0)
    return finish_estimates(
        means[0] - means[1],
        np.sqrt((pulls**2).sum(axis=-1)),
        np.zeros(len(values)),
        scale=scale,
        df=float(fewest - 1),
        sizes=(values.shape[-1], clusters.count),
        level=level,
    )
