"""Reading and writing sound files: WAV, FLAC, OGG, MP3 and whatever else libsndfile knows."""

import io
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codecbench.core.audio import Audio, round_to_int16
from codecbench.core.errors import AudioFormatError
from codecbench.core.whole_file import write_whole

AUDIO_SUFFIXES = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aiff", ".aif", ".au", ".w64")
MAX_SECONDS = 3600.0
"""Longest file that is read; a longer one is refused before it fills the memory."""
MAX_VALUES = 2**29
"""Most samples in all channels that are read: 2 GiB, or an hour of three channels at 48 kHz."""


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
        AudioFormatError: The file is missing, unreadable, no sound file, cut off before its end, or
            longer than an hour.
    """
    if not path.is_file():
        msg = f"{path}: no such file"
        raise AudioFormatError(msg)
    import soundfile

    try:
        with soundfile.SoundFile(path) as file:
            if file.frames > MAX_SECONDS * file.samplerate:
                msg = f"{path}: longer than {MAX_SECONDS:g} s; cut it into clips"
                raise AudioFormatError(msg)
            if file.frames * file.channels > MAX_VALUES:
                msg = f"{path}: {file.channels} channels of {file.frames} samples; too many to read"
                raise AudioFormatError(msg)
            samples = file.read(dtype="float32", always_2d=True)
            rate, channels = int(file.samplerate), int(file.channels)
            missing = _missing_share(file.extra_info, file.frames, len(samples))
    except (soundfile.LibsndfileError, OSError, RuntimeError, TypeError) as error:
        # TypeError: libsndfile asks for the parameters of a file that it takes for raw PCM.
        msg = f"{path}: not a readable sound file ({_last_words(error)}); convert it to WAV or FLAC"
        raise AudioFormatError(msg) from error
    if missing:
        msg = f"{path}: the end is missing ({missing:.0%} of what its header says); copy it again"
        raise AudioFormatError(msg)
    mono = samples[:, 0] if channels == 1 else samples.mean(axis=1, dtype=np.float64)
    return RawSignal(
        samples=mono.astype(np.float32, copy=False), sample_rate=rate, channels=channels
    )


_CUT_OFF = re.compile(
    r"^\s*(?:data|SSND|Data Size|riff)\s*: (\d+) \(should be (\d+)\)", re.MULTILINE
)
"""How libsndfile notes that a header promises other bytes than there are."""

_UNKNOWN_BYTES = 0x7FFF0000
"""Sizes from here on stand for "not known yet" in the headers of what was written to a pipe."""


def _missing_share(notes: str, promised: int, found: int) -> float:
    """Return how much of a sound the header promises and the file has not; 0 for all of it.

    libsndfile reads what is left of a file that was cut off as if it were the whole.

    Args:
        notes: libsndfile's notes on the file.
        promised: Frames by the header.
        found: Frames that could be read.
    """
    noted = _CUT_OFF.search(notes)
    if noted is not None:
        said, there = int(noted[1]), int(noted[2])
        return 1 - there / said if there < said < _UNKNOWN_BYTES else 0.0
    # MP3 is trimmed by what its encoder has noted: a few frames are no loss.
    return 1 - found / promised if found < 0.99 * promised else 0.0


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
        StorageError: The disk is full, read-only or failing.
    """
    # Encoded in memory: libsndfile does not say when a disk is full, Python does.
    try:
        encoded = encode_audio(audio, path.suffix, subtype=subtype)
    except AudioFormatError as error:
        msg = f"{path}: {error}"
        raise AudioFormatError(msg) from error
    try:
        write_whole(path, encoded)
    except (FileExistsError, NotADirectoryError) as error:
        msg = f"{path}: cannot be written, {error.filename} is a file and no folder"
        raise AudioFormatError(msg) from error


def encode_audio(audio: Audio, suffix: str, *, subtype: str = "PCM_16") -> bytes:
    """Return the bytes of the file that `write_audio` would write.

    Args:
        audio: What to encode.
        suffix: Names the format, such as ".flac".
        subtype: As for `write_audio`.

    Raises:
        AudioFormatError: The format is unknown or cannot hold this signal.
    """
    kind = suffix.lstrip(".").upper()
    if audio.n_samples == 0 and kind in {"FLAC", "MP3"}:
        msg = f"{kind} cannot hold a signal without samples; use .wav"
        raise AudioFormatError(msg)
    import soundfile

    lossless_16 = subtype == "PCM_16" and kind in {"WAV", "FLAC", "AIFF", "AIF", "W64", "AU"}
    lossy_default = "OPUS" if kind == "OPUS" else None
    data = round_to_int16(audio.samples) if lossless_16 else audio.samples
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
        msg = f"cannot be written ({_last_words(error)}); use .wav or .flac"
        raise AudioFormatError(msg) from error
    return encoded.getvalue()
