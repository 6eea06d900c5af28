"""Which clips are for validation: whole speakers that training never hears."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from codecbench.datasets.base import Clip

_LARGEST_SHARE = 0.02
_LARGEST_RATIO = 2.0
"""A speaker with more than this share of the clips, and more than so many times what speakers have
in the median, is too dear to be held out."""
_SPEAKERS_PER_HELD_OUT = 10
"""At most a tenth of the speakers are held out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Clips for training and for validation.

    Attributes:
        training: Of the speakers that are not held out.
        validation: One clip of each speaker that is.
        held_out: False where there are too few speakers, and validation is done on clips that
            were trained with.
    """

    training: tuple[Clip, ...]
    validation: tuple[Clip, ...]
    held_out: bool


def split(clips: Sequence[Clip], count: int) -> Split:
    """Hold out some speakers; which ones follows from their names alone.

    A clip without the tag ``speaker`` is a speaker of its own.

    Args:
        clips: Those that can be read.
        count: Clips wanted for validation.
    """
    voices: dict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        voices[clip.tags.get("speaker", clip.id)].append(clip)
    usual = median(len(each) for each in voices.values())
    most = max(_LARGEST_RATIO * usual, _LARGEST_SHARE * len(clips))
    small = sorted((name for name in voices if len(voices[name]) <= most), key=_mixed)
    chosen = small[: min(count, len(voices) // _SPEAKERS_PER_HELD_OUT)]
    if not chosen:
        return Split(
            training=tuple(clips),
            validation=tuple(sorted(clips, key=lambda clip: _mixed(clip.id))[:count]),
            held_out=False,
        )
    away = set(chosen)
    return Split(
        training=tuple(clip for clip in clips if clip.tags.get("speaker", clip.id) not in away),
        validation=tuple(max(voices[name], key=lambda clip: clip.seconds) for name in chosen),
        held_out=True,
    )


def _mixed(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()
