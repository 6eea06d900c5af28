"""What AMR and AMR-WB share: frames in the storage format of RFC 4867.

Each frame is one octet of table of contents, which holds the mode, and the speech bits filled up
to whole octets. Bits of a packet are the speech bits alone: a decoder that knows the mode needs
nothing else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from codecbench.adapters.bitstream import Received
from codecbench.core.errors import BitstreamError

NO_DATA = bytes([15 << 3 | 1 << 2]) + bytes(63)
"""Frame type 15 of 3GPP TS 26.101 and 26.201, nothing was sent: both decoders extrapolate, exactly
as they do for a frame that is marked as bad. Filled up beyond the longest frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AmrMode:
    """One mode.

    Attributes:
        number: Frame type in the table of contents.
        bits: Speech bits per frame.
    """

    number: int
    bits: int

    @property
    def packet_bytes(self) -> int:
        """Octets of a stored frame."""
        return 1 + -(-self.bits // 8)

    @property
    def header(self) -> int:
        """The octet before the speech bits: frame type, and the bit that calls it good."""
        return self.number << 3 | 1 << 2


def amr_modes(bits_per_frame: Mapping[int, int]) -> dict[int, AmrMode]:
    """Number modes in rising order of rate.

    Args:
        bits_per_frame: Rate in bit/s to speech bits.
    """
    rising = sorted(bits_per_frame)
    return {
        rate: AmrMode(number=number, bits=bits_per_frame[rate])
        for number, rate in enumerate(rising)
    }


def frames_for_decoder(received: Received, name: str, mode: AmrMode) -> Sequence[bytes]:
    """Return a frame for each packet: its own, or `NO_DATA` where it was lost.

    Raises:
        BitstreamError: A packet that arrived is no frame of the mode.
    """
    for index, packet in enumerate(received):
        if packet is None:
            continue
        if len(packet) != mode.packet_bytes or packet[0] != mode.header:
            msg = (
                f"packet {index} of {name} is no frame of mode {mode.number}: "
                f"{mode.packet_bytes} bytes that begin with 0x{mode.header:02x} wanted"
            )
            raise BitstreamError(msg)
    return [NO_DATA if packet is None else packet for packet in received]
