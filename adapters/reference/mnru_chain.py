"""Filters around the modulator in the style of ITU-T's software tools: DC removal and a low-pass.

The standard's tools remove DC with (1 - z^-1) / (1 - 0.985 z^-1) before the modulator and limit
the band behind it with two recursive sections at 3.4/8 of the sample rate. The low-pass here is a
design of our own, a Butterworth filter of fourth order at that frequency, so the result is in the
style of the standard and not conformant.

Source:
    ITU-T G.191, Software tool library, module MNRU; ITU-T P.810 (03/2023).
"""

import numpy as np
from numpy.typing import NDArray

_DC_POLE = 0.985
_CUTOFF = 3.4 / 8.0
"""In cycles per sample: 3.4 kHz at 8 kHz."""


def remove_dc(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Apply (1 - z^-1) / (1 - 0.985 z^-1)."""
    from scipy.signal import lfilter

    filtered: NDArray[np.float64] = lfilter([1.0, -1.0], [1.0, -_DC_POLE], signal)
    return filtered


def limit_band(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Apply two second-order sections that make a Butterworth low-pass of fourth order."""
    from scipy.signal import sosfilt

    filtered: NDArray[np.float64] = sosfilt(band_sections(), signal)
    return filtered


def band_sections() -> NDArray[np.float64]:
    """Design the two sections by the bilinear transform.

    Returns:
        ``(2, 6)``: b0 b1 b2 1 a1 a2 of each section.

    Source:
        Oppenheim and Schafer, Discrete-Time Signal Processing, section 7.2.
    """
    warped = np.tan(np.pi * _CUTOFF)
    sections = np.zeros((2, 6))
    for row, angle in enumerate((np.pi / 8, 3 * np.pi / 8)):
        damping = 2 * np.cos(angle)
        scale = 1 + damping * warped + warped**2
        gain = warped**2 / scale
        sections[row, :3] = gain, 2 * gain, gain
        sections[row, 3] = 1.0
        sections[row, 4] = 2 * (warped**2 - 1) / scale
        sections[row, 5] = (1 - damping * warped + warped**2) / scale
    return sections
