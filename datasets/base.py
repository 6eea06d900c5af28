"""What a dataset is: clips with tags, in a fixed order."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from codecbench.core.errors import DatasetError
from codecbench.core.fingerprint import hash_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """One reference signal.

    Attributes:
        id: Unique within the dataset; a relative path without its suffix.
        path: The sound file.
        sample_rate: Rate of the file, in Hz; 0 where it cannot be read.
        seconds: Duration.
        sha256: Content hash of the mono float32 samples and their rate.
        channels: Channels in the file; more than one are mixed down by their mean.
        problem: Why the file cannot be a reference, in words; "" where it can.
        tags: Facts that reports can group by: speaker, sex, language, corpus, licence …
    """

    id: str
    path: Path
    sample_rate: int
    seconds: float
    sha256: str
    channels: int = 1
    problem: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Clips in a fixed order.

    Attributes:
        name: For reports.
        clips: All clips; ids are unique.
    """

    name: str
    clips: tuple[Clip, ...]

    def __post_init__(self) -> None:
        """Refuse a dataset in which an id stands twice or nothing at all."""
        if not self.clips:
            msg = f"dataset '{self.name}' holds no clips"
            raise DatasetError(msg)
        seen: set[str] = set()
        for clip in self.clips:
            if clip.id in seen:
                msg = f"dataset '{self.name}': clip id '{clip.id}' stands twice"
                raise DatasetError(msg)
            seen.add(clip.id)

    @property
    def fingerprint(self) -> str:
        """Hash over ids and content; tags and paths do not matter."""
        return hash_json([[clip.id, clip.sha256] for clip in self.clips])

    @property
    def tag_names(self) -> tuple[str, ...]:
        """All tag names, sorted."""
        return tuple(sorted({name for clip in self.clips for name in clip.tags}))
