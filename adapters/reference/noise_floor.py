"""The bottom anchor: noise without any speech, below which no score means anything."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from codecbench.adapters.base import OperatingPoint
from codecbench.adapters.reference.anchor import AnchorCodec, anchor_info, pcm_rate_bps
from codecbench.adapters.reference.noise import noise_as_loud_as
from codecbench.adapters.reference.settings import require_whole
from codecbench.core.audio import Audio


class NoiseFloorCodec(AnchorCodec):
    """Replaces the clip by white Gaussian noise of the same energy.

    Some metrics place it above speech in noise: tables that show low scores need it beside them.
    """

    violates: ClassVar[frozenset[str]] = frozenset({"delay"})

    def __init__(self, *, sample_rate: int = 16000) -> None:
        """Check the options.

        Args:
            sample_rate: In Hz, 1000 … 192000.

        Raises:
            UnsupportedSettingError: It is out of range.
        """
        rate = require_whole("noise_floor", "sample_rate", sample_rate, 1000, 192000)
        self.points = (OperatingPoint(name="noise", nominal_bps=pcm_rate_bps(rate)),)
        self.info = anchor_info(
            "noise_floor", rate, "white Gaussian noise", packages=("numpy",), causal=False
        )

    def treat(self, audio: Audio, point: OperatingPoint) -> NDArray[np.float64]:
        """Return noise."""
        return noise_as_loud_as(audio, "noise_floor", point.name)
