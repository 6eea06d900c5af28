"""The contract that every codec fulfils, from Opus to a checkpoint of last night."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal, TypeAlias

import numpy as np

from codecbench.adapters.bitstream import Encoded
from codecbench.adapters.streaming import Stream
from codecbench.core.audio import Audio
from codecbench.core.errors import EncodeError, UnknownNameError, UnsupportedSettingError
from codecbench.core.spec import Option

Kind: TypeAlias = Literal["neural", "waveform", "parametric", "anchor"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingPoint:
    """One setting at which a codec can be measured, usually a bit rate.

    Attributes:
        name: Short and unique within the codec: the value of its rate option, such as "12000".
        nominal_bps: Rate that the setting promises, in bit/s.
        settings: Values that the adapter needs at this point.
    """

    name: str
    nominal_bps: float
    settings: Mapping[str, Option] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CodecInfo:
    """Facts about a codec that hold at all of its points.

    Attributes:
        name: As in the spec string.
        version: Version of the library or checkpoint that does the work.
        fingerprint: Hash or version string of everything that determines the bytes: the shared
            library, the weights. Equal fingerprints code equally.
        sample_rate: Native rate in Hz; `Codec.encode` is given audio at this rate.
        frame_samples: Samples per frame.
        lookahead_samples: Samples beyond the frame that the encoder must have seen.
        causal: Whether no output sample depends on input later than frame and look-ahead.
        kind: "anchor" marks treatments whose bits mean nothing.
        deterministic: Whether equal input gives equal bytes and samples.
        trained: False for a neural codec with random weights.
        remark: Words that must stand beside the name wherever it is shown, such as "own weights"
            where a paper's name would promise the paper's.
        licence: SPDX identifier of what does the work.
        source: Paper or standard.
        needs: What must be installed, as "pkg:av" or "lib:libspeex1" or "file:checkpoint".
    """

    name: str
    version: str
    fingerprint: str
    sample_rate: int
    frame_samples: int
    lookahead_samples: int = 0
    causal: bool = True
    kind: Kind = "waveform"
    deterministic: bool = True
    trained: bool = True
    remark: str = ""
    licence: str = "unknown"
    source: str = ""
    needs: tuple[str, ...] = ()

    @property
    def latency_ms(self) -> float:
        """Algorithmic latency: frame and look-ahead."""
        return 1000.0 * (self.frame_samples + self.lookahead_samples) / self.sample_rate


class Codec(ABC):
    """A codec with its options fixed and its operating points in rising order of rate.

    A subclass takes its options as keyword arguments of ``__init__``, checks them there, and sets
    `info` and `points`. Nothing heavy happens before `load`. The harness keeps one instance that
    only encodes and another that only decodes from serialised bytes, so nothing may be remembered
    between the two, nor between clips.

    Attributes:
        rate_option: Name of the option whose sweep makes points of one system; it is passed as a
            tuple. Other swept options make several systems.
        violates: Names of the checks of ``codecbench check`` that the codec fails on purpose, as
            an anchor that delays fails "delay".
        conceals: Whether `decode_lossy` works: the codec fills in for lost packets itself.
        concealment: How it does so, in a few words that stand beside every value.
        info: Facts about the codec.
        points: Operating points, rising in rate.
    """

    rate_option: ClassVar[str | None] = None
    violates: ClassVar[frozenset[str]] = frozenset()
    conceals: ClassVar[bool] = False
    concealment: str = "concealment"
    info: CodecInfo
    points: tuple[OperatingPoint, ...]

    def load(self) -> None:  # noqa: B027  (most codecs have nothing to load)
        """Make ready what is slow: libraries, weights. Called once before any coding.

        Raises:
            MissingDependencyError: A library is absent.
            MissingWeightsError: A checkpoint is absent.
        """

    @abstractmethod
    def encode(self, audio: Audio, point: OperatingPoint) -> Encoded:
        """Code one clip from a fresh state.

        Args:
            audio: Signal at ``info.sample_rate``, of any length from one sample.
            point: One of `points`.

        Returns:
            Everything that `decode` needs, with exact bits.

        Raises:
            EncodeError: It cannot be done.
        """

    @abstractmethod
    def decode(self, encoded: Encoded) -> Audio:
        """Decode one clip from a fresh state and from `encoded` alone.

        Returns:
            Exactly ``encoded.n_samples`` at ``encoded.sample_rate``, aligned in time with the
            input by the adapter's own knowledge of its delay. Use `Audio.clip` where the decoder
            may overshoot.

        Raises:
            DecodeError: It cannot be done.
            BitstreamError: The bytes are not of this codec.
        """

    def decode_lossy(self, encoded: Encoded, lost: Sequence[bool]) -> Audio:
        """Decode one clip of which packets were lost, with the codec's own concealment.

        Codecs that conceal override this and set `conceals`. They take the packets from
        `Encoded.received`, which checks the mask, so that nothing of a lost packet is used.

        Args:
            encoded: The clip as it was sent.
            lost: One truth value for each packet; true where it never arrived.

        Returns:
            As `decode` does: its length and alignment whatever was lost, and its very samples
            where nothing was.

        Raises:
            UnsupportedSettingError: The codec has no concealment of its own.
            BitstreamError: The mask has another length than the packets, or what arrived is not
                of this codec.
            DecodeError: It cannot be done.
        """
        msg = f"{self.info.name} has no concealment of lost packets of its own; use decode"
        raise UnsupportedSettingError(msg)

    def packet_samples(self, point: OperatingPoint) -> int:
        """Return how many samples of the signal one packet of a point carries.

        One frame, by default. Lossy channels go by it: packet k is sent when sample
        (k + 1) · `packet_samples` has been recorded.
        """
        return self.info.frame_samples

    def encode_points(self, audio: Audio, points: Sequence[OperatingPoint]) -> list[Encoded]:
        """Code one clip at several points; nested codecs override this and encode once."""
        return [self.encode(audio, point) for point in points]

    def encode_batch(self, audios: Sequence[Audio], point: OperatingPoint) -> list[Encoded]:
        """Code several clips, of any lengths, at once; codecs that gain by it override this.

        Each clip must get the bytes that `encode` gives it alone: what fills the shorter clips of
        a batch up may not leak into them.
        """
        return [self.encode(audio, point) for audio in audios]

    def decode_batch(self, encoded: Sequence[Encoded]) -> list[Audio]:
        """Decode several clips at once, each as `decode` does alone."""
        return [self.decode(each) for each in encoded]

    def open_stream(self, point: OperatingPoint) -> Stream:
        """Open a connection that codes while the signal arrives; codecs that can override this.

        Raises:
            UnsupportedSettingError: The codec needs the whole signal, or has no streaming mode.
        """
        msg = f"{self.info.name} has no streaming mode here; use encode and decode"
        raise UnsupportedSettingError(msg)

    def require_codable(self, audio: Audio) -> None:
        """Refuse what no codec can code; `encode` calls this first.

        `Audio` is finite and mono by its own checks. They are repeated here because one NaN that
        slips by makes C libraries end the process, or comes back as sound.

        Raises:
            EncodeError: Another sample rate, no sample, more than one channel, NaN or infinity.
        """
        name, rate = self.info.name, self.info.sample_rate
        if audio.sample_rate != rate:
            msg = (
                f"{name} codes {rate} Hz, found {audio.sample_rate} Hz; "
                "use codecbench.core.resampling.resample first"
            )
            raise EncodeError(msg)
        if audio.samples.ndim != 1:
            msg = f"{name} codes one channel (samples,), found shape {audio.samples.shape}"
            raise EncodeError(msg)
        if audio.n_samples == 0:
            msg = f"{name} cannot code an empty signal; at least one sample is needed"
            raise EncodeError(msg)
        if not np.isfinite(audio.samples).all():
            msg = f"{name} codes finite samples, found NaN or infinity"
            raise EncodeError(msg)

    def point(self, name: str) -> OperatingPoint:
        """Return the operating point of a name.

        Raises:
            UnknownNameError: There is none.
        """
        for point in self.points:
            if point.name == name:
                return point
        raise UnknownNameError(
            f"operating point of {self.info.name}", name, [p.name for p in self.points]
        )
