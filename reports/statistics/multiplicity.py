"""Many comparisons at once: Holm's procedure."""

import numpy as np
from numpy.typing import NDArray


def holm(p_values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Adjust p-values so that the chance of any false rejection stays below the level.

    Args:
        p_values: Any shape; NaN is a comparison that could not be made and does not count.

    Returns:
        Same shape; compare with the level itself. NaN where it was NaN.

    Source:
        Holm, Scandinavian Journal of Statistics 6 (1979) 65–70.
    """
    flat = p_values.ravel()
    places = np.flatnonzero(~np.isnan(flat))
    order = places[np.argsort(flat[places], kind="stable")]
    steps = np.arange(order.size, 0, -1)
    adjusted = np.full(flat.size, np.nan)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(flat[order] * steps))
    return adjusted.reshape(p_values.shape)
