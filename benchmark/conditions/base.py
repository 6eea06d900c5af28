"""The contract of a condition's parts: treatments of the input, and channels that lose packets."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

import numpy as np

from codecbench.adapters.base import Codec
from codecbench.adapters.bitstream import Encoded
from codecbench.core.audio import Audio
from codecbench.core.fingerprint import Json
from codecbench.core.spec import Option

ScoredAgainst: TypeAlias = Literal["clean", "treated"]
"""What metrics take for the reference: the clip as it is, or the treated input of the codec."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """Where the random numbers of one clip come from: the same for every system and point.

    Attributes:
        sha256: Content hash of the clip.
        clip: Id of the clip.
        seed: Seed of the suite.
    """

    sha256: str
    clip: str
    seed: int = 0

    def generator(self, purpose: str) -> np.random.Generator:
        """Return a generator that depends on the clip, the seed and what it is for."""
        text = "|".join((purpose, self.sha256, self.clip, str(self.seed)))
        digest = hashlib.sha256(text.encode()).digest()
        return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "little")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Treated:
    """What a treatment gives.

    Attributes:
        audio: The treated signal, of the same rate and length.
        gain: Factor by which the wanted signal became louder; undone in the decoded signal where
            the clean clip is the reference.
    """

    audio: Audio
    gain: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reception:
    """What a decoder makes of the packets that arrived.

    Attributes:
        audio: The decoded signal.
        concealment: What stood in for lost packets, in a few words.
        packets: Packets sent.
        lost: How many of them never arrived.
    """

    audio: Audio
    concealment: str
    packets: int
    lost: int


class Condition(ABC):
    """One part of a condition; its keyword arguments are the options of the spec.

    A subclass is either a `Treatment` or a `Channel`. Arguments are checked when it is made, and
    nothing heavy happens then.

    Attributes:
        name: As in the spec; also the name of the option that stands behind the first ``=``.
        definition: What is done, with every constant, in one line; part of cache keys.
        source: Paper or standard.
        verbatim: Whether an unquoted value behind the first ``=`` goes to the end of the part.
    """

    name: ClassVar[str]
    definition: ClassVar[str]
    source: ClassVar[str] = ""
    verbatim: ClassVar[bool] = False

    def shown(self) -> Mapping[str, Option]:
        """Return values that the canonical name writes otherwise than they were given."""
        return {}

    def content(self) -> Json:
        """Return what determines the outcome beside options: hashes of files, versions.

        Called in the child that does the work.
        """
        return None


class Treatment(Condition):
    """Changes the signal before it is coded."""

    @abstractmethod
    def treat(self, audio: Audio, draw: Draw) -> Treated:
        """Treat a clip at the rate of its file.

        Args:
            audio: What comes from the parts before; the clip itself for the first.
            draw: Where random numbers come from.

        Raises:
            NotAvailableError: Something that the treatment needs is not on this machine.
        """


class Channel(Condition):
    """Carries packets from encoder to decoder."""

    @property
    @abstractmethod
    def is_perfect(self) -> bool:
        """Whether every packet arrives; then the condition is as good as not there."""

    @abstractmethod
    def receive(self, decoder: Codec, encoded: Encoded, draw: Draw) -> Reception:
        """Decode what arrives.

        Raises:
            UnsupportedSettingError: The codec does not have the concealment that was asked for,
                or sends no packets that could be lost.
        """
