"""Two systems on the same clips: difference, interval, verdict."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from codecbench.reports.statistics.clusters import Clusters
from codecbench.reports.statistics.estimates import (
    LEVEL,
    estimate_means,
    p_differs,
    p_larger,
    p_smaller,
)
from codecbench.reports.statistics.multiplicity import holm
from codecbench.reports.statistics.power import minimum_detectable_effect


class Verdict(StrEnum):
    """What a comparison of a new system with a base may claim."""

    BETTER = "better"
    WORSE = "worse"
    EQUIVALENT = "equivalent"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One paired comparison, new minus base, in the metric's own unit.

    Attributes:
        base_mean: Mean of the base over the common clips; NaN where there is none.
        new_mean: Mean of the new system over the same clips.
        difference: New minus base.
        low: Lower limit of its interval; NaN with fewer than two clusters.
        high: Upper limit.
        p_value: Of no difference, two-sided, this comparison alone.
        p_adjusted: After Holm over the comparisons that were asked for together.
        verdict: At the error rate 1 − level over all of them together.
        margin: Differences up to this size do not matter.
        n_clips: Common clips.
        n_clusters: Independent groups of clips.
        cluster: "speaker" or "clip".
        is_reliable: Whether there are enough clusters; without, the verdict is never better or
            worse.
        detectable: Smallest true difference that this set would find with probability 0.8.
    """

    base_mean: float
    new_mean: float
    difference: float
    low: float
    high: float
    p_value: float
    p_adjusted: float
    verdict: Verdict
    margin: float
    n_clips: int
    n_clusters: int
    cluster: str
    is_reliable: bool
    detectable: float


def compare_paired(
    base: NDArray[np.float64],
    new: NDArray[np.float64],
    clusters: Clusters,
    *,
    higher_is_better: bool,
    margin: float = 0.0,
    level: float = LEVEL,
) -> tuple[Comparison, ...]:
    """Compare new systems with their bases, clip by clip, Holm over all rows.

    A difference counts as better or worse where it is more than chance and not surely within the
    margin; as equivalent where it is surely within the margin (two one-sided tests); otherwise
    the set cannot tell. With fewer than `MIN_CLUSTERS` clusters only identical scores are judged.

    Args:
        base: Finite, shape (rows, clips).
        new: Finite, same shape; row i is compared with row i of `base`.
        clusters: Of the clips.
        higher_is_better: The metric's direction.
        margin: At least 0, in the metric's unit.
        level: 1 − error rate over all rows together, separately for claims of a difference and of
            equivalence.
    """
    found = estimate_means(new - base, clusters, level=level)
    p_values = p_differs(found)
    adjusted = holm(p_values)
    # Surely below +margin and surely above −margin.
    inside = np.maximum(p_larger(found, -margin), p_smaller(found, margin))
    identical = (new == base).all(axis=-1) & (clusters.count > 0)
    inside = holm(np.where(identical, 0.0, inside))
    detectable = minimum_detectable_effect(
        found.std_error, found.df, level=level, comparisons=max(1, len(base))
    )
    alpha = 1.0 - level
    verdicts = []
    for row in range(len(base)):
        judged = clusters.is_reliable or bool(identical[row])
        sign = found.mean[row] > 0 if higher_is_better else found.mean[row] < 0
        if judged and inside[row] <= alpha:
            verdicts.append(Verdict.EQUIVALENT)
        elif judged and adjusted[row] <= alpha:
            verdicts.append(Verdict.BETTER if sign else Verdict.WORSE)
        else:
            verdicts.append(Verdict.UNDECIDED)
    return tuple(
        Comparison(
            base_mean=float(base[row].mean()) if found.n_clips else float("nan"),
            new_mean=float(new[row].mean()) if found.n_clips else float("nan"),
            difference=float(found.mean[row]),
            low=float(found.low[row]),
            high=float(found.high[row]),
            p_value=float(p_values[row]),
            p_adjusted=float(adjusted[row]),
            verdict=verdicts[row],
            margin=margin,
            n_clips=found.n_clips,
            n_clusters=found.n_clusters,
            cluster=clusters.kind,
            is_reliable=clusters.is_reliable,
            detectable=float(detectable[row]),
        )
        for row in range(len(base))
    )
