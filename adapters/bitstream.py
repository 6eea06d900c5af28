"""What an encoder hands to a decoder: packets of bytes with their exact bits, and nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from codecbench.core.errors import BitstreamError

_MAGIC = b"CBS1"
LENGTH_FIELD_BITS = 32
"""Charged to every codec in `Encoded.total_bits`: the decoder must know where the signal ends."""
_MAX_VARINT = 2**40
_MAX_SAMPLES = 3600 * 48000
"""Longest signal that is read: an hour. A decoder makes room for as many as it is told."""
Received: TypeAlias = Sequence[bytes | None]
"""Packets as they reach a decoder: None for each that never arrived."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Encoded:
    """One coded clip.

    Attributes:
        packets: Payload, one entry for each packet that would be sent.
        packet_bits: Exact bits of each packet that the decoder needs; at most 8 × its bytes.
        point: Name of the operating point.
        n_samples: Length of the coded signal; `Codec.decode` returns exactly as many.
        sample_rate: Rate of the coded signal, in Hz.
        header: Side information that is sent once per clip.
        header_bits: Exact bits of `header`; by default all of its bytes.
        codes: Quantizer indices for statistics only, int64 ``(codebooks, frames)``; no decoder
            ever sees them.
        codebook_sizes: Entries of each codebook, one per row of `codes`.
    """

    packets: tuple[bytes, ...]
    packet_bits: tuple[int, ...] = ()
    point: str
    n_samples: int
    sample_rate: int
    header: bytes = b""
    header_bits: int = -1
    codes: NDArray[np.int64] | None = field(default=None, repr=False)
    codebook_sizes: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Fill in the bits where they are whole bytes, and check the rest."""
        if not self.packet_bits and self.packets:
            object.__setattr__(self, "packet_bits", tuple(8 * len(p) for p in self.packets))
        if self.header_bits < 0:
            object.__setattr__(self, "header_bits", 8 * len(self.header))
        if len(self.packet_bits) != len(self.packets):
            msg = f"{len(self.packets)} packets but {len(self.packet_bits)} entries of packet_bits"
            raise BitstreamError(msg)
        for index, (packet, bits) in enumerate(zip(self.packets, self.packet_bits, strict=True)):
            if not 0 <= bits <= 8 * len(packet):
                msg = f"packet {index} claims {bits} bits in {len(packet)} bytes"
                raise BitstreamError(msg)
        if self.header_bits > 8 * len(self.header):
            msg = f"header claims {self.header_bits} bits in {len(self.header)} bytes"
            raise BitstreamError(msg)
        if not 0 <= self.n_samples < 2**LENGTH_FIELD_BITS or self.sample_rate <= 0:
            msg = f"bad length {self.n_samples} or sample rate {self.sample_rate}"
            raise BitstreamError(msg)
        if self.codes is not None and len(self.codebook_sizes) != len(self.codes):
            msg = f"{len(self.codes)} rows of codes but {len(self.codebook_sizes)} codebook sizes"
            raise BitstreamError(msg)

    @property
    def duration_s(self) -> float:
        """Length of the coded signal in seconds."""
        return self.n_samples / self.sample_rate

    @property
    def payload_bits(self) -> int:
        """Exact bits of all packets."""
        return sum(self.packet_bits)

    @property
    def wire_bits(self) -> int:
        """Bits of all packets in whole bytes."""
        return 8 * sum(len(packet) for packet in self.packets)

    @property
    def total_bits(self) -> int:
        """Wire bits, side information and the length field."""
        return self.wire_bits + self.header_bits + LENGTH_FIELD_BITS

    def received(self, lost: Sequence[bool]) -> Received:
        """Return the packets as a lossy channel delivers them.

        Args:
            lost: One truth value for each packet; true where it never arrives.

        Raises:
            BitstreamError: The mask has another length, or holds something else.
        """
        if len(lost) != len(self.packets):
            msg = f"loss mask of {len(lost)} entries for {len(self.packets)} packets; one each"
            raise BitstreamError(msg)
        for index, gone in enumerate(lost):
            if not isinstance(gone, bool | np.bool_):
                # Indices or probabilities would pass for a mask in which nearly all is lost.
                msg = f"loss mask holds {gone!r} at {index}; True or False wanted"
                raise BitstreamError(msg)
        return tuple(
            None if gone else packet for packet, gone in zip(self.packets, lost, strict=True)
        )

    def to_bytes(self) -> bytes:
        """Serialise everything that a decoder may use; `codes` stay behind."""
        name = self.point.encode()
        parts = [_MAGIC, _varint(self.n_samples), _varint(self.sample_rate)]
        parts += [_varint(len(name)), name, _varint(self.header_bits), _varint(len(self.header))]
        parts += [self.header, _varint(len(self.packets))]
        for packet, bits in zip(self.packets, self.packet_bits, strict=True):
            parts += [_varint(bits), _varint(len(packet)), packet]
        return b"".join(parts)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what `to_bytes` wrote.

        Raises:
            BitstreamError: The bytes are damaged, cut, or something else.
        """
        if data[:4] != _MAGIC:
            msg = "not a codecbench bitstream; make one with 'codecbench encode'"
            raise BitstreamError(msg)
        reader = _Reader(data, 4)
        n_samples, sample_rate = reader.varint(), reader.varint()
        if n_samples > _MAX_SAMPLES:
            msg = f"bitstream claims {n_samples} samples; at most {_MAX_SAMPLES} are decoded"
            raise BitstreamError(msg)
        try:
            point = reader.take(reader.varint()).decode()
        except UnicodeDecodeError as error:
            msg = "bitstream damaged: the name of the operating point is no text"
            raise BitstreamError(msg) from error
        header_bits = reader.varint()
        header = reader.take(reader.varint())
        packets: list[bytes] = []
        bits: list[int] = []
        for _ in range(reader.varint()):
            bits.append(reader.varint())
            packets.append(reader.take(reader.varint()))
        if reader.at != len(data):
            msg = f"bitstream damaged: {len(data) - reader.at} bytes too many"
            raise BitstreamError(msg)
        return cls(
            packets=tuple(packets),
            packet_bits=tuple(bits),
            point=point,
            n_samples=n_samples,
            sample_rate=sample_rate,
            header=header,
            header_bits=header_bits,
        )


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


class _Reader:
    """A cursor over bytes that refuses to run past the end."""

    def __init__(self, data: bytes, at: int) -> None:
        self.data = data
        self.at = at

    def take(self, count: int) -> bytes:
        if count > len(self.data) - self.at:
            msg = f"bitstream cut: {count} bytes wanted at {self.at}, {len(self.data)} there"
            raise BitstreamError(msg)
        piece = self.data[self.at : self.at + count]
        self.at += count
        return piece

    def varint(self) -> int:
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 127) << shift
            if value > _MAX_VARINT or shift > 42:
                msg = f"bitstream damaged: absurd number at byte {self.at}"
                raise BitstreamError(msg)
            if byte < 128:
                return value
            shift += 7
