"""Ranks that the data support: intervals of ranks, and groups that do not differ."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codecbench.reports.statistics.clusters import Clusters
from codecbench.reports.statistics.estimates import (
    LEVEL,
    Estimates,
    estimate_from_sums,
    p_differs,
)
from codecbench.reports.statistics.multiplicity import holm
from codecbench.reports.statistics.power import minimum_detectable_effect


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """All pairs of systems on the same clips.

    Attributes:
        first: Row of the first system of each pair, shape (pairs,).
        second: Row of the second.
        difference: First minus second, with intervals for each pair alone.
        p_adjusted: Of no difference, after Holm over all pairs, shape (pairs,).
    """

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    difference: Estimates
    p_adjusted: NDArray[np.float64]

    def matrix(self, n_systems: int, *, level: float = LEVEL) -> NDArray[np.int8]:
        """Return 1 where the row's mean is surely larger than the column's, −1 where smaller, 0.

        Args:
            n_systems: How many systems there are.
            level: 1 − chance of any wrong entry.
        """
        signs = np.where(self.p_adjusted <= 1.0 - level, np.sign(self.difference.mean), 0)
        table = np.zeros((n_systems, n_systems), dtype=np.int8)
        table[self.first, self.second] = signs
        table[self.second, self.first] = -signs
        return table

    def detectable(self, *, level: float = LEVEL) -> float | None:
        """Return the true difference that would be found with probability 0.8, at the first step.

        Returns:
            The median over all pairs; None where there are none or nothing is known.
        """
        found = minimum_detectable_effect(
            self.difference.std_error,
            self.difference.df,
            level=level,
            comparisons=max(1, self.first.size),
        )
        known = found[np.isfinite(found)]
        return float(np.median(known)) if known.size else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rank:
    """Where one system stands among those compared.

    Attributes:
        place: Place by its mean, from 1; equal means share one.
        best: Best rank that the data allow, from 1.
        worst: Worst rank that they allow. All these intervals hold together at the level.
        groups: Letters; two systems share one exactly where they do not differ surely.
        is_first: Whether no system is surely better.
        beats_all: Whether it is surely better than every other one.
    """

    place: int
    best: int
    worst: int
    groups: str
    is_first: bool
    beats_all: bool


def compare_all(values: NDArray[np.float64], clusters: Clusters, *, level: float = LEVEL) -> Pairs:
    """Compare each pair of systems, clip by clip, with Holm over all pairs.

    Args:
        values: Finite, shape (systems, clips).
        clusters: Of the clips.
        level: Coverage of each interval.
    """
    first, second = np.triu_indices(len(values), k=1)
    sums = clusters.sums(values)
    means = values.mean(axis=-1) if values.shape[-1] else np.full(len(values), np.nan)
    scale = np.abs(values).max(axis=-1, initial=0.0)
    difference = estimate_from_sums(
        sums[first] - sums[second],
        clusters.sizes,
        level=level,
        mean=means[first] - means[second],
        scale=np.maximum(scale[first], scale[second]),
    )
    return Pairs(
        first=first,
        second=second,
        difference=difference,
        p_adjusted=holm(p_differs(difference)),
    )


def rank_systems(
    values: NDArray[np.float64],
    clusters: Clusters,
    *,
    higher_is_better: bool,
    level: float = LEVEL,
    may_lead: NDArray[np.bool_] | None = None,
    pairs: Pairs | None = None,
) -> tuple[Rank, ...] | None:
    """Rank systems as far as the data support it.

    Args:
        values: Finite, shape (systems, clips); the clips that all of them have.
        clusters: Of the clips.
        higher_is_better: The metric's direction.
        level: 1 − chance of any wrong statement.
        may_lead: Whether the row may stand above the column at all, shape (systems, systems); a
            system with failures must also lead where they count as the worst score.
        pairs: From `compare_all`, where they are at hand.

    Returns:
        One per system; None where there are too few clusters for any ranking.

    Source:
        Ranks from simultaneous tests of all pairs: Al Mohamad, Goeman and van Zwet, "Simultaneous
        confidence intervals for ranks with application to ranking institutions", with Holm's
        procedure in place of Tukey's.
    """
    if not clusters.is_reliable or not len(values):
        return None
    pairs = compare_all(values, clusters, level=level) if pairs is None else pairs
    surely = pairs.matrix(len(values), level=level)
    means = values.mean(axis=-1)
    if not higher_is_better:
        surely, means = -surely, -means
    if may_lead is not None:
        surely = np.where((surely > 0) & ~may_lead | (surely < 0) & ~may_lead.T, 0, surely)
    letters = group_letters(surely != 0, np.argsort(-means, kind="stable"))
    better, worse = (surely < 0).sum(axis=1), (surely > 0).sum(axis=1)
    return tuple(
        Rank(
            place=1 + int((means > means[row]).sum()),
            best=1 + int(better[row]),
            worst=len(values) - int(worse[row]),
            groups=letters[row],
            is_first=int(better[row]) == 0,
            beats_all=int(worse[row]) == len(values) - 1,
        )
        for row in range(len(values))
    )


def group_letters(differ: NDArray[np.bool_], order: NDArray[np.intp]) -> list[str]:
    """Give systems letters so that two share one exactly where they do not differ.

    Args:
        differ: Which pairs differ, symmetric, shape (systems, systems).
        order: Systems from best to worst; "a" goes to the group of the best.

    Returns:
        Letters of each system, in the order of the rows.

    Source:
        Piepho, Journal of Computational and Graphical Statistics 13 (2004) 456–466 (insert and
        absorb).
    """
    rank_of = np.argsort(order).tolist()
    # A group is a number whose bit r is set where the system of rank r is in it.
    groups = {(1 << len(differ)) - 1}
    for one, other in zip(*np.nonzero(np.triu(differ, k=1)), strict=True):
        bits = 1 << rank_of[one], 1 << rank_of[other]
        torn = [group for group in groups if group & bits[0] and group & bits[1]]
        groups.difference_update(torn)
        for part in {group & ~bit for group in torn for bit in bits}:
            if not any(part & larger == part for larger in groups):
                groups.add(part)
    ranked = sorted(groups, key=lambda group: (group & -group, group))
    return [
        "".join(
            _letters(number) for number, group in enumerate(ranked) if group >> rank_of[row] & 1
        )
        for row in range(len(differ))
    ]


def _letters(number: int) -> str:
    """Return a, b, …, z, then a1, b1 and so on."""
    turn, place = divmod(number, 26)
    return chr(ord("a") + place) + (str(turn) if turn else "")
