"""Choosing a part of a dataset by seed, the same part everywhere and whatever else is added."""

from collections.abc import Sequence
from dataclasses import dataclass

from codecbench.core.errors import ConfigError, UnknownNameError
from codecbench.core.fingerprint import hash_bytes
from codecbench.datasets.cropping import crop
from codecbench.datasets.source import ClipEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """Which part of a dataset is wanted; None takes all.

    Each clip and each speaker is ranked by a hash of the seed and its id, and the first are
    taken. So the choice depends on nothing but seed and ids: not on the order of listing, and a
    clip that is added later replaces at most one of those chosen. Speakers are chosen first, then
    files are cut, then clips are chosen.

    Attributes:
        speaker: Only these speakers, joined by ``+``, as in ``f10+m10``.
        speakers: Number of speakers; their clips stay.
        crop_s: Cut every file into consecutive clips of this many seconds; what remains at the
            end, and shorter files, are left out.
        per_speaker: Largest number of clips of one speaker.
        n: Number of clips.
        seed: Of the choice.
    """

    speaker: str | None = None
    speakers: int | None = None
    crop_s: float | None = None
    per_speaker: int | None = None
    n: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse numbers that choose nothing."""
        for name in ("n", "speakers", "per_speaker"):
            value: int | None = getattr(self, name)
            if value is not None and value < 1:
                msg = f"{name} must be at least 1, found {value}"
                raise ConfigError(msg)
        if self.crop_s is not None and not 0 < self.crop_s < float("inf"):
            msg = f"crop_s must be positive, found {self.crop_s}"
            raise ConfigError(msg)

    def choose(self, entries: Sequence[ClipEntry], dataset: str) -> list[ClipEntry]:
        """Return the chosen entries, in the order given.

        Args:
            entries: All clips.
            dataset: Name of the dataset, for messages.

        Raises:
            ConfigError: There are fewer clips or speakers than asked for, or clips have no
                speaker where speakers are to be chosen.
            UnknownNameError: There is no such speaker.
            DatasetError: No file is as long as a crop.
        """
        chosen = self._choose_speakers(list(entries), dataset)
        if self.crop_s is not None:
            chosen = crop(chosen, self.crop_s, dataset)
        if self.per_speaker is not None:
            chosen = self._limit_speakers(chosen, self.per_speaker, dataset)
        if self.n is not None:
            ids = set(self._first([entry.id for entry in chosen], self.n, "clips", dataset))
            chosen = [entry for entry in chosen if entry.id in ids]
        return chosen

    def _choose_speakers(self, entries: list[ClipEntry], dataset: str) -> list[ClipEntry]:
        if self.speaker is None and self.speakers is None:
            return entries
        names = _speakers(entries, dataset)
        if self.speaker is not None:
            asked = self.speaker.split("+")
            for name in asked:
                if name not in names:
                    raise UnknownNameError(f"speaker of '{dataset}'", name, names)
            names = asked
        if self.speakers is not None:
            names = self._first(names, self.speakers, "speakers", dataset)
        return [entry for entry in entries if entry.tags["speaker"] in names]

    def _limit_speakers(
        self, entries: list[ClipEntry], limit: int, dataset: str
    ) -> list[ClipEntry]:
        by_speaker: dict[str, list[str]] = {name: [] for name in _speakers(entries, dataset)}
        for entry in entries:
            by_speaker[entry.tags["speaker"]].append(entry.id)
        kept = {
            clip_id
            for clip_ids in by_speaker.values()
            for clip_id in sorted(clip_ids, key=self._rank)[:limit]
        }
        return [entry for entry in entries if entry.id in kept]

    def _first(self, names: Sequence[str], count: int, what: str, dataset: str) -> list[str]:
        if count > len(names):
            msg = f"{count} {what} of '{dataset}' asked for, which has {len(names)}"
            raise ConfigError(msg)
        return sorted(names, key=self._rank)[:count]

    def _rank(self, name: str) -> str:
        return hash_bytes(f"{self.seed}:{name}".encode())


def _speakers(entries: Sequence[ClipEntry], dataset: str) -> list[str]:
    for entry in entries:
        if "speaker" not in entry.tags:
            msg = f"clip '{entry.id}' of '{dataset}' has no tag 'speaker' to choose by"
            raise ConfigError(msg)
    return list(dict.fromkeys(entry.tags["speaker"] for entry in entries))
