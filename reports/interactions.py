"""Does a group of clips fare differently with one system than with its peers at the same rate?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from codecbench.reports.curve_data import CurveSet
from codecbench.reports.curves.equal_rate import scores_at_rate
from codecbench.reports.statistics.clusters import Clusters
from codecbench.reports.statistics.estimates import LEVEL, Estimates, p_differs
from codecbench.reports.statistics.groups import contrast_group
from codecbench.reports.statistics.multiplicity import holm

MIN_PEERS = 2
"""Systems that must remain as the measure of the others when one is set aside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerScores:
    """Each point's scores, and those of every other system at its measured rate.

    Attributes:
        keys: Codec and point of each row.
        scores: Shape (rows, clips).
        system: Number of each row's system, shape (rows,).
        peers: Scores of each system at the row's rate, shape (rows, systems, clips); 0 where there
            are none.
        reached: Where there are some, shape (rows, systems); never the row's own system.
    """

    keys: tuple[tuple[str, str], ...]
    scores: NDArray[np.float64]
    system: NDArray[np.intp]
    peers: NDArray[np.float64]
    reached: NDArray[np.bool_]

    @classmethod
    def of(cls, curves: CurveSet) -> Self:
        """Interpolate every system's curve at every other system's points."""
        every = list(curves.curves.values())
        keys = [(curve.name, point) for curve in every for point in curve.points]
        system = np.repeat(np.arange(len(every)), [len(curve.points) for curve in every])
        rates = np.concatenate([curve.rates_bps for curve in every])
        scores = np.concatenate([curve.scores for curve in every])
        peers = np.zeros((len(keys), len(every), scores.shape[1]))
        reached = np.zeros((len(keys), len(every)), dtype=bool)
        for row, rate in enumerate(rates):
            for number, curve in enumerate(every):
                at = scores_at_rate(curve, float(rate)) if number != system[row] else None
                if at is not None and at.scores is not None:
                    peers[row, number], reached[row, number] = at.scores, True
        return cls(keys=tuple(keys), scores=scores, system=system, peers=peers, reached=reached)


def find_interactions(
    peers: PeerScores,
    sides: Sequence[NDArray[np.bool_]],
    clusters: Clusters,
    *,
    level: float = LEVEL,
) -> tuple[list[Estimates], NDArray[np.float64]]:
    """Contrast each group with the other clips, row by row, against the peers of the row.

    The system that stands out most is set aside and the others are judged without it, until
    nothing stands out: one odd system must not make all others look odd.

    Args:
        peers: The scores.
        sides: Which clips are in each group, each of shape (clips,), at least two groups.
        clusters: Of the clips.
        level: 1 − chance of any false finding.

    Returns:
        One estimate per group, and adjusted p-values of shape (groups, rows); NaN where a row has
        no peer at its rate.
    """
    measure = np.ones(peers.reached.shape[1], dtype=bool)
    while True:
        contrasts, adjusted = _contrast(peers, sides, clusters, measure, level)
        standing = np.where(measure[peers.system] & np.isfinite(adjusted), adjusted, 2.0)
        row = int(np.unravel_index(int(np.argmin(standing)), standing.shape)[1])
        if standing[:, row].min() > 1.0 - level or measure.sum() <= MIN_PEERS:
            return contrasts, adjusted
        measure[peers.system[row]] = False


def _contrast(
    peers: PeerScores,
    sides: Sequence[NDArray[np.bool_]],
    clusters: Clusters,
    measure: NDArray[np.bool_],
    level: float,
) -> tuple[list[Estimates], NDArray[np.float64]]:
    weights = (peers.reached & measure).astype(np.float64)
    counts = weights.sum(axis=1)
    of_peers = np.einsum("rs,rsc->rc", weights, peers.peers) / np.maximum(counts, 1.0)[:, None]
    contrasts = [
        contrast_group(peers.scores - of_peers, side, clusters, level=level) for side in sides
    ]
    p_values = np.stack([p_differs(one) for one in contrasts])
    p_values[:, counts == 0.0] = np.nan
    # Of two groups each is the other's complement: one and the same test.
    if len(sides) == 2:
        return contrasts, np.tile(holm(p_values[0]), (2, 1))
    return contrasts, holm(p_values)
