"""Coding while the signal arrives: samples in, packets out, and the way back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class StreamEncoder(Protocol):
    """Encodes one signal piece by piece."""

    def push(self, samples: NDArray[np.float32]) -> list[bytes]:
        """Take the next samples, any number of them, and return the packets that they complete.

        How a signal is cut into pushes changes no packet.
        """

    def flush(self) -> list[bytes]:
        """End the signal: return the packets without which its last samples cannot be decoded.

        Raises:
            EncodeError: The stream has ended before.
        """


class StreamDecoder(Protocol):
    """Decodes one signal packet by packet."""

    def push(self, packet: bytes) -> NDArray[np.float32]:
        """Take the next packet and return the samples that it makes final, ``(samples,)``.

        What all pushes and `flush` return, joined, is aligned in time with the input and at least
        as long; where the input ended is not known here.

        Raises:
            BitstreamError: The packet is not of this codec.
        """

    def flush(self) -> NDArray[np.float32]:
        """End the stream and return what is left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """Both ends of a connection from a fresh state; they share nothing but the packets.

    Attributes:
        encoder: The sender.
        decoder: The receiver.
        packet_samples: Samples of the signal per packet.
        packet_bits: Exact bits of each packet.
    """

    encoder: StreamEncoder
    decoder: StreamDecoder
    packet_samples: int
    packet_bits: int

    def run(self, pieces: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Send a whole signal piece by piece, and return what is received."""
        packets = [packet for piece in pieces for packet in self.encoder.push(piece)]
        received = [self.decoder.push(packet) for packet in [*packets, *self.encoder.flush()]]
        return np.concatenate([*received, self.decoder.flush()])
