"""Which points nobody beats in both rate and quality."""

import numpy as np
from numpy.typing import NDArray


def pareto_front(
    rates_bps: NDArray[np.float64], scores: NDArray[np.float64], *, higher_is_better: bool = True
) -> NDArray[np.bool_]:
    """Mark the points on the Pareto front.

    A point is off the front where another one spends no more bits and scores no worse, and is
    better in at least one of the two.

    Args:
        rates_bps: Shape (points,); NaN is never on the front.
        scores: Shape (points,); NaN is never on the front.
        higher_is_better: The metric's direction.

    Returns:
        Shape (points,).
    """
    quality = scores if higher_is_better else -scores
    known = np.isfinite(rates_bps) & np.isfinite(quality)
    cheaper = rates_bps[:, None] <= rates_bps[None, :]
    better = quality[:, None] >= quality[None, :]
    strictly = (rates_bps[:, None] < rates_bps[None, :]) | (quality[:, None] > quality[None, :])
    beaten = (cheaper & better & strictly & known[:, None]).any(axis=0)
    front: NDArray[np.bool_] = known & ~beaten
    return front
