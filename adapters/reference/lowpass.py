"""The low-pass anchors: all that a listener loses with bandwidth alone."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from codecbench.adapters.base import OperatingPoint
from codecbench.adapters.reference.anchor import AnchorCodec, anchor_info, pcm_rate_bps
from codecbench.adapters.reference.settings import (
    Number,
    point_number,
    rate_points,
    require_between,
    require_whole,
)
from codecbench.core.audio import Audio

_TAPS = 1001
_KAISER_BETA = 10.06
"""Stop band about 100 dB down: beta = 0.1102 (A - 8.7), Kaiser, Proc. ISCAS 1974, pages 20–23."""


class LowpassCodec(AnchorCodec):
    """A linear-phase low-pass without delay.

    1001 taps of a sinc under a Kaiser window of beta 10.06, unity gain at 0 Hz, half amplitude at
    the cutoff; the signal is taken as zero outside the clip.

    Source:
        3.5 kHz and 7 kHz are the anchors of ITU-R BS.1534-3, section 5.1.
    """

    rate_option = "cutoff"

    def __init__(
        self, *, cutoff: float | Sequence[float] = (3500.0, 7000.0), sample_rate: int = 16000
    ) -> None:
        """Check the options.

        Args:
            cutoff: Frequency of half amplitude in Hz, above 0.2 % and below 49.8 % of the sample
                rate, so that the transition band lies inside.
            sample_rate: In Hz, 1000 … 192000.

        Raises:
            UnsupportedSettingError: An option is out of range.
        """
        rate = require_whole("lowpass", "sample_rate", sample_rate, 1000, 192000)

        def check(value: Number) -> Number:
            return require_between("lowpass", "cutoff", value, 0.002 * rate, 0.498 * rate)

        self.points = rate_points(
            "lowpass", "cutoff", cutoff, check=check, nominal_bps=lambda _: pcm_rate_bps(rate)
        )
        self.info = anchor_info(
            "lowpass",
            rate,
            "ITU-R BS.1534-3, section 5.1",
            packages=("numpy",),
            lookahead_samples=_TAPS // 2,
        )

    def treat(self, audio: Audio, point: OperatingPoint) -> NDArray[np.float64]:
        """Filter."""
        taps = lowpass_taps(float(point_number(point, "cutoff")) / audio.sample_rate)
        return filter_centred(audio.samples.astype(np.float64), taps)


def lowpass_taps(cutoff: float) -> NDArray[np.float64]:
    """Design the filter.

    Args:
        cutoff: Frequency of half amplitude in cycles per sample, in (0, 0.5).

    Returns:
        1001 coefficients whose sum is 1.
    """
    at = np.arange(_TAPS) - (_TAPS - 1) / 2
    taps: NDArray[np.float64] = np.sinc(2 * cutoff * at) * np.kaiser(_TAPS, _KAISER_BETA)
    unity: NDArray[np.float64] = taps / taps.sum()
    return unity


def filter_centred(signal: NDArray[np.float64], taps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Convolve with an odd number of taps and cut the delay off; same length as the signal."""
    full = signal.size + taps.size - 1
    size = 1 << (full - 1).bit_length()
    spectrum = np.fft.rfft(signal, size) * np.fft.rfft(taps, size)
    start = taps.size // 2
    return np.fft.irfft(spectrum, size)[start : start + signal.size]
