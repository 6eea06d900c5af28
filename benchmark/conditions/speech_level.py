"""The active speech level: how loud speech is while somebody speaks."""

import numpy as np
from numpy.typing import NDArray

_TIME_CONSTANT_S = 0.03
_HANGOVER_S = 0.2
_MARGIN_DB = 15.9
_THRESHOLDS = 15
"""Time constant, hangover, margin and number of thresholds: ITU-T P.56 (12/2011), table 1."""


def active_speech_level(samples: NDArray[np.floating], sample_rate: int) -> float:
    """Measure the active speech level by method B of ITU-T P.56.

    Args:
        samples: The signal, full scale 1, ``(samples,)``.
        sample_rate: In Hz.

    Returns:
        Level in dB relative to a signal whose root mean square is full scale (dBov); minus
        infinity for silence. A signal that no threshold tells from its pauses, such as steady
        noise or less than 0.2 s, gets its long-term level.

    Source:
        ITU-T P.56 (12/2011), method B.
    """
    from scipy.signal import lfilter

    x = np.asarray(samples, dtype=np.float64)
    energy = float(np.dot(x, x))
    if energy == 0.0:
        return float("-inf")
    g = np.exp(-1.0 / (_TIME_CONSTANT_S * sample_rate))
    envelope = lfilter([1 - g], [1, -g], lfilter([1 - g], [1, -g], np.abs(x)))
    hangover = int(np.ceil(_HANGOVER_S * sample_rate))
    at = np.arange(x.size)
    above = below = (0.0, 0.0)
    for exponent in range(-_THRESHOLDS, 0):
        threshold = 2.0**exponent
        last = np.maximum.accumulate(np.where(envelope >= threshold, at, -hangover))
        active = int(np.count_nonzero(at - last < hangover))
        if active == 0:
            break
        level = 10 * np.log10(energy / active)
        above, below = below, (level, level - 20 * np.log10(threshold))
        if below[1] <= _MARGIN_DB:
            if exponent == -_THRESHOLDS:
                return float(level)
            # On the straight line between the two thresholds, as the bisection of the standard.
            share = (above[1] - _MARGIN_DB) / (above[1] - below[1])
            return float(above[0] + share * (below[0] - above[0]))
    return float(10 * np.log10(energy / x.size))
