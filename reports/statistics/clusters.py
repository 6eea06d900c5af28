"""Which clips belong together: those of one speaker are not independent of each other."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MIN_CLUSTERS = 8
"""With fewer speakers (or clips) than this an interval is flagged and nothing is ranked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clusters:
    """A partition of clips into what was sampled independently.

    Attributes:
        labels: Cluster of each clip, numbered from 0 without gaps, shape (clips,).
        kind: "speaker", or "clip" where no two speakers are named.
        single_speaker: Whether all clips are known to be of one speaker, so that their spread says
            nothing about other speakers.
    """

    labels: NDArray[np.intp]
    kind: str
    single_speaker: bool = False

    @property
    def count(self) -> int:
        """How many clusters there are."""
        return int(self.labels.max()) + 1 if self.labels.size else 0

    @property
    def sizes(self) -> NDArray[np.float64]:
        """Clips of each cluster, shape (clusters,)."""
        return np.bincount(self.labels, minlength=self.count).astype(np.float64)

    @property
    def is_reliable(self) -> bool:
        """Whether there are enough clusters for an interval to be taken at its word."""
        return self.count >= MIN_CLUSTERS and not self.single_speaker

    @property
    def warning(self) -> str:
        """Why an interval is flagged; "" where it is not."""
        if self.single_speaker:
            return "one speaker only: the interval says nothing about other speakers"
        if self.count < MIN_CLUSTERS:
            return f"only {self.count} {self.kind}s: the interval is rough, nothing is ranked"
        return ""

    def sums(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum values within clusters.

        Args:
            values: Shape (…, clips).

        Returns:
            Shape (…, clusters).
        """
        indicator = np.zeros((self.labels.size, self.count))
        indicator[np.arange(self.labels.size), self.labels] = 1.0
        summed: NDArray[np.float64] = values @ indicator
        return summed


def cluster_by_speaker(speakers: Sequence[str]) -> Clusters:
    """Cluster clips by speaker, or take each clip for itself where no two speakers are named.

    Args:
        speakers: Speaker of each clip, "" where nobody said; such a clip is a cluster of its own.
    """
    named = set(speakers) - {""}
    if len(named) < 2:
        return Clusters(
            labels=np.arange(len(speakers), dtype=np.intp),
            kind="clip",
            single_speaker=bool(named) and "" not in speakers,
        )
    names = [name or f"\0{place}" for place, name in enumerate(speakers)]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return Clusters(labels=np.array([numbers[name] for name in names], np.intp), kind="speaker")


def independent_clips(n_clips: int) -> Clusters:
    """Take each clip for itself."""
    return Clusters(labels=np.arange(n_clips, dtype=np.intp), kind="clip")
