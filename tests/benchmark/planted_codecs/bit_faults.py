"""Codecs that send other bits than they say."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from codecbench.adapters.base import OperatingPoint
from codecbench.adapters.bit_packer import pack_codes, unpack_codes
from codecbench.adapters.bitstream import Encoded
from codecbench.adapters.registry import CODECS
from codecbench.core.audio import Audio
from codecbench.core.errors import BitstreamError

Honest = CODECS.load(f"{Path(__file__).with_name('honest.py')}:Honest")
RATE = 8000


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
