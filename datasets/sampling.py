"""Choosing a part of a dataset by seed, the same part everywhere and whatever else is added."""

from collections.abc import Sequence
from dataclasses import dataclass

from codecbench.core.errors import ConfigError
from codecbench.core.fingerprint import hash_bytes
from codecbench.datasets.source import ClipEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """Which part of a dataset is wanted; None takes all.

    Each clip and each speaker is ranked by a hash of the seed and its id, and the first are
    taken. So the choice depends on nothing but seed and ids: not on the order of listing, and a
    clip that is added later replaces at most one of those chosen.

    Attributes:
        n: Number of clips.
        speakers: Number of speakers; their clips stay.
        per_speaker: Largest number of clips of one speaker.
        seed: Of the choice.
    """

    n: int | None = None
    speakers: int | None = None
    per_speaker: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse numbers that choose nothing."""
        for name in ("n", "speakers", "per_speaker"):
            value: int | None = getattr(self, name)
            if value is not None and value < 1:
                msg = f"{name} must be at least 1, found {value}"
                raise ConfigError(msg)

    def choose(self, entries: Sequence[ClipEntry], dataset: str) -> list[ClipEntry]:
        """Return the chosen entries, in the order given.

        Args:
            entries: All clips.
            dataset: Name of the dataset, for messages.

        Raises:
            ConfigError: There are fewer clips or speakers than asked for, or clips have no
                speaker where speakers are to be chosen.
        """
        chosen = list(entries)
        if self.speakers is not None:
            wanted = set(
                self._first(_speakers(chosen, dataset), self.speakers, "speakers", dataset)
            )
            chosen = [entry for entry in chosen if entry.tags["speaker"] in wanted]
        if self.per_speaker is not None:
            by_speaker: dict[str, list[str]] = {name: [] for name in _speakers(chosen, dataset)}
            for entry in chosen:
                by_speaker[entry.tags["speaker"]].append(entry.id)
            ids = {
                clip_id
                for clips in by_speaker.values()
                for clip_id in sorted(clips, key=self._rank)[: self.per_speaker]
            }
            chosen = [entry for entry in chosen if entry.id in ids]
        if self.n is not None:
            ids = set(self._first([entry.id for entry in chosen], self.n, "clips", dataset))
            chosen = [entry for entry in chosen if entry.id in ids]
        return chosen

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
