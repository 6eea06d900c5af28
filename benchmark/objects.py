"""Files kept by content: bitstreams and degraded audio."""

from pathlib import Path

from codecbench.core.audio import Audio
from codecbench.core.audio_file import write_audio
from codecbench.core.fingerprint import hash_bytes
from codecbench.core.whole_file import write_whole

_AUDIO_SUFFIXES = (".wav", ".flac")


class ObjectStore:
    """A folder in which a file's name is the hash of what it holds.

    Any number of processes may write at once: a file appears whole or not at all, and equal
    content has equal names.
    """

    def __init__(self, root: Path, *, audio_suffix: str = ".wav") -> None:
        """Use a folder; it is made when something is stored.

        Args:
            root: The folder.
            audio_suffix: Names the format in which audio is kept: FLAC takes half of WAV's room,
                for what travels, and ten times its time, which each step of a run would pay.
        """
        self.root = root
        self.audio_suffix = audio_suffix

    def bitstream_path(self, digest: str) -> Path:
        """Return where a bitstream with this sha256 lies or would lie."""
        return self.root / "bits" / digest[:2] / f"{digest}.cbs"

    def audio_path(self, digest: str) -> Path:
        """Return where audio with this content hash lies or would lie."""
        return self.root / "audio" / digest[:2] / f"{digest}{self.audio_suffix}"

    def find_audio(self, digest: str) -> Path | None:
        """Return where audio lies; None where it does not.

        Boards have FLAC, as have caches of before.
        """
        path = self.audio_path(digest)
        paths = [path.with_suffix(suffix) for suffix in _AUDIO_SUFFIXES]
        return next((each for each in paths if each.is_file()), None)

    def put_bitstream(self, data: bytes) -> str:
        """Store a bitstream and return its sha256."""
        digest = hash_bytes(data)
        path = self.bitstream_path(digest)
        if not path.exists():
            write_whole(path, data)
        return digest

    def put_audio(self, audio: Audio) -> str:
        """Store audio that has been rounded to 16 bit, and return its content hash."""
        path = self.audio_path(audio.sha256)
        if not path.exists():
            write_audio(path, audio)
        return audio.sha256
