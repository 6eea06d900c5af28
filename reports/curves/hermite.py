"""Piecewise cubic curves through points, many curves at once: PCHIP and Akima slopes, integrals.

The abscissae differ from curve to curve, as they do among resamples, which is why the classes of
scipy, that share one abscissa, cannot be used.
"""

from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Method: TypeAlias = Literal["pchip", "akima"]
METHODS: tuple[Method, ...] = ("pchip", "akima")
Floats = NDArray[np.float64]

_NEGLIGIBLE = 1e-9
"""Akima's weights below this share of the largest count as zero (as in scipy)."""


def slopes(x: Floats, y: Floats, method: Method) -> Floats:
    """Return the derivative of each curve at its points.

    Args:
        x: Strictly rising along the last axis, shape (…, points), at least three points.
        y: Same shape.
        method: "pchip" keeps monotone data monotone; "akima" is smoother and may overshoot.

    Source:
        Fritsch and Butland, SIAM J. Sci. Stat. Comput. 5 (1984) 300–304; Akima, J. ACM 17 (1970)
        589–602.
    """
    steps = np.diff(x, axis=-1)
    rises = np.diff(y, axis=-1) / steps
    return _pchip_slopes(steps, rises) if method == "pchip" else _akima_slopes(rises)


def integrate(x: Floats, y: Floats, method: Method, low: Floats, high: Floats) -> Floats:
    """Integrate each curve between two abscissae within its points.

    Args:
        x: Strictly rising along the last axis, shape (…, points), at least three points.
        y: Same shape.
        method: How to interpolate.
        low: Lower limits, shape (…).
        high: Upper limits, shape (…).

    Returns:
        Shape (…).
    """
    derivative = slopes(x, y, method)
    return _antiderivative(x, y, derivative, high) - _antiderivative(x, y, derivative, low)


def _pchip_slopes(steps: Floats, rises: Floats) -> Floats:
    before, after = rises[..., :-1], rises[..., 1:]
    weight_before = 2.0 * steps[..., 1:] + steps[..., :-1]
    weight_after = steps[..., 1:] + 2.0 * steps[..., :-1]
    turning = before * after <= 0.0
    safe_before, safe_after = np.where(turning, 1.0, before), np.where(turning, 1.0, after)
    harmonic = (weight_before + weight_after) / (
        weight_before / safe_before + weight_after / safe_after
    )
    inner = np.where(turning, 0.0, harmonic)
    first = _pchip_end(steps[..., 0], steps[..., 1], rises[..., 0], rises[..., 1])
    last = _pchip_end(steps[..., -1], steps[..., -2], rises[..., -1], rises[..., -2])
    return np.concatenate([first[..., None], inner, last[..., None]], axis=-1)


def _pchip_end(step: Floats, next_step: Floats, rise: Floats, next_rise: Floats) -> Floats:
    slope = ((2.0 * step + next_step) * rise - step * next_rise) / (step + next_step)
    slope = np.where(slope * rise <= 0.0, 0.0, slope)
    too_steep = (rise * next_rise <= 0.0) & (np.abs(slope) > 3.0 * np.abs(rise))
    return np.where(too_steep, 3.0 * rise, slope)


def _akima_slopes(rises: Floats) -> Floats:
    first, second = rises[..., :1], rises[..., 1:2]
    last, before_last = rises[..., -1:], rises[..., -2:-1]
    head = [3.0 * first - 2.0 * second, 2.0 * first - second]
    tail = [2.0 * last - before_last, 3.0 * last - 2.0 * before_last]
    m = np.concatenate([*head, rises, *tail], axis=-1)
    change = np.abs(np.diff(m, axis=-1))
    ahead, behind = change[..., 2:], change[..., :-2]
    total = ahead + behind
    weighted = ahead * m[..., 1:-2] + behind * m[..., 2:-1]
    plain = 0.5 * (m[..., 3:] + m[..., :-3])
    counts = total > _NEGLIGIBLE * total.max(axis=-1, keepdims=True)
    chosen: Floats = np.where(counts, weighted / np.where(counts, total, 1.0), plain)
    return chosen


def _antiderivative(x: Floats, y: Floats, derivative: Floats, at: Floats) -> Floats:
    """Integrate from the first point to `at`."""
    steps = np.diff(x, axis=-1)
    left, right = y[..., :-1], y[..., 1:]
    d_left, d_right = derivative[..., :-1], derivative[..., 1:]
    # Each segment's share that lies before `at`, from 0 to 1.
    t = np.clip((at[..., None] - x[..., :-1]) / steps, 0.0, 1.0)
    area = (
        left * (t - t**3 + t**4 / 2.0)
        + right * (t**3 - t**4 / 2.0)
        + steps * d_left * (t**2 / 2.0 - 2.0 * t**3 / 3.0 + t**4 / 4.0)
        + steps * d_right * (t**4 / 4.0 - t**3 / 3.0)
    )
    summed: Floats = (steps * area).sum(axis=-1)
    return summed
