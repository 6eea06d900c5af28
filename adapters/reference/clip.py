"""The clipping anchor: peaks cut off."""

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
    require_between,
    require_whole,
)
from codecbench.core.audio import Audio


class ClipCodec(AnchorCodec):
    """Limits each sample to a level below the clip's own peak, without making up for loudness."""

    rate_option = "level"
    violates: ClassVar[frozenset[str]] = frozenset({"gain"})

    def __init__(
        self, *, level: float | Sequence[float] = (-20.0, -10.0, -5.0), sample_rate: int = 16000
    ) -> None:
        """Check the options.

        Args:
            level: Limit in dB relative to the largest magnitude in the clip, -60 … 0; a clip
                limited at 0 dB is unchanged.
            sample_rate: In Hz, 1000 … 192000.

        Raises:
            UnsupportedSettingError: An option is out of range.
        """
        rate = require_whole("clip", "sample_rate", sample_rate, 1000, 192000)

        def check(value: Number) -> Number:
            return require_between("clip", "level", value, -60, 0)

        self.points = rate_points(
            "clip", "level", level, check=check, nominal_bps=lambda _: pcm_rate_bps(rate)
        )
        self.info = anchor_info("clip", rate, "hard limiter", causal=False)

    def treat(self, audio: Audio, point: OperatingPoint) -> NDArray[np.float64]:
        """Limit."""
        samples = audio.samples.astype(np.float64)
        limit = np.abs(samples).max() * 10.0 ** (float(point_number(point, "level")) / 20.0)
        limited: NDArray[np.float64] = np.clip(samples, -limit, limit)
        return limited
