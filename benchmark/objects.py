"""Files kept by content: bitstreams and degraded audio."""

from pathlib import Path

from codecbench.core.audio import Audio
from codecbench.core.audio_file import write_audio
from codecbench.core.fingerprint import hash_bytes
from codecbench.core.whole_file import write_whole


class ObjectStore:
    """A folder in which a file's name is the hash of what it holds.

    Any number of processes may write at once: a file appears whole or not at all, and equal
    content has equal names.
    """

    def __init__(self, root: Path) -> None:
        """Use a folder; it is made when something is stored."""
        self.root = root

    def bitstream_path(self, digest: str) -> Path:
        """Return where a bitstream with this sha256 lies or would lie."""
        return self.root / "bits" / digest[:2] / f"{digest}.cbs"

    def audio_path(self, digest: str) -> Path:
        """Return where audio with this content hash lies or would lie."""
        return self.root / "audio" / digest[:2] / f"{digest}.flac"

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
