"""All audio of a training in memory, and crops of it that depend on seed and step alone."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codecbench.core.audio_file import read_audio
from codecbench.core.errors import DatasetError, SignalError
from codecbench.core.resampling import resample
from codecbench.datasets.base import Clip

_COUNTER_SHIFT = 64
"""Philox counts blocks in the low 64 bits of its counter; the step stands above them."""
_FULL_SCALE = 32768.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """Random gain of crops.

    Attributes:
        low_db: Least gain.
        high_db: Largest gain; less where the crop would clip.
    """

    low_db: float = 0.0
    high_db: float = 0.0


class AudioPool:
    """Clips one behind the other as 16-bit numbers: two hours at 16 kHz are 230 MB.

    Attributes:
        sample_rate: In Hz.
        seconds: Duration of everything.
        left_out: Clips that cannot be read, and why.
    """

    def __init__(self, clips: Sequence[Clip], sample_rate: int) -> None:
        """Read all clips.

        Args:
            clips: Of any rate; they are resampled.
            sample_rate: In Hz.

        Raises:
            DatasetError: None of them can be read.
        """
        self.sample_rate = sample_rate
        self.left_out: dict[str, str] = {}
        parts = []
        for clip in clips:
            samples = self._read(clip)
            if samples is not None and samples.size:
                parts.append(samples)
        if not parts:
            why = next(iter(self.left_out.values()), "they are empty")
            msg = f"none of {len(clips)} clips can be trained with: {why}"
            raise DatasetError(msg)
        self._samples = np.concatenate(parts)
        self._ends = np.cumsum([part.size for part in parts])
        self.seconds = self._samples.size / sample_rate

    def _read(self, clip: Clip) -> NDArray[np.int16] | None:
        if clip.problem:
            self.left_out[clip.id] = clip.problem
            return None
        try:
            audio = resample(read_audio(clip.path), self.sample_rate)
        except SignalError as error:
            self.left_out[clip.id] = str(error)
            return None
        scaled = np.rint(audio.samples * _FULL_SCALE)
        limited: NDArray[np.int16] = np.clip(scaled, -_FULL_SCALE, _FULL_SCALE - 1).astype(np.int16)
        return limited

    def crops(
        self, *, count: int, length: int, seed: int, step: int, level: Level
    ) -> NDArray[np.float32]:
        """Draw the crops of a step; every second of audio is as likely as any other.

        Args:
            count: How many.
            length: Of each, in samples; shorter clips are filled up with zeros at the end.
            seed: Of the training.
            step: Number of the step, from 0. The same seed and step give the same crops, whatever
                was drawn before.
            level: Random gain.

        Returns:
            ``(count, length)``, in [-1, 1].
        """
        rng = np.random.Generator(np.random.Philox(key=seed, counter=step << _COUNTER_SHIFT))
        places = rng.integers(self._samples.size, size=count)
        offsets = rng.random(count)
        gains_db = rng.uniform(level.low_db, level.high_db, size=count)
        out = np.zeros((count, length), dtype=np.float32)
        for row, place, offset, gain_db in zip(out, places, offsets, gains_db, strict=True):
            index = int(np.searchsorted(self._ends, place, side="right"))
            begin = int(self._ends[index - 1]) if index else 0
            spare = int(self._ends[index]) - begin - length
            start = begin + (int(offset * (spare + 1)) if spare > 0 else 0)
            piece = self._samples[start : min(start + length, int(self._ends[index]))]
            row[: piece.size] = piece / np.float32(_FULL_SCALE)
            peak = float(np.abs(row).max())
            row *= min(10.0 ** (gain_db / 20.0), 1.0 / peak) if peak else 1.0
        return out


def licences(clips: Sequence[Clip]) -> dict[str, float]:
    """Return the hours of audio under each licence, as the tag ``licence`` says."""
    hours: Counter[str] = Counter()
    for clip in clips:
        hours[clip.tags.get("licence", "not stated")] += clip.seconds / 3600.0  # type: ignore[assignment]  # a Counter may hold fractions
    return {name: round(hours[name], 4) for name in sorted(hours)}


def attributions(clips: Sequence[Clip]) -> list[str]:
    """Return the attribution lines that the licences ask for, each once."""
    return sorted({clip.tags["attribution"] for clip in clips if "attribution" in clip.tags})
