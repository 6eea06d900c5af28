"""The modulated noise reference unit: noise that follows the signal, on a scale in decibels."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from codecbench.adapters.base import OperatingPoint
from codecbench.adapters.reference.anchor import AnchorCodec, anchor_info, pcm_rate_bps
from codecbench.adapters.reference.content_noise import content_noise
from codecbench.adapters.reference.mnru_chain import limit_band, remove_dc
from codecbench.adapters.reference.settings import (
    Number,
    point_number,
    rate_points,
    require_between,
    require_choice,
    require_whole,
)
from codecbench.core.audio import Audio


class MnruCodec(AnchorCodec):
    """y = x · (1 + 10^(-Q/20) · n) with white Gaussian noise n of unit variance.

    P.810-style, not conformant: the noise generator is our own, and the filters of the standard's
    chain are left out, or with ``chain=stl`` replaced by a design of our own, which turns phases
    and so lowers waveform metrics such as SI-SDR.

    The noise is seeded by the content of the clip and Q, so that it is the same wherever and
    whenever the clip is treated, and another for each clip and each Q.

    Source:
        ITU-T P.810 (03/2023), equation of the modulated noise reference unit.
    """

    rate_option = "q"

    def __init__(
        self,
        *,
        q: float | Sequence[float] = (5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0),
        chain: str = "plain",
        sample_rate: int = 16000,
    ) -> None:
        """Check the options.

        Args:
            q: Ratio of speech to modulated noise in dB, -20 … 80.
            chain: "plain", the formula alone, or "stl", with filters in the style of the ITU's
                software tool library: DC removal before, a low-pass behind.
            sample_rate: In Hz, 1000 … 192000.

        Raises:
            UnsupportedSettingError: An option is out of range.
        """
        self._chain = require_choice("mnru", "chain", chain, ("plain", "stl"))
        rate = require_whole("mnru", "sample_rate", sample_rate, 1000, 192000)

        def check(value: Number) -> Number:
            return require_between("mnru", "q", value, -20, 80)

        self.points = rate_points(
            "mnru", "q", q, check=check, nominal_bps=lambda _: pcm_rate_bps(rate)
        )
        self.info = anchor_info(
            "mnru",
            rate,
            "ITU-T P.810 (03/2023), P.810-style",
            packages=("numpy",),
            # The whole clip seeds its noise.
            causal=False,
        )

    def treat(self, audio: Audio, point: OperatingPoint) -> NDArray[np.float64]:
        """Modulate."""
        samples = audio.samples.astype(np.float64)
        gain = 10.0 ** (-float(point_number(point, "q")) / 20.0)
        noise = content_noise("mnru", audio, point.name)
        if self._chain == "stl":
            return limit_band(remove_dc(samples) * (1.0 + gain * noise))
        treated: NDArray[np.float64] = samples * (1.0 + gain * noise)
        return treated
