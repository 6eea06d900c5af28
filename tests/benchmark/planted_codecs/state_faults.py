"""Codecs that are not a function of their input alone, and some that only look so."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from codecbench.adapters.base import OperatingPoint
from codecbench.adapters.bitstream import Encoded
from codecbench.adapters.registry import CODECS
from codecbench.core.audio import Audio

Honest = CODECS.load(f"{Path(__file__).with_name('honest.py')}:Honest")
RATE = 8000
FRAME = 160


class KeepsState(Honest):
    """An adaptation that is not reset: the first sample depends on the clip before."""

    last = 0.0

    def pack(self, samples: NDArray[np.float64], audio: Audio, point: OperatingPoint) -> Encoded:
        samples = samples.copy()
        samples[0] += self.last
        self.last = float(samples[-FRAME:].std())
        return super().pack(samples, audio, point)


class DecoderKeepsState(Honest):
    """The decoder overlaps each clip with the end of the last one."""

    last = 0.0

    def unpack(self, encoded: Encoded) -> NDArray[np.float64]:
        samples = super().unpack(encoded)
        out = samples.copy()
        out[0] += self.last
        self.last = float(samples[-FRAME:].std())
        return out


_module_peak = [1.0]


class HidesOnSelf(Honest):
    """Normalises each clip and tells the decoder by how much through an attribute."""

    causal = False

    def store(self, peak: float) -> None:
        self.peak = peak

    def recall(self) -> float:
        return getattr(self, "peak", 1.0)

    def pack(self, samples: NDArray[np.float64], audio: Audio, point: OperatingPoint) -> Encoded:
        peak = float(np.abs(samples).max()) or 1.0
        self.store(peak)
        return super().pack(samples / peak, audio, point)

    def unpack(self, encoded: Encoded) -> NDArray[np.float64]:
        return self.recall() * super().unpack(encoded)


class HidesOnClass(HidesOnSelf):
    """Does so through a class variable, which another instance sees, too."""

    peak: ClassVar[float] = 1.0

    def store(self, peak: float) -> None:
        type(self).peak = peak


class HidesInModule(HidesOnSelf):
    """Does so through a global variable."""

    def store(self, peak: float) -> None:
        _module_peak[0] = peak

    def recall(self) -> float:
        return _module_peak[0]


class ReturnsTheInput(Honest):
    """Gives back what encode was given."""

    kept: Audio | None = None

    def encode(self, audio: Audio, point: OperatingPoint) -> Encoded:
        encoded = super().encode(audio, point)
        self.kept = audio
        return encoded

    def decode(self, encoded: Encoded) -> Audio:
        return self.kept or super().decode(encoded)


class Random(Honest):
    """Dithers with noise that nobody seeded."""

    def pack(self, samples: NDArray[np.float64], audio: Audio, point: OperatingPoint) -> Encoded:
        noise = np.random.default_rng().uniform(-0.004, 0.004, samples.size)
        return super().pack(samples + noise, audio, point)


class DeclaredRandom(Random):
    """Does so, and says it."""

    def __init__(self) -> None:
        super().__init__()
        self.info = replace(self.info, deterministic=False)


class LeakyBatch(Honest):
    """Filters the batch with its padding: what fills clips up gets into their last samples."""

    def encode_batch(self, audios: Sequence[Audio], point: OperatingPoint) -> list[Encoded]:
        longest = max(audio.n_samples for audio in audios)
        batch = np.full((len(audios), longest), 0.2)
        for row, audio in zip(batch, audios, strict=True):
            row[: audio.n_samples] = audio.samples
        smooth = 0.1 * np.roll(batch, -1, axis=1) * (np.arange(longest) % FRAME == FRAME - 1)
        return [
            self.pack((row + more)[: audio.n_samples], audio, point)
            if len(audios) > 1
            else self.encode(audio, point)
            for row, more, audio in zip(batch, smooth, audios, strict=True)
        ]


class LeakyDecoderBatch(Honest):
    """Cuts all clips of a batch from one long signal, by the wrong length."""

    def decode_batch(self, encoded: Sequence[Encoded]) -> list[Audio]:
        whole = np.concatenate([self.unpack(each) for each in encoded])
        step = len(whole) // len(encoded)
        return [
            Audio(np.resize(whole[step * index :], each.n_samples), RATE)
            for index, each in enumerate(encoded)
        ]


class GoodBatch(Honest):
    """Has a batch of its own that is right."""

    def encode_batch(self, audios: Sequence[Audio], point: OperatingPoint) -> list[Encoded]:
        return [self.encode(audio, point) for audio in audios]


class Conceals(Honest):
    """Plays silence where a packet was lost."""

    def decode_lossy(self, encoded: Encoded, lost: Sequence[bool]) -> Audio:
        samples = self.unpack(encoded)
        for index, gone in enumerate(lost):
            if gone:
                samples[index * FRAME : (index + 1) * FRAME] = 0.0
        return Audio.clip(samples, encoded.sample_rate)


class PeeksAtLost(Conceals):
    """Plays lost packets at half the level."""

    def decode_lossy(self, encoded: Encoded, lost: Sequence[bool]) -> Audio:
        quiet, whole = super().decode_lossy(encoded, lost), self.unpack(encoded)
        return Audio.clip((quiet.samples + whole) / 2, encoded.sample_rate)
