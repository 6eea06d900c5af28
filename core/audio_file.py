"""Reading and writing sound files: WAV, FLAC, OGG, MP3 and whatever else libsndfile knows."""

import io
import os
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

import numpy as np
from numpy.typing import NDArray

from codecbench.core.audio import Audio, round_to_int16
from codecbench.core.errors import AudioFormatError

AUDIO_SUFFIXES = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aiff", ".aif", ".au", ".w64")
MAX_SECONDS = 3600.0
"""Longest file that is read; a longer one is refused before it fills the memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawSignal:
    """What a file holds, before any judgement: mono float samples that may be NaN or too loud.

    Attributes:
        samples: Shape ``(samples,)``; the mean of the channels.
        sample_rate: In Hz.
        channels: Number of channels in the file.
    """

    samples: NDArray[np.float32]
    sample_rate: int
    channels: int


def read_signal(path: Path) -> RawSignal:
    """Read a sound file without judging it.

    Args:
        path: The file.

    Returns:
        Its samples, mixed down to mono by the mean over channels.

    Raises:
        AudioFormatError: The file is missing, unreadable, no sound file, or longer than an hour.
    """
    import soundfile

    if not path.is_file():
        msg = f"{path}: no such file"
        raise AudioFormatError(msg)
    try:
        with soundfile.SoundFile(path) as file:
            if file.frames > MAX_SECONDS * file.samplerate:
                msg = f"{path}: longer than {MAX_SECONDS:g} s; cut it into clips"
                raise AudioFormatError(msg)
            samples = file.read(dtype="float32", always_2d=True)
            rate, channels = int(file.samplerate), int(file.channels)
    except (soundfile.LibsndfileError, OSError, RuntimeError, TypeError) as error:
        # TypeError: libsndfile asks for the parameters of a file that it takes for raw PCM.
        msg = f"{path}: not a readable sound file ({_last_words(error)}); convert it to WAV or FLAC"
        raise AudioFormatError(msg) from error
    mono = samples[:, 0] if channels == 1 else samples.mean(axis=1, dtype=np.float64)
    return RawSignal(samples=mono.astype(np.float32), sample_rate=rate, channels=channels)


def _last_words(error: Exception) -> str:
    # libsndfile's errors carry a prefix with the name of the file, which may be a temporary one.
    text = str(getattr(error, "error_string", error)).strip().splitlines()
    return (text[-1] if text else type(error).__name__).rstrip(".")


def read_audio(path: Path) -> Audio:
    """Read a sound file as `Audio`.

    Args:
        path: The file; several channels are mixed down by their mean.

    Raises:
        AudioFormatError: The file cannot be read.
        NonFiniteError: A sample is NaN or infinite.
        OutOfRangeError: A floating-point file exceeds [-1, 1].
    """
    raw = read_signal(path)
    try:
        return Audio(raw.samples, raw.sample_rate)
    except ValueError as error:
        raise type(error)(f"{path}: {error}") from error


def write_audio(path: Path, audio: Audio, *, subtype: str = "PCM_16") -> None:
    """Write a sound file whole or not at all; the format follows from the suffix.

    Args:
        path: Where to; parents are made.
        audio: What to.
        subtype: libsndfile's name of the sample format; ``PCM_16`` is rounded by our own rule.

    Raises:
        AudioFormatError: The format is unknown or cannot hold this signal.
    """
    import soundfile

    kind = path.suffix.lstrip(".").upper()
    if audio.n_samples == 0 and kind in {"FLAC", "MP3"}:
        msg = f"{path}: {kind} cannot hold a signal without samples; use .wav"
        raise AudioFormatError(msg)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        msg = f"{path}: cannot be written, {error.filename} is a file and no folder"
        raise AudioFormatError(msg) from error
    lossless_16 = subtype == "PCM_16" and kind in {"WAV", "FLAC", "AIFF", "AIF", "W64", "AU"}
    lossy_default = "OPUS" if kind == "OPUS" else None
    data = round_to_int16(audio.samples) if lossless_16 else audio.samples
    # Encoded in memory: libsndfile does not say when a disk is full, Python does.
    encoded = io.BytesIO()
    try:
        soundfile.write(
            encoded,
            data,
            audio.sample_rate,
            format={"AIF": "AIFF", "OGA": "OGG", "OPUS": "OGG"}.get(kind, kind),
            subtype=subtype if lossless_16 or subtype != "PCM_16" else lossy_default,
        )
    except (soundfile.LibsndfileError, ValueError, TypeError) as error:
        msg = f"{path}: cannot be written ({_last_words(error)}); use .wav or .flac"
        raise AudioFormatError(msg) from error
    with NamedTemporaryFile(dir=path.parent, prefix=".writing-", delete=False) as temporary:
        try:
            temporary.write(encoded.getbuffer())
            temporary.flush()
            Path(temporary.name).chmod(0o644)
            os.replace(temporary.name, path)  # noqa: PTH105  (atomic on every platform)
        except BaseException:
            Path(temporary.name).unlink(missing_ok=True)
            raise
