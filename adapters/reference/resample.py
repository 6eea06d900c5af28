"""The band-limit anchor: down to another sample rate and back."""

from collections.abc import Sequence

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
from codecbench.core.resampling import RESAMPLER, resample


class ResampleCodec(AnchorCodec):
    """Resamples to `rate` and back, both times with the harness's one resampler.

    What a codec that works at `rate` loses before it has coded anything.
    """

    rate_option = "rate"

    def __init__(
        self, *, rate: int | Sequence[int] = (4000, 8000, 12000), sample_rate: int = 16000
    ) -> None:
        """Check the options.

        Args:
            rate: The lower sample rate in Hz, 1000 … `sample_rate` - 1.
            sample_rate: In Hz, 2000 … 192000.

        Raises:
            UnsupportedSettingError: An option is out of range.
        """
        native = require_whole("resample", "sample_rate", sample_rate, 2000, 192000)

        def check(value: Number) -> Number:
            return require_whole("resample", "rate", value, 1000, native - 1)

        self.points = rate_points(
            "resample", "rate", rate, check=check, nominal_bps=lambda _: pcm_rate_bps(native)
        )
        self.info = anchor_info("resample", native, RESAMPLER, packages=("soxr",), causal=False)

    def treat(self, audio: Audio, point: OperatingPoint) -> NDArray[np.float64]:
        """Resample twice; a length that does not divide is cut, or filled up with zeros."""
        low = resample(audio, int(point_number(point, "rate")))
        back = resample(low, audio.sample_rate).samples[: audio.n_samples]
        out = np.zeros(audio.n_samples)
        out[: back.size] = back
        return out
