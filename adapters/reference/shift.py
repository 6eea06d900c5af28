"""The delay anchor: what a metric charges for misalignment alone."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from codecbench.adapters.base import OperatingPoint
from codecbench.adapters.reference.anchor import AnchorCodec, anchor_info, pcm_rate_bps
from codecbench.adapters.reference.settings import (
    Number,
    point_number,
    rate_points,
    require_whole,
)
from codecbench.core.audio import Audio

_MAX_SHIFT = 192000


class ShiftCodec(AnchorCodec):
    """Delays the clip by whole samples; zeros come in, and what leaves the clip is lost.

    It violates the contract of alignment on purpose.
    """

    rate_option = "delay"
    violates: ClassVar[frozenset[str]] = frozenset({"delay"})

    def __init__(
        self, *, delay: int | Sequence[int] = (1, 16, 160), sample_rate: int = 16000
    ) -> None:
        """Check the options.

        Args:
            delay: In samples, -192000 … 192000; negative is too early.
            sample_rate: In Hz, 1000 … 192000.

        Raises:
            UnsupportedSettingError: An option is out of range.
        """
        rate = require_whole("shift", "sample_rate", sample_rate, 1000, 192000)

        def check(value: Number) -> Number:
            return require_whole("shift", "delay", value, -_MAX_SHIFT, _MAX_SHIFT)

        self.points = rate_points(
            "shift", "delay", delay, check=check, nominal_bps=lambda _: pcm_rate_bps(rate)
        )
        early = max(0, -min(int(point_number(point, "delay")) for point in self.points))
        self.info = anchor_info("shift", rate, "delay line", lookahead_samples=early)

    def treat(self, audio: Audio, point: OperatingPoint) -> NDArray[np.float64]:
        """Shift."""
        delay = int(point_number(point, "delay"))
        out = np.zeros(audio.n_samples)
        kept = max(0, audio.n_samples - abs(delay))
        source, target = max(0, -delay), max(0, delay)
        out[target : target + kept] = audio.samples[source : source + kept]
        return out
