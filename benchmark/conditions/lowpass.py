"""Speech whose upper band was lost before."""

import numpy as np

from codecbench.adapters.reference.lowpass import filter_centred, lowpass_taps
from codecbench.benchmark.conditions.base import Draw, Treated, Treatment
from codecbench.core.audio import Audio
from codecbench.core.errors import ConfigError


class LowpassCondition(Treatment):
    """Filters with the linear-phase filter of the anchor `lowpass`, without delay.

    A clip whose band ends at the cutoff anyway is left alone.
    """

    name = "lowpass"
    definition = "1001 taps, Kaiser window of beta 10.06, half amplitude at the cutoff, no delay"
    source = "as the anchor: ITU-R BS.1534-3, section 5.1"

    def __init__(self, *, lowpass: float) -> None:
        """Check the options.

        Args:
            lowpass: Cutoff in Hz, 100 … 24000.

        Raises:
            ConfigError: It is out of range.
        """
        if not 100 <= lowpass <= 24000:
            msg = f"condition 'lowpass' takes 100 … 24000 Hz, found {lowpass:g}"
            raise ConfigError(msg)
        self._cutoff = lowpass

    def treat(self, audio: Audio, draw: Draw) -> Treated:
        """Filter."""
        cutoff = self._cutoff / audio.sample_rate
        if cutoff >= 0.498:  # of cycles per sample: the transition band would not fit
            return Treated(audio=audio)
        filtered = filter_centred(audio.samples.astype(np.float64), lowpass_taps(cutoff))
        return Treated(audio=Audio.clip(filtered.astype(np.float32), audio.sample_rate))
