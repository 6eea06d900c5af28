"""The modulated noise reference unit: noise that follows the signal, on a scale in decibels."""

import hashlib
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


class MnruCodec(AnchorCodec):
    """y = x · (1 + 10^(-Q/20) · n) with white Gaussian noise n of unit variance.

    P.810-style, not conformant: without the filters of the standard's chain, and with a noise
    generator of our own. The noise is seeded by the content of the clip and Q, so that it is the
    same wherever and whenever the clip is treated, and another for each clip and each Q.

    Source:
        ITU-T P.810 (03/2023), equation of the modulated noise reference unit.
    """

    rate_option = "q"

    def __init__(
        self,
        *,
        q: float | Sequence[float] = (5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0),
        sample_rate: int = 16000,
    ) -> None:
        """Check the options.

        Args:
            q: Ratio of speech to modulated noise in dB, -20 … 80.
            sample_rate: In Hz, 1000 … 192000.

        Raises:
            UnsupportedSettingError: An option is out of range.
        """
        rate = require_whole("mnru", "sample_rate", sample_rate, 1000, 192000)

        def check(value: Number) -> Number:
            return require_between("mnru", "q", value, -20, 80)

        self.points = rate_points(
            "mnru", "q", q, check=check, nominal_bps=lambda _: pcm_rate_bps(rate)
        )
        self.info = anchor_info("mnru", rate, "ITU-T P.810 (03/2023), P.810-style")

    def treat(self, audio: Audio, point: OperatingPoint) -> NDArray[np.float64]:
        """Modulate."""
        samples = audio.samples.astype(np.float64)
        gain = 10.0 ** (-float(point_number(point, "q")) / 20.0)
        noise = content_noise("mnru", audio, point.name)
        treated: NDArray[np.float64] = samples * (1.0 + gain * noise)
        return treated


def content_noise(kind: str, audio: Audio, parameter: str) -> NDArray[np.float64]:
    """Return white Gaussian noise of unit variance that depends on the clip's content alone.

    Args:
        kind: Name of the anchor.
        audio: The clip; its samples and rate seed the noise.
        parameter: Value of the anchor's option.

    Returns:
        float64 ``(samples,)``.
    """
    digest = hashlib.sha256(f"{kind}|{audio.sha256}|{parameter}".encode()).digest()
    seed = int.from_bytes(digest[:8], "little")
    return np.random.Generator(np.random.PCG64(seed)).standard_normal(audio.n_samples)
