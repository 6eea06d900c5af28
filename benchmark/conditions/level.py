"""Speech that is too quiet or too loud."""

import numpy as np

from codecbench.benchmark.conditions.base import Draw, Treated, Treatment
from codecbench.benchmark.conditions.speech_level import active_speech_level
from codecbench.core.audio import Audio
from codecbench.core.errors import ConfigError


class LevelCondition(Treatment):
    """Brings the active speech level to so many dBov.

    Scored against the clean clip, the gain is undone in the decoded signal, as a listener turns
    the volume: what is left is what the codec does to quiet or loud speech, and what was clipped
    at full scale.
    """

    name = "level"
    definition = "active speech level of ITU-T P.56 brought to the value, clipped at full scale"
    source = "ITU-T P.56 (12/2011); levels as in ITU-T P.830 (02/1996), 6.2.1"

    def __init__(self, *, level: float) -> None:
        """Check the options.

        Args:
            level: Active speech level in dBov, -80 … 0; -26 is nominal.

        Raises:
            ConfigError: It is out of range.
        """
        if not -80 <= level <= 0:
            msg = f"condition 'level' takes -80 … 0 dBov, found {level:g}"
            raise ConfigError(msg)
        self._level = level

    def treat(self, audio: Audio, draw: Draw) -> Treated:
        """Scale."""
        found = active_speech_level(audio.samples, audio.sample_rate)
        if not np.isfinite(found):
            return Treated(audio=audio)
        gain = float(10 ** ((self._level - found) / 20))
        return Treated(audio=Audio.clip(audio.samples * gain, audio.sample_rate), gain=gain)
