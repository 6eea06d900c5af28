"""An honest codec, and one codec for each fault that the conformance kit must find by name.

Used by the tests as ``planted_codecs.py:Class`` plug-ins.
"""

import contextlib
import os
import signal
import socket
import time
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from codecbench.adapters.base import Codec, CodecInfo, OperatingPoint
from codecbench.adapters.bit_packer import pack_codes, unpack_codes
from codecbench.adapters.bitstream import Encoded
from codecbench.core.audio import Audio
from codecbench.core.errors import BitstreamError, EncodeError

RATE = 8000
FRAME = 160


def facts(name: str, *, causal: bool = True, lookahead: int = 0, **more: object) -> CodecInfo:
    return CodecInfo(
        name=name,
        version="1",
        fingerprint=name,
        sample_rate=RATE,
        frame_samples=FRAME,
        lookahead_samples=lookahead,
        causal=causal,
        licence="MIT",
        source="tests",
        **more,  # type: ignore[arg-type]
    )


class Honest(Codec):
    """Eight bits of each sample, one packet per frame."""

    causal: ClassVar[bool] = True

    def __init__(self) -> None:
        self.info = facts(type(self).__name__.lower(), causal=self.causal)
        self.points = (OperatingPoint(name="8", nominal_bps=8.0 * RATE),)

    def encode(self, audio: Audio, point: OperatingPoint) -> Encoded:
        self.require_codable(audio)
        return self.pack(audio.samples.astype(np.float64), audio, point)

    def pack(self, samples: NDArray[np.float64], audio: Audio, point: OperatingPoint) -> Encoded:
        levels = np.clip(np.rint(samples * 127), -127, 127).astype(np.int8).tobytes()
        packets = tuple(levels[at : at + FRAME] for at in range(0, len(levels), FRAME))
        return Encoded(
            packets=packets,
            point=point.name,
            n_samples=audio.n_samples,
            sample_rate=audio.sample_rate,
        )

    def decode(self, encoded: Encoded) -> Audio:
        return Audio.clip(self.unpack(encoded), encoded.sample_rate)

    def unpack(self, encoded: Encoded) -> NDArray[np.float64]:
        levels = np.frombuffer(b"".join(encoded.packets), np.int8)
        if levels.size != encoded.n_samples:
            msg = f"{levels.size} levels for {encoded.n_samples} samples"
            raise BitstreamError(msg)
        return levels / 127.0


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


class Untrimmed(Honest):
    """Comes out 40 samples late, 5 ms, as a codec with look-ahead does that nobody cut."""

    def unpack(self, encoded: Encoded) -> NDArray[np.float64]:
        samples = super().unpack(encoded)
        return np.concatenate([np.zeros(40), samples])[: samples.size]


class Early(Honest):
    """Comes out 8 samples early."""

    causal = False

    def unpack(self, encoded: Encoded) -> NDArray[np.float64]:
        samples = super().unpack(encoded)
        return np.concatenate([samples, np.zeros(8)])[8:]


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


class OneHopLonger(Honest):
    """Gives whole frames and one more."""

    def unpack(self, encoded: Encoded) -> NDArray[np.float64]:
        return np.concatenate([super().unpack(encoded), np.zeros(FRAME)])


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


