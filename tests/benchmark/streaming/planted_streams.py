"""A codec of frames that can be made to look one frame ahead, offline or in its stream."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codecbench.adapters.base import Codec, CodecInfo, OperatingPoint
from codecbench.adapters.bitstream import Encoded
from codecbench.adapters.streaming import Stream
from codecbench.core.audio import Audio, round_to_int16

FRAME = 160


class _Sender:
    def __init__(self, codec: "FrameCodec") -> None:
        self.codec = codec
        self.waiting: NDArray[np.float32] = np.zeros(0, np.float32)
        self.kept: list[bytes] = []

    def push(self, samples: NDArray[np.float32]) -> list[bytes]:
        self.waiting = np.concatenate([self.waiting, samples])
        need = FRAME * (2 if self.codec.waits else 1)
        sent = []
        while self.waiting.size >= need:
            later = self.waiting[FRAME : 2 * FRAME] if self.codec.waits else None
            packet = self.codec.code(self.waiting[:FRAME], later)
            sent.append(packet)
            if self.codec.hoards:
                self.kept.append(packet * 2000)
            self.waiting = self.waiting[FRAME:]
        return sent

    def flush(self) -> list[bytes]:
        frames = -(-self.waiting.size // FRAME)
        self.waiting = np.pad(
            self.waiting, (0, (frames + self.codec.waits) * FRAME - self.waiting.size)
        )
        return self.push(np.zeros(0, np.float32))


@dataclass
class _Receiver:
    codec: "FrameCodec"

    def push(self, packet: bytes) -> NDArray[np.float32]:
        return np.frombuffer(packet, "<i2").astype(np.float32) / 32768

    def flush(self) -> NDArray[np.float32]:
        return np.zeros(0, np.float32)


class FrameCodec(Codec):
    """Sends 16-bit frames of 10 ms; declares 10 ms whatever it does.

    Attributes:
        peeks: Whether `encode` mixes a little of the next frame into each.
        waits: Whether the stream does so too, and so waits for the next frame.
        hoards: Whether the stream keeps what it has sent.
    """

    def __init__(self, *, peeks: bool = False, waits: bool = False, hoards: bool = False) -> None:
        self.peeks, self.waits, self.hoards = peeks, waits, hoards
        self.info = CodecInfo(
            name="frames",
            version="1",
            fingerprint="frames-1",
            sample_rate=16000,
            frame_samples=FRAME,
            source="tests",
        )
        self.points = (OperatingPoint(name="16", nominal_bps=256000.0),)

    def code(self, frame: NDArray[np.float32], later: NDArray[np.float32] | None) -> bytes:
        mixed = frame if later is None else 0.9 * frame + np.float32(0.1 * later.mean())
        return round_to_int16(mixed.astype(np.float32)).astype("<i2").tobytes()

    def encode(self, audio: Audio, point: OperatingPoint) -> Encoded:
        count = -(-audio.n_samples // FRAME)
        frames = np.zeros(((count + 1), FRAME), np.float32)
        frames.reshape(-1)[: audio.n_samples] = audio.samples
        packets = tuple(
            self.code(frames[i], frames[i + 1] if self.peeks else None) for i in range(count)
        )
        return Encoded(
            packets=packets, point=point.name, n_samples=audio.n_samples, sample_rate=16000
        )

    def decode(self, encoded: Encoded) -> Audio:
        pcm = np.frombuffer(b"".join(encoded.packets), "<i2")[: encoded.n_samples]
        return Audio(pcm.astype(np.float32) / 32768, 16000)

    def open_stream(self, point: OperatingPoint) -> Stream:
        return Stream(
            encoder=_Sender(self),
            decoder=_Receiver(self),
            packet_samples=FRAME,
            packet_bits=16 * FRAME,
        )
