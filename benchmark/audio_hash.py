"""The content hash of a stranger's sound file, inside the child and within bounds."""

from pathlib import Path

from codecbench.benchmark.framing import Message
from codecbench.core.audio_file import read_signal
from codecbench.core.errors import AudioFormatError
from codecbench.core.fingerprint import hash_pcm

MAX_CHANNELS = 8


def hash_audio(request: Message) -> Message:
    """Hash what a sound file holds.

    The header is looked at first, since a small file can unpack to more than the memory holds.

    Args:
        request: ``path``, and ``max_samples`` of one channel.

    Returns:
        ``sha256`` of the signal, mixed down, its ``samples`` and its ``sample_rate``.

    Raises:
        AudioFormatError: It is no sound file, or larger than it may be.
    """
    import soundfile

    path, most = Path(str(request["path"])), int(str(request["max_samples"]))
    try:
        header = soundfile.info(str(path))
    except soundfile.LibsndfileError as error:
        msg = f"{path.name}: not a readable sound file"
        raise AudioFormatError(msg) from error
    if header.frames > most or header.channels > MAX_CHANNELS:
        msg = (
            f"{path.name}: {header.frames} samples of {header.channels} channels; "
            f"at most {most} of {MAX_CHANNELS} can be right"
        )
        raise AudioFormatError(msg)
    raw = read_signal(path)
    return {
        "sha256": hash_pcm(raw.samples, raw.sample_rate),
        "samples": int(raw.samples.size),
        "sample_rate": raw.sample_rate,
    }
