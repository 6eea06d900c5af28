"""Speech in noise: white, babble, or a recording."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codecbench.benchmark.conditions.base import Draw, Treated, Treatment
from codecbench.benchmark.conditions.speech_level import active_speech_level
from codecbench.core.audio import Audio
from codecbench.core.audio_file import AUDIO_SUFFIXES, read_audio
from codecbench.core.errors import ConfigError, UnknownNameError
from codecbench.core.fingerprint import Json, hash_file
from codecbench.core.resampling import resample
from codecbench.datasets.demo_set import DEMO_FOLDER

KINDS = ("babble", "white")
_TALKERS = 8


class NoiseCondition(Treatment):
    """Adds noise at a ratio of active speech level to noise level.

    ``white`` is Gaussian. ``babble`` is eight of the twelve voices of the demo set at equal active
    level, each from a place of its own on and around in a circle; its band ends at 8 kHz. A file
    is read from a random place on and around in a circle. The same clip gets the same noise at
    every ratio.
    """

    name = "noise"
    definition = (
        "noise added so that active speech level (ITU-T P.56) less root mean square of the noise "
        "is snr; babble: 8 demo voices; file: from a random start, circular; clipped at full scale"
    )
    source = "speech level: ITU-T P.56 (12/2011), method B"

    def __init__(self, *, noise: str, snr: float) -> None:
        """Check the options.

        Args:
            noise: "babble", "white", or the path of a sound file.
            snr: Speech to noise in dB, -30 … 100.

        Raises:
            UnknownNameError: Neither a kind of noise nor a sound file's name.
            ConfigError: The ratio is out of range, or the file is not there.
        """
        if noise not in KINDS:
            if not noise.lower().endswith(AUDIO_SUFFIXES):
                raise UnknownNameError("noise (or sound file)", noise, KINDS)
            if not Path(noise).expanduser().is_file():
                msg = f"condition 'noise': no such file {noise}"
                raise ConfigError(msg)
        if not -30 <= snr <= 100:
            msg = f"condition 'noise' takes snr of -30 … 100 dB, found {snr:g}"
            raise ConfigError(msg)
        self._noise = noise
        self._snr = snr

    def content(self) -> Json:
        """Return the hash of the file, or of the voices."""
        if self._noise == "white":
            return None
        if self._noise == "babble":
            return [hash_file(path) for path in _voices()]
        return hash_file(Path(self._noise).expanduser())

    def treat(self, audio: Audio, draw: Draw) -> Treated:
        """Add the noise; a silent clip is left alone."""
        speech = active_speech_level(audio.samples, audio.sample_rate)
        noise = self._draw_noise(audio, draw)
        power = float(np.mean(noise**2)) if noise.size else 0.0
        if not np.isfinite(speech) or power == 0.0:
            return Treated(audio=audio)
        gain = 10 ** ((speech - self._snr) / 20) / np.sqrt(power)
        mixed = audio.samples + gain * noise
        return Treated(audio=Audio.clip(mixed.astype(np.float32), audio.sample_rate))

    def _draw_noise(self, audio: Audio, draw: Draw) -> NDArray[np.float64]:
        generator = draw.generator(f"noise:{self._noise}")
        if self._noise == "white":
            return generator.standard_normal(audio.n_samples)
        if self._noise == "babble":
            return _babble(audio, generator)
        source = resample(read_audio(Path(self._noise).expanduser()), audio.sample_rate)
        return _circular(source.samples, audio.n_samples, generator)


def _voices() -> list[Path]:
    return sorted(DEMO_FOLDER.glob("*.flac"))


def _babble(audio: Audio, generator: np.random.Generator) -> NDArray[np.float64]:
    voices = [read_audio(path) for path in _voices()]
    # A clip of the demo set itself must not be in its own noise.
    others = [voice for voice in voices if voice.sha256 != audio.sha256]
    chosen = generator.permutation(len(others))[:_TALKERS]
    total = np.zeros(audio.n_samples)
    for index in sorted(chosen):
        voice = resample(others[index], audio.sample_rate)
        level = active_speech_level(voice.samples, voice.sample_rate)
        total += 10 ** (-level / 20) * _circular(voice.samples, audio.n_samples, generator)
    return total


def _circular(
    source: NDArray[np.float32], n_samples: int, generator: np.random.Generator
) -> NDArray[np.float64]:
    if source.size == 0:
        return np.zeros(n_samples)
    start = int(generator.integers(source.size))
    places = (start + np.arange(n_samples)) % source.size
    return source[places].astype(np.float64)
