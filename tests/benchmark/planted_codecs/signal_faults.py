"""Codecs with a fault in time, level or shape of what comes out."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codecbench.adapters.base import OperatingPoint
from codecbench.adapters.bitstream import Encoded
from codecbench.adapters.registry import CODECS
from codecbench.core.audio import Audio

Honest = CODECS.load(f"{Path(__file__).with_name('honest.py')}:Honest")
RATE = 8000
FRAME = 160


class Untrimmed(Honest):
    """Comes out 40 samples late, 5 ms, as a codec with look-ahead does that nobody cut."""

    def unpack(self, encoded: Encoded) -> NDArray[np.float64]:
        samples = super().unpack(encoded)
        return np.concatenate([np.zeros(40), samples])[: samples.size]


class DeclaredDelay(Untrimmed):
    violates = frozenset({"delay"})


class MisnamesItsFault(Honest):
    violates = frozenset({"dealy"})


class Early(Honest):
    """Comes out 8 samples early."""

    causal = False

    def unpack(self, encoded: Encoded) -> NDArray[np.float64]:
        samples = super().unpack(encoded)
        return np.concatenate([samples, np.zeros(8)])[8:]


class OneHopLonger(Honest):
    """Gives whole frames and one more."""

    def unpack(self, encoded: Encoded) -> NDArray[np.float64]:
        return np.concatenate([super().unpack(encoded), np.zeros(FRAME)])


class LimitedTo30s(Honest):
    """Has a buffer of half a minute."""

    def unpack(self, encoded: Encoded) -> NDArray[np.float64]:
        return super().unpack(encoded)[: 30 * RATE]


class Inverted(Honest):
    def unpack(self, encoded: Encoded) -> NDArray[np.float64]:
        return -super().unpack(encoded)


class HalfGain(Honest):
    def unpack(self, encoded: Encoded) -> NDArray[np.float64]:
        return 0.5 * super().unpack(encoded)


class Normalises(Honest):
    """Brings every clip to the same peak and sends no gain."""

    causal = False

    def pack(self, samples: NDArray[np.float64], audio: Audio, point: OperatingPoint) -> Encoded:
        peak = float(np.abs(samples).max()) or 1.0
        return super().pack(0.9 * samples / peak, audio, point)


class Noisy(Honest):
    """Adds a hum, audible in silence."""

    def unpack(self, encoded: Encoded) -> NDArray[np.float64]:
        samples = super().unpack(encoded)
        return samples + 0.006 * np.sin(2 * np.pi * 50 / RATE * np.arange(samples.size))


class LooksAhead(Honest):
    """Smooths over 401 samples, 200 of them in the future, and declares none of it."""

    def pack(self, samples: NDArray[np.float64], audio: Audio, point: OperatingPoint) -> Encoded:
        ahead = np.concatenate([samples, np.zeros(200)])[200:]
        return super().pack(samples + 0.2 * ahead, audio, point)