class StoresInt64(Honest):
    """800 indices of 10 bits per second are 8 kbit/s; each is sent as eight bytes."""

    hop = 10
    sizes = (1024,)

    def __init__(self) -> None:
        super().__init__()
        self.points = (OperatingPoint(name="8k", nominal_bps=8000.0),)

    def pack(self, samples: NDArray[np.float64], audio: Audio, point: OperatingPoint) -> Encoded:
        frames = -(-samples.size // self.hop)
        padded = np.zeros(frames * self.hop)
        padded[: samples.size] = samples
        held = padded.reshape(frames, self.hop)[:, self.hop // 2]
        codes = np.rint((held + 1) / 2 * 1022).astype(np.int64)[None]
        return Encoded(
            packets=(self.serialise(codes),),
            point=point.name,
            n_samples=audio.n_samples,
            sample_rate=audio.sample_rate,
            codes=codes,
            codebook_sizes=self.sizes,
        )

    def serialise(self, codes: NDArray[np.int64]) -> bytes:
        return codes.astype("<i8").tobytes()

    def unpack(self, encoded: Encoded) -> NDArray[np.float64]:
        frames = -(-encoded.n_samples // self.hop)
        if len(encoded.packets) != 1 or len(encoded.packets[0]) != 8 * frames:
            msg = f"{frames} indices wanted"
            raise BitstreamError(msg)
        codes = np.frombuffer(encoded.packets[0], "<i8")
        return np.repeat(codes / 1022 * 2 - 1, self.hop)[: encoded.n_samples]


class Random(Honest):
    """Dithers with noise that nobody seeded."""

    def pack(self, samples: NDArray[np.float64], audio: Audio, point: OperatingPoint) -> Encoded:
        noise = np.random.default_rng().uniform(-0.004, 0.004, samples.size)
        return super().pack(samples + noise, audio, point)


class DeclaredRandom(Random):
    """Does so, and says it."""

    def __init__(self) -> None:
        super().__init__()
        self.info = facts("declaredrandom", deterministic=False)


class Unguarded(Honest):
    """Takes whatever comes, but for what a test asks it to refuse."""

    refuses: ClassVar[frozenset[str]] = frozenset()

    def encode(self, audio: Audio, point: OperatingPoint) -> Encoded:
        wrong = {
            "rate": audio.sample_rate != RATE,
            "empty": audio.n_samples == 0,
            "channels": audio.samples.ndim != 1,
            "finite": not np.isfinite(audio.samples).all(),
        }
        if any(wrong[each] for each in self.refuses):
            msg = "refused"
            raise EncodeError(msg)
        plain = np.nan_to_num(audio.samples.astype(np.float64))
        return self.pack(plain if plain.ndim == 1 else plain.mean(axis=0), audio, point)


class AcceptsNan(Unguarded):
    refuses = frozenset({"rate", "empty", "channels"})


class AcceptsAnyRate(Unguarded):
    refuses = frozenset({"finite", "empty", "channels"})


class AcceptsStereo(Unguarded):
    refuses = frozenset({"rate", "empty", "finite"})

    def pack(self, samples: NDArray[np.float64], audio: Audio, point: OperatingPoint) -> Encoded:
        return super().pack(samples, Audio(samples, audio.sample_rate), point)


class StumblesOverNothing(Unguarded):
    refuses = frozenset({"rate", "finite", "channels"})

    def pack(self, samples: NDArray[np.float64], audio: Audio, point: OperatingPoint) -> Encoded:
        return super().pack(samples - samples[0] * 0, audio, point)


class TakesAnyOption(Honest):
    def __init__(self, **options: object) -> None:
        super().__init__()
        self.options = options


class LooksAhead(Honest):
    """Smooths over 401 samples, 200 of them in the future, and declares none of it."""

    def pack(self, samples: NDArray[np.float64], audio: Audio, point: OperatingPoint) -> Encoded:
        ahead = np.concatenate([samples, np.zeros(200)])[200:]
        return super().pack(samples + 0.2 * ahead, audio, point)


class PacksTooMuch(Honest):
    """Claims half of the bits that it sends."""

    def pack(self, samples: NDArray[np.float64], audio: Audio, point: OperatingPoint) -> Encoded:
        sent = super().pack(samples, audio, point)
        return Encoded(
            packets=sent.packets,
            packet_bits=tuple(bits // 2 for bits in sent.packet_bits),
            point=sent.point,
            n_samples=sent.n_samples,
            sample_rate=sent.sample_rate,
        )


class TwoBooks(Honest):
    """Six coarse bits and four fine ones; the lower point sends the coarse ones alone."""

    sizes = (64, 16)
    rates: ClassVar[dict[int, float]] = {1: 6.0 * RATE, 2: 10.0 * RATE}

    def __init__(self) -> None:
        super().__init__()
        self.points = tuple(
            OperatingPoint(name=str(rows), nominal_bps=rate) for rows, rate in self.rates.items()
        )

    def encode_points(self, audio: Audio, points: Sequence[OperatingPoint]) -> list[Encoded]:
        self.require_codable(audio)
        levels = np.clip(np.rint(audio.samples * 500 + 504), 0, 1023).astype(np.int64)
        codes = np.stack([levels // 16, levels % 16])
        return [self.send(codes[: int(point.name)], audio, point) for point in points]

    def encode(self, audio: Audio, point: OperatingPoint) -> Encoded:
        return self.encode_points(audio, [point])[0]

    def send(self, codes: NDArray[np.int64], audio: Audio, point: OperatingPoint) -> Encoded:
        data, bits = pack_codes(codes, self.sizes[: len(codes)])
        return Encoded(
            packets=(data,),
            packet_bits=(bits,),
            point=point.name,
            n_samples=audio.n_samples,
            sample_rate=audio.sample_rate,
            codes=codes,
            codebook_sizes=self.sizes[: len(codes)],
        )

    def decode_codes(self, codes: NDArray[np.int64]) -> NDArray[np.float32]:
        fine = codes[1] if len(codes) > 1 else np.full(codes.shape[1], 8)
        return ((codes[0] * 16 + fine - 504) / 520).astype(np.float32)

    def unpack(self, encoded: Encoded) -> NDArray[np.float64]:
        if len(encoded.packets) != 1:
            msg = "one packet wanted"
            raise BitstreamError(msg)
        sizes = self.sizes[: int(encoded.point)]
        codes = unpack_codes(encoded.packets[0], sizes, encoded.n_samples)
        return self.decode_codes(codes).astype(np.float64)


class ZeroFills(TwoBooks):
    """Puts index 0 where a codebook was not sent."""

    def decode_codes(self, codes: NDArray[np.int64]) -> NDArray[np.float32]:
        filled = np.zeros((2, codes.shape[1]), np.int64)
        filled[: len(codes)] = codes
        return super().decode_codes(filled)


class NestsWrongly(TwoBooks):
    """Codes otherwise when several points are asked for at once."""

    def encode_points(self, audio: Audio, points: Sequence[OperatingPoint]) -> list[Encoded]:
        if len(points) > 1:
            audio = Audio(audio.samples * np.float32(0.9), audio.sample_rate)
        return super().encode_points(audio, points)


class CrashesOnSilence(Honest):
    def unpack(self, encoded: Encoded) -> NDArray[np.float64]:
        if encoded.n_samples > 1000 and encoded.packets and not any(map(any, encoded.packets)):
            os.kill(os.getpid(), signal.SIGSEGV)
        return super().unpack(encoded)


class HangsOnSilence(Honest):
    def unpack(self, encoded: Encoded) -> NDArray[np.float64]:
        if encoded.n_samples > 1000 and encoded.packets and not any(map(any, encoded.packets)):
            time.sleep(3600)
        return super().unpack(encoded)


class PhonesHome(Honest):
    """Looks for a newer version of itself; closed port 9 of this machine stands for the world."""

    def encode(self, audio: Audio, point: OperatingPoint) -> Encoded:
        with contextlib.suppress(OSError), socket.socket() as connection:
            connection.settimeout(0.2)
            connection.connect(("127.0.0.1", 9))
        return super().encode(audio, point)


class DownloadsWeights(Honest):
    def load(self) -> None:
        socket.getaddrinfo("weights.invalid", 443)


class SeedsTheWorld(Honest):
    def encode(self, audio: Audio, point: OperatingPoint) -> Encoded:
        np.random.seed(audio.n_samples % 1000)  # noqa: NPY002  (the fault)
        return super().encode(audio, point)


class KeepsEveryClip(Honest):
    kept: ClassVar[list[NDArray[np.float64]]] = []

    def pack(self, samples: NDArray[np.float64], audio: Audio, point: OperatingPoint) -> Encoded:
        self.kept.append(samples.copy())
        return super().pack(samples, audio, point)


class LimitedTo30s(Honest):
    """Has a buffer of half a minute."""

    def unpack(self, encoded: Encoded) -> NDArray[np.float64]:
        return super().unpack(encoded)[: 30 * RATE]


class BrokenLoad(Honest):
    def load(self) -> None:
        os.abort()


class MisnamesItsFault(Honest):
    violates = frozenset({"dealy"})


class DeclaredDelay(Untrimmed):
    violates = frozenset({"delay"})
