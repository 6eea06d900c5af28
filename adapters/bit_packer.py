"""The shared packer: codes to bits at exactly ceil(log2 size) bits each, most significant first."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from codecbench.core.errors import BitstreamError

_MAX_SIZE = 2**62
"""Above, indices and sizes would not fit into int64."""


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
    bits = np.concatenate(columns, axis=1).astype(np.uint8) if columns else np.zeros((0, 0), "u1")
    return np.packbits(bits.reshape(-1)).tobytes(), codes.shape[1] * sum(widths)


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
    if frames < 0:
        msg = f"a stream cannot have {frames} frames"
        raise BitstreamError(msg)
    widths = [code_bits(size) for size in codebook_sizes]
    per_frame = sum(widths)
    expected = (frames * per_frame + 7) // 8
    if len(data) != expected:
        msg = f"{frames} frames of {per_frame} bits need {expected} bytes, found {len(data)}"
        raise BitstreamError(msg)
    bits = np.unpackbits(np.frombuffer(data, dtype=np.uint8), count=frames * per_frame)
    table = bits.reshape(frames, per_frame).astype(np.int64)
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
