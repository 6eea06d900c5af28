"""The additive-noise anchor: distortion that does not follow the signal."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from codecbench.adapters.base import OperatingPoint
from codecbench.adapters.reference.anchor import AnchorCodec, anchor_info, pcm_rate_bps
from codecbench.adapters.reference.content_noise import content_noise
from codecbench.adapters.reference.settings import (
    Number,
    point_number,
    rate_points,
    require_between,
    require_whole,
)
from codecbench.core.audio import Audio


class NoiseCodec(AnchorCodec):
    """Adds white Gaussian noise at a ratio of energies over the whole clip.

    The noise is scaled by its own energy, so the ratio is exact for each clip; silence gets none.
    """

    rate_option = "snr"

    def __init__(
        self, *, snr: float | Sequence[float] = (0.0, 10.0, 20.0), sample_rate: int = 16000
    ) -> None:
        """Check the options.

        Args:
            snr: Energy of the clip over energy of the noise in dB, -40 … 80.
            sample_rate: In Hz, 1000 … 192000.

        Raises:
            UnsupportedSettingError: An option is out of range.
        """
        rate = require_whole("noise", "sample_rate", sample_rate, 1000, 192000)

        def check(value: Number) -> Number:
            return require_between("noise", "snr", value, -40, 80)

        self.points = rate_points(
            "noise", "snr", snr, check=check, nominal_bps=lambda _: pcm_rate_bps(rate)
        )
        self.info = anchor_info(
            "noise", rate, "white Gaussian noise", packages=("numpy",), causal=False
        )

    def treat(self, audio: Audio, point: OperatingPoint) -> NDArray[np.float64]:
        """Add noise."""
        samples = audio.samples.astype(np.float64)
        ratio = 10.0 ** (-float(point_number(point, "snr")) / 20.0)
        noisy: NDArray[np.float64] = samples + ratio * noise_as_loud_as(audio, "noise", point.name)
        return noisy


def noise_as_loud_as(audio: Audio, kind: str, parameter: str) -> NDArray[np.float64]:
    """Return the clip's own white Gaussian noise with exactly the energy of the clip."""
    noise = content_noise(kind, audio, parameter)
    energy = float(np.sum(audio.samples.astype(np.float64) ** 2))
    scaled: NDArray[np.float64] = noise * np.sqrt(energy / np.sum(noise**2))
    return scaled
