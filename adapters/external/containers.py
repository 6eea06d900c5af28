"""What of a file is payload: packets inside an Ogg container, frames of ITU-T G.192."""

from collections.abc import Sequence

import numpy as np

from codecbench.core.errors import BitstreamError

_OGG_HEADER = 27
_G192_SYNC = 0x6B21
_G192_LOST = 0x6B20
_G192_ONE = 0x0081
_G192_ZERO = 0x007F


def ogg_payload_bytes(data: bytes, header_packets: int = 2) -> int:
    """Return the bytes of all packets of an Ogg file of one stream, without its first ones.

    Args:
        data: The whole file.
        header_packets: Packets at the beginning that are no payload; Opus has two.

    Raises:
        BitstreamError: It is no Ogg file, or is cut.

    Source:
        RFC 3533, section 6.
    """
    sizes, open_packet, at = [], 0, 0
    while at < len(data):
        if data[at : at + 4] != b"OggS" or at + _OGG_HEADER > len(data):
            msg = f"no page of Ogg at byte {at}"
            raise BitstreamError(msg)
        segments = data[at + _OGG_HEADER : at + _OGG_HEADER + data[at + 26]]
        at += _OGG_HEADER + len(segments) + sum(segments)
        for length in segments:
            open_packet += length
            if length < 255:  # a packet ends with the first segment that is not full
                sizes.append(open_packet)
                open_packet = 0
    if at != len(data) or open_packet:
        msg = "Ogg file is cut"
        raise BitstreamError(msg)
    return sum(sizes[header_packets:])


def unpack_g192(data: bytes) -> list[tuple[bytes, int]]:
    """Return frames as packed bits, most significant first, with their numbers of bits.

    Args:
        data: Words of 16 bits, little-endian: a sync word, the number of bits, one word each.

    Raises:
        BitstreamError: It is something else, cut, or has erased frames.

    Source:
        ITU-T G.192 (03/96), annex B.
    """
    words = np.frombuffer(data[: len(data) // 2 * 2], "<u2")
    frames, at = [], 0
    while at + 2 <= words.size:
        sync, count = int(words[at]), int(words[at + 1])
        soft = words[at + 2 : at + 2 + count]
        if sync != _G192_SYNC or soft.size != count:
            erased = " (an erased frame)" if sync == _G192_LOST else ""
            msg = f"no whole frame of G.192 at word {at}: {sync:#06x}{erased}, {count} bits"
            raise BitstreamError(msg)
        if not np.isin(soft, (_G192_ZERO, _G192_ONE)).all():
            msg = f"frame of G.192 at word {at} holds words that are no bits"
            raise BitstreamError(msg)
        frames.append((np.packbits(soft == _G192_ONE).tobytes(), count))
        at += 2 + count
    if at != words.size or len(data) % 2:
        msg = "file of G.192 is cut"
        raise BitstreamError(msg)
    return frames


def pack_g192(packets: Sequence[bytes], bits: Sequence[int]) -> bytes:
    """Return the file of which `unpack_g192` made packets."""
    parts = []
    for packet, count in zip(packets, bits, strict=True):
        hard = np.unpackbits(np.frombuffer(packet, np.uint8), count=count)
        soft = np.where(hard == 1, _G192_ONE, _G192_ZERO)
        parts.append(np.concatenate([[_G192_SYNC, count], soft]).astype("<u2").tobytes())
    return b"".join(parts)
