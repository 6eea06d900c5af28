"""What all reference codecs share: checks before coding, exact length and alignment after it."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from codecbench.adapters.base import Codec, OperatingPoint
from codecbench.adapters.bitstream import Encoded, Received
from codecbench.core.audio import Audio
from codecbench.core.errors import BitstreamError, EncodeError, UnknownNameError

Packets: TypeAlias = Sequence[tuple[bytes, int]]
"""Payload of each packet with its exact bits."""
Signal: TypeAlias = NDArray[np.int16] | NDArray[np.float32]
"""Decoded samples: 16-bit, or floating point at full scale 1."""


class ReferenceCodec(Codec):
    """A codec that sends packets and nothing else.

    A subclass says how packets are made from one clip and a signal from packets, each time from a
    fresh state, and by how many samples that signal is late.
    """

    @abstractmethod
    def encode_packets(self, audio: Audio, point: OperatingPoint) -> Packets:
        """Code one clip of at least one sample."""

    @abstractmethod
    def decode_packets(self, encoded: Encoded, point: OperatingPoint) -> Signal:
        """Decode all packets to at least `delay_samples` + ``encoded.n_samples`` samples.

        Raises:
            BitstreamError: A packet is not of this codec.
        """

    def delay_samples(self, point: OperatingPoint) -> int:
        """Return by how many samples the decoded signal is late."""
        return 0

    def encode(self, audio: Audio, point: OperatingPoint) -> Encoded:
        """Code one clip from a fresh state; see `Codec.encode`."""
        self.require_codable(audio)
        if point not in self.points:
            names = ", ".join(known.name for known in self.points)
            msg = f"{self.info.name} was made for the points {names}; found '{point.name}'"
            raise EncodeError(msg)
        coded = self.encode_packets(audio, point)
        return Encoded(
            packets=tuple(packet for packet, _ in coded),
            packet_bits=tuple(bits for _, bits in coded),
            point=point.name,
            n_samples=audio.n_samples,
            sample_rate=audio.sample_rate,
        )

    def decode(self, encoded: Encoded) -> Audio:
        """Decode one clip from a fresh state; see `Codec.decode`."""
        point = self.point_of(encoded)
        return self.cut(encoded, point, self.decode_packets(encoded, point))

    def point_of(self, encoded: Encoded) -> OperatingPoint:
        """Return the point at which a clip was coded.

        Raises:
            BitstreamError: It is none of this codec, or the clip has another sample rate.
        """
        if encoded.sample_rate != self.info.sample_rate:
            msg = (
                f"{self.info.name} decodes {self.info.sample_rate} Hz, "
                f"the bitstream is of {encoded.sample_rate} Hz"
            )
            raise BitstreamError(msg)
        try:
            return self.point(encoded.point)
        except UnknownNameError as error:
            raise BitstreamError(str(error)) from error

    def cut(self, encoded: Encoded, point: OperatingPoint, signal: Signal) -> Audio:
        """Take the clip out of what the decoder gave for all packets.

        Raises:
            BitstreamError: The packets are too few for the length of the clip.
        """
        start = self.delay_samples(point)
        if signal.size < start + encoded.n_samples:
            msg = (
                f"bitstream cut: {len(encoded.packets)} packets of {self.info.name} give "
                f"{max(0, signal.size - start)} samples, {encoded.n_samples} wanted"
            )
            raise BitstreamError(msg)
        clip = signal[start : start + encoded.n_samples]
        if clip.dtype == np.int16:
            clip = clip.astype(np.float32) / np.float32(32768)
        return Audio.clip(clip, encoded.sample_rate)


class ConcealingCodec(ReferenceCodec):
    """A reference codec whose decoder fills in for lost packets.

    A subclass makes a signal from the packets that arrived; that nothing is lost is one case.
    """

    conceals = True
    concealment = "PLC"

    @abstractmethod
    def decode_received(self, received: Received, point: OperatingPoint) -> Signal:
        """Decode what arrived, to as many samples as if all had.

        Args:
            received: One entry for each packet that was sent, None where it was lost.
            point: Where it was coded.

        Raises:
            BitstreamError: A packet is not of this codec.
        """

    def decode_packets(self, encoded: Encoded, point: OperatingPoint) -> Signal:
        """Decode all packets."""
        return self.decode_received(encoded.packets, point)

    def decode_lossy(self, encoded: Encoded, lost: Sequence[bool]) -> Audio:
        """Decode one clip of which packets were lost; see `Codec.decode_lossy`."""
        point = self.point_of(encoded)
        return self.cut(encoded, point, self.decode_received(encoded.received(lost), point))


def pad_to_frames(pcm: NDArray[np.int16], frame: int, *, extra: int = 0) -> NDArray[np.int16]:
    """Cut a signal into whole frames, the last one filled with zeros.

    Args:
        pcm: Signal, int16 ``(samples,)``.
        frame: Samples per frame.
        extra: Zeros that must follow the signal, so that a decoder which is late by as many
            samples still gives all of it.

    Returns:
        int16 ``(frames, frame)``.
    """
    count = -(-(pcm.size + extra) // frame)
    padded = np.zeros(count * frame, dtype=np.int16)
    padded[: pcm.size] = pcm
    return padded.reshape(count, frame)


def require_packet_sizes(received: Received, name: str, sizes: Sequence[int]) -> None:
    """Refuse packets of a wrong size before a C library reads past their end.

    Raises:
        BitstreamError: A packet that arrived does not have one of `sizes` bytes.
    """
    for index, packet in enumerate(received):
        if packet is not None and len(packet) not in sizes:
            wanted = " or ".join(str(size) for size in sizes)
            msg = f"packet {index} of {name} has {len(packet)} bytes, {wanted} wanted"
            raise BitstreamError(msg)
