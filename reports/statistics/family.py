"""Many paired comparisons judged together, each with its own clips, direction and tolerance."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codecbench.reports.statistics.clusters import Clusters
from codecbench.reports.statistics.comparison import Comparison, Verdict
from codecbench.reports.statistics.estimates import (
    LEVEL,
    Estimates,
    estimate_means,
    p_differs,
    p_larger,
    p_smaller,
)
from codecbench.reports.statistics.multiplicity import holm
from codecbench.reports.statistics.power import clusters_needed, minimum_detectable_effect


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Scores of a base and of a new system on the same clips.

    Attributes:
        base: Finite, shape (clips,).
        new: Finite, same shape.
        clusters: Of the clips.
        higher_is_better: The metric's direction.
        tolerance: Losses up to this size are accepted; at least 0, in the metric's unit.
    """

    base: NDArray[np.float64]
    new: NDArray[np.float64]
    clusters: Clusters
    higher_is_better: bool
    tolerance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One comparison of a family.

    Attributes:
        comparison: Its estimate and verdict; the adjusted p-value is over the family.
        loss: By how much the new system is worse, in the metric's unit; negative where better.
        is_identical: Whether every clip has the same score twice.
        is_sure: Whether the new system differs by more than chance, over the whole family.
        is_harmless: Whether the loss is surely below the tolerance. Not adjusted: to say it of
            all members, each must be shown alone (Berger, Technometrics 24 (1982) 295–300).
        clips_needed: So many clips of this kind would show a loss of the tolerance's size with
            probability 0.8; None where nothing is known of the spread.
        clips_to_decide: So many would keep the interval off the tolerance, if the change stays.
    """

    comparison: Comparison
    loss: float
    is_identical: bool
    is_sure: bool
    is_harmless: bool
    clips_needed: int | None
    clips_to_decide: int | None


def judge_family(pairs: Sequence[Pairs], *, level: float = LEVEL) -> tuple[Judged, ...]:
    """Compare all pairs, with at most the stated chance of any false claim of a difference.

    Args:
        pairs: One per metric, point and condition; one without clips is judged undecided.
        level: 1 − error rate over the family, separately for claims of a difference and of
            equivalence.
    """
    found = [_estimate(each, level) for each in pairs]
    differs = np.array([float(p_differs(one)[0]) for one in found])
    within = np.array(
        [_p_within(one, each) for one, each in zip(found, pairs, strict=True)], dtype=np.float64
    )
    adjusted, inside = holm(differs), holm(within)
    return tuple(
        _judge(each, one, (differs[row], adjusted[row], inside[row]), len(pairs), level)
        for row, (each, one) in enumerate(zip(pairs, found, strict=True))
    )


def _estimate(pairs: Pairs, level: float) -> Estimates:
    return estimate_means((pairs.new - pairs.base)[None, :], pairs.clusters, level=level)


def _is_identical(pairs: Pairs) -> bool:
    return bool(pairs.base.size and (pairs.new == pairs.base).all())


def _p_within(found: Estimates, pairs: Pairs) -> float:
    """Return the p-value of the difference lying outside ± the tolerance."""
    if _is_identical(pairs):
        return 0.0
    tails = p_larger(found, -pairs.tolerance), p_smaller(found, pairs.tolerance)
    return float(np.maximum(*tails)[0])


def _judge(
    pairs: Pairs,
    found: Estimates,
    p_values: tuple[float, float, float],
    family: int,
    level: float,
) -> Judged:
    p_value, adjusted, inside = p_values
    alpha = 1.0 - level
    identical = _is_identical(pairs)
    usable = pairs.clusters.is_reliable or identical
    change = float(found.mean[0])
    loss = -change if pairs.higher_is_better else change
    sure = bool(usable and adjusted <= alpha)
    beyond = p_larger if pairs.higher_is_better else p_smaller
    edge = -pairs.tolerance if pairs.higher_is_better else pairs.tolerance
    harmless = usable and (identical or float(beyond(found, edge)[0]) <= alpha)
    if usable and inside <= alpha:
        verdict = Verdict.EQUIVALENT
    elif sure:
        verdict = Verdict.WORSE if loss > 0 else Verdict.BETTER
    else:
        verdict = Verdict.UNDECIDED
    detectable = minimum_detectable_effect(
        found.std_error, found.df, level=level, comparisons=family
    )
    comparison = Comparison(
        base_mean=float(pairs.base.mean()) if pairs.base.size else math.nan,
        new_mean=float(pairs.new.mean()) if pairs.new.size else math.nan,
        difference=change,
        low=float(found.low[0]),
        high=float(found.high[0]),
        p_value=float(p_value),
        p_adjusted=float(adjusted),
        verdict=verdict,
        margin=pairs.tolerance,
        n_clips=found.n_clips,
        n_clusters=found.n_clusters,
        cluster=pairs.clusters.kind,
        is_reliable=pairs.clusters.is_reliable,
        detectable=float(detectable[0]),
    )
    return Judged(
        comparison=comparison,
        loss=loss,
        is_identical=identical,
        is_sure=sure,
        is_harmless=bool(harmless),
        clips_needed=_clips(found, pairs.tolerance, level, family),
        clips_to_decide=_clips(found, abs(pairs.tolerance - loss), level, 1),
    )


def _clips(found: Estimates, effect: float, level: float, family: int) -> int | None:
    std_error = float(found.std_error[0])
    if not std_error > 0.0:
        return None
    needed = clusters_needed(effect, std_error, found.n_clusters, level=level, comparisons=family)
    return None if needed is None else math.ceil(needed * found.n_clips / found.n_clusters)
