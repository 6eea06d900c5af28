"""The codec under test, inside the child, and what one check of it is."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np

from codecbench.adapters.base import Codec, OperatingPoint
from codecbench.adapters.bitstream import Encoded
from codecbench.adapters.registry import get_codec
from codecbench.benchmark.conformance import make_signal
from codecbench.core.audio import Audio

_SPEAKS_S = (1.92, 2.88)
"""A phrase of ``voice:rate``: what is kept of a clip, or ahead of one, must be sound to show."""
_SAME = 1.0 / 32768
"""Decoded samples that differ by less are equal after rounding to 16 bit, but for the last bit."""

Outcome: TypeAlias = Literal["pass", "warn", "fail", "not_applicable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a check found.

    Attributes:
        outcome: "warn" where the numbers of a benchmark stay right but somebody should know;
            "not_applicable" where the question makes no sense for this codec.
        found: What was measured, in one line.
    """

    outcome: Outcome
    found: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One question to a codec.

    Attributes:
        number: Its place in the report.
        name: How reports and `Codec.violates` call it.
        asks: What must hold.
        advice: What to do where it does not.
        run: Finds out, inside the child; what it raises is a failure of this check.
    """

    number: int
    name: str
    asks: str
    advice: str
    run: Callable[["Subject"], Finding]


def passed(found: str) -> Finding:
    """Say that all is as it should be."""
    return Finding(outcome="pass", found=found)


def failed(found: str) -> Finding:
    """Say what is wrong."""
    return Finding(outcome="fail", found=found)


def warned(found: str) -> Finding:
    """Say what somebody should know."""
    return Finding(outcome="warn", found=found)


def not_applicable(why: str) -> Finding:
    """Say why the question makes no sense."""
    return Finding(outcome="not_applicable", found=why)


class Subject:
    """A codec under test, loaded, and the signals that it is tried with.

    Attributes:
        spec: Its spec.
        codec: The instance that most checks use for both directions, always through bytes.
        thorough: Whether time does not matter.
    """

    def __init__(self, spec: str, *, thorough: bool) -> None:
        """Make and load the codec."""
        self.spec = spec
        self.thorough = thorough
        self.codec = self.another()
        self._voiced: dict[str, tuple[Encoded, Audio]] = {}

    def another(self) -> Codec:
        """Return a fresh instance, loaded."""
        codec = get_codec(self.spec)
        codec.load()
        return codec

    @property
    def is_neural(self) -> bool:
        """Whether it is a network, which is slow and whose level is learnt."""
        return self.codec.info.kind == "neural"

    @property
    def says_nothing(self) -> str:
        """Return why its sound says nothing about its adapter; "" where it does."""
        if self.is_neural and not self.codec.info.trained:
            return "untrained: the weights are random"
        return ""

    @property
    def varies(self) -> str:
        """Return why two codings cannot be compared; "" where they can."""
        return "" if self.codec.info.deterministic else "declared as not deterministic"

    @cached_property
    def voice(self) -> Audio:
        """Three seconds of something with pitch, syllables and pauses."""
        return make_signal(f"voice:{self.codec.info.sample_rate}")

    @property
    def clip(self) -> Audio:
        """A clip for comparing bytes: one second, half of one for networks."""
        return self.cut(0.5 if self.is_neural and not self.thorough else 1.0)

    @property
    def other_clip(self) -> Audio:
        """Another clip of the same length: the first one backwards."""
        return Audio(self.clip.samples[::-1], self.clip.sample_rate)

    @property
    def points(self) -> list[OperatingPoint]:
        """The points that quality and rate are checked at: all, for networks the outer ones."""
        return self.edges if self.is_neural and not self.thorough else list(self.codec.points)

    @property
    def edges(self) -> list[OperatingPoint]:
        """The lowest and the highest point, once where they are one."""
        return list(
            {
                point.name: point for point in self.codec.points[:: len(self.codec.points) - 1 or 1]
            }.values()
        )

    def cut(self, seconds: float) -> Audio:
        """Return so much of the voice, repeated without its pauses."""
        rate = self.codec.info.sample_rate
        return self.cut_samples(max(1, round(seconds * rate)))

    def cut_samples(self, count: int) -> Audio:
        """Return so many samples of the voice, repeated without its pauses."""
        rate = self.codec.info.sample_rate
        start, stop = (round(second * rate) for second in _SPEAKS_S)
        at = start + np.arange(count) % (stop - start)
        return Audio(self.voice.samples[at], rate)

    def encode(self, audio: Audio, point: OperatingPoint) -> Encoded:
        """Encode."""
        return self.codec.encode(audio, point)

    def decode(self, encoded: Encoded, codec: Codec | None = None) -> Audio:
        """Decode from bytes alone, with the same instance unless told otherwise."""
        return (codec or self.codec).decode(Encoded.from_bytes(encoded.to_bytes()))

    def through(self, audio: Audio, point: OperatingPoint) -> Audio:
        """Encode and decode."""
        return self.decode(self.encode(audio, point))

    def voiced(self, point: OperatingPoint) -> tuple[Encoded, Audio]:
        """Return the voice, encoded, and as it comes back with the length that it had."""
        if point.name not in self._voiced:
            encoded = self.encode(self.voice, point)
            self._voiced[point.name] = encoded, _fit(self.decode(encoded), self.voice)
        return self._voiced[point.name]

    def fitted(self, audio: Audio, point: OperatingPoint) -> Audio:
        """Encode, decode, and cut or fill to the input's length, as the harness does."""
        return _fit(self.through(audio, point), audio)


def _fit(out: Audio, audio: Audio) -> Audio:
    samples = out.samples[: audio.n_samples]
    return Audio(np.pad(samples, (0, audio.n_samples - samples.size)), audio.sample_rate)


def level_db(audio: Audio) -> float:
    """Return the power in dB of full scale; -300 for digital silence."""
    power = float(np.mean(np.square(audio.samples.astype(np.float64)))) if audio.n_samples else 0.0
    return 10.0 * float(np.log10(power + 1e-30))


def named(points: list[OperatingPoint]) -> str:
    """Return the names of points for a message."""
    return ", ".join(point.name for point in points)


def are_alike(first: Audio, second: Audio) -> bool:
    """Say whether two signals differ by rounding at most."""
    if first.n_samples != second.n_samples or first.sample_rate != second.sample_rate:
        return False
    return bool(np.abs(first.samples - second.samples).max(initial=0.0) <= _SAME)


def difference_text(first: Audio, second: Audio) -> str:
    """Say how two signals that should be equal differ."""
    if first.n_samples != second.n_samples:
        return f"{first.n_samples} and {second.n_samples} samples"
    error = np.abs(first.samples.astype(np.float64) - second.samples)
    at = int(np.argmax(error > 0))
    share = float(np.mean(error > 0))
    return f"{share:.0%} of the samples differ, from sample {at}, by up to {error.max():.2g}"
