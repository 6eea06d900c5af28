"""A logarithmic axis with round numbers as its labels."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def set_log_axis(axes: "Axes", values: NDArray[np.float64]) -> None:
    """Make x logarithmic and label round numbers, whatever part of a decade is shown.

    Args:
        axes: Whose x axis.
        values: What is shown along it, positive, any number of them.
    """
    from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

    low, high = (float(values.min()), float(values.max())) if values.size else (1.0, 10.0)
    low, high = low / 1.15, high * 1.15
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    for steps in ((1, 10), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 4, 6, 8), tuple(range(10, 100, 2))):
        unit = 10.0 if steps[0] == 10 else 1.0
        decades = range(-6, 9)
        ticks = sorted({round(s / unit * 10.0**d, 9) for d in decades for s in steps})
        ticks = [tick for tick in ticks if low <= tick <= high]
        if len(ticks) >= 4:
            break
    ticks = ticks[:: -(-len(ticks) // 10)]
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_major_formatter(FixedFormatter([f"{tick:g}" for tick in ticks]))
    axes.xaxis.set_minor_locator(NullLocator())
