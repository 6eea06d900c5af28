"""The shared packer: codes to bits at exactly ceil(log2 size) bits each, most significant first."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from codecbench.core.errors import BitstreamError

_MAX_SIZE = 2**62
"""Above, indices and sizes would not fit into int64."""
_MAX_FRAMES = 2**24
"""An hour at 4660 frames a second."""


def code_bits(codebook_size: int) -> int:
    """Return the fixed width of one index, ceil(log2 size); a book of one entry needs no bits.

    Raises:
        BitstreamError: The size is not positive, or above 2^62.
    """
    if not 1 <= codebook_size <= _MAX_SIZE:
        msg = f"a codebook has 1 to 2^62 entries, found {codebook_size}"
        raise BitstreamError(msg)
    return (int(codebook_size) - 1).bit_length()


def pack_codes(codes: NDArray[np.int64], codebook_sizes: Sequence[int]) -> tuple[bytes, int]:
    """Pack codes frame by frame, within a frame codebook by codebook.

    Args:
        codes: Indices, int64 ``(codebooks, frames)``.
        codebook_sizes: Entries of each codebook.

    Returns:
        The bytes, the last one filled with zero bits, and the exact number of bits.

    Raises:
        BitstreamError: The shape is wrong, or an index lies outside its codebook.
    """
    bits = _to_bits(codes, codebook_sizes)
    return np.packbits(bits.reshape(-1)).tobytes(), bits.size


def pack_packets(
    codes: NDArray[np.int64], codebook_sizes: Sequence[int], packet_frames: int
) -> tuple[tuple[bytes, ...], tuple[int, ...]]:
    """Pack codes into packets of so many frames, each filled up to a whole byte.

    The same as `pack_codes` for each packet, all at once.

    Args:
        codes: Indices, int64 ``(codebooks, frames)``.
        codebook_sizes: Entries of each codebook.
        packet_frames: Frames per packet; the last one has what is left.

    Returns:
        The packets, and the exact bits of each.

    Raises:
        BitstreamError: As `pack_codes`.
    """
    bits = _to_bits(codes, codebook_sizes)
    frames, per_frame = bits.shape
    counts = _frames_of_packets(frames, packet_frames)
    filled = np.zeros((len(counts) * packet_frames, per_frame), dtype=np.uint8)
    filled[:frames] = bits
    rows = np.packbits(filled.reshape(len(counts), packet_frames * per_frame), axis=1)
    sizes = tuple(count * per_frame for count in counts)
    packets = tuple(row[: (size + 7) // 8].tobytes() for row, size in zip(rows, sizes, strict=True))
    return packets, sizes


def _frames_of_packets(frames: int, packet_frames: int) -> list[int]:
    if packet_frames < 1:
        msg = f"a packet has at least one frame, found {packet_frames}"
        raise BitstreamError(msg)
    return [min(packet_frames, frames - start) for start in range(0, frames, packet_frames)]


def _to_bits(codes: NDArray[np.int64], codebook_sizes: Sequence[int]) -> NDArray[np.uint8]:
    """Return the bits of each frame, ``(frames, bits)``."""
    if codes.ndim != 2 or codes.shape[0] != len(codebook_sizes) or codes.dtype.kind not in "iu":
        msg = (
            f"codes must be integers of shape ({len(codebook_sizes)}, frames), "
            f"found {codes.dtype} {codes.shape}"
        )
        raise BitstreamError(msg)
    widths = [code_bits(size) for size in codebook_sizes]
    sizes = np.asarray(codebook_sizes, dtype=np.int64)[:, None]
    codes = codes.astype(np.int64)  # unsigned ones above the range turn negative
    if ((codes < 0) | (codes >= sizes)).any():
        book, frame = np.argwhere((codes < 0) | (codes >= sizes))[0]
        msg = (
            f"code {codes[book, frame]} of codebook {book}, frame {frame} "
            f"lies outside 0 … {codebook_sizes[book] - 1}"
        )
        raise BitstreamError(msg)
    columns = [
        (codes[book, :, None] >> np.arange(width - 1, -1, -1, dtype=np.int64)) & 1
        for book, width in enumerate(widths)
    ]
    if not columns:
        return np.zeros((codes.shape[1], 0), dtype=np.uint8)
    return np.concatenate(columns, axis=1).astype(np.uint8)


def unpack_codes(data: bytes, codebook_sizes: Sequence[int], frames: int) -> NDArray[np.int64]:
    """Undo `pack_codes`.

    Args:
        data: Packed bytes.
        codebook_sizes: Entries of each codebook.
        frames: Number of frames.

    Returns:
        Indices, int64 ``(codebooks, frames)``.

    Raises:
        BitstreamError: There are too few or too many bytes, or an index lies outside its book.
    """
    _require_frames(frames)
    per_frame = sum(code_bits(size) for size in codebook_sizes)
    _require_length(data, frames, per_frame)
    bits = np.unpackbits(np.frombuffer(data, dtype=np.uint8), count=frames * per_frame)
    return _to_codes(bits.reshape(frames, per_frame), codebook_sizes)


def unpack_packets(
    packets: Sequence[bytes], codebook_sizes: Sequence[int], frames: int, packet_frames: int
) -> NDArray[np.int64]:
    """Undo `pack_packets`.

    Args:
        packets: Packed bytes of each packet.
        codebook_sizes: Entries of each codebook.
        frames: Number of frames in all.
        packet_frames: Frames per packet; the last one has what is left.

    Returns:
        Indices, int64 ``(codebooks, frames)``.

    Raises:
        BitstreamError: As `unpack_codes`, or the number of packets is wrong.
    """
    _require_frames(frames)
    per_frame = sum(code_bits(size) for size in codebook_sizes)
    packet_frames = min(packet_frames, max(frames, 1))  # a packet of more would be empty space
    if packet_frames > 0 and len(packets) != -(-frames // packet_frames):
        msg = f"{frames} frames are {-(-frames // packet_frames)} packets, found {len(packets)}"
        raise BitstreamError(msg)
    counts = _frames_of_packets(frames, packet_frames)
    for packet, count in zip(packets, counts, strict=True):
        _require_length(packet, count, per_frame)
    width = (packet_frames * per_frame + 7) // 8
    joined = b"".join(packet.ljust(width, b"\0") for packet in packets)
    rows = np.frombuffer(joined, dtype=np.uint8).reshape(len(packets), width)
    bits = np.unpackbits(rows, axis=1, count=packet_frames * per_frame)
    table = bits.reshape(len(packets) * packet_frames, per_frame)[:frames]
    return _to_codes(table, codebook_sizes)


def _require_frames(frames: int) -> None:
    # Books of one entry need no bits: without a bound a few bytes would fill any memory.
    if not 0 <= frames <= _MAX_FRAMES:
        msg = f"a stream has 0 to {_MAX_FRAMES} frames, found {frames}"
        raise BitstreamError(msg)


def _require_length(data: bytes, frames: int, per_frame: int) -> None:
    expected = (frames * per_frame + 7) // 8
    if len(data) != expected:
        msg = f"{frames} frames of {per_frame} bits need {expected} bytes, found {len(data)}"
        raise BitstreamError(msg)


def _to_codes(bits: NDArray[np.uint8], codebook_sizes: Sequence[int]) -> NDArray[np.int64]:
    """Return the indices, ``(codebooks, frames)``, of the bits of each frame."""
    widths = [code_bits(size) for size in codebook_sizes]
    frames = len(bits)
    table = bits.astype(np.int64)
    codes = np.zeros((len(widths), frames), dtype=np.int64)
    start = 0
    for book, width in enumerate(widths):
        weights = np.int64(1) << np.arange(width - 1, -1, -1, dtype=np.int64)
        codes[book] = table[:, start : start + width] @ weights
        start += width
        if (codes[book] >= codebook_sizes[book]).any():
            msg = f"bitstream damaged: an index of codebook {book} is ≥ {codebook_sizes[book]}"
            raise BitstreamError(msg)
    return codes
