"""PCM in packets of 20 ms, by the shared bit packer."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from codecbench.adapters.bit_packer import pack_codes, unpack_codes
from codecbench.adapters.reference.reference_codec import Packets
from codecbench.core.errors import BitstreamError


def packet_samples(sample_rate: int) -> int:
    """Return the samples in 20 ms, rounded down and at least one."""
    return max(1, sample_rate // 50)


def pack_pcm(levels: NDArray[np.int64], bits: int, frame: int) -> Packets:
    """Pack signed levels at exactly `bits` each.

    Args:
        levels: -2^(bits-1) … 2^(bits-1) - 1, int64 ``(samples,)``.
        bits: Bits per sample.
        frame: Samples per packet; the last packet holds what is left.
    """
    codes = (levels + (1 << (bits - 1)))[None, :]
    return [
        pack_codes(codes[:, at : at + frame], [1 << bits]) for at in range(0, levels.size, frame)
    ]


def unpack_pcm(
    packets: Sequence[bytes], bits: int, frame: int, n_samples: int
) -> NDArray[np.int64]:
    """Undo `pack_pcm`.

    Raises:
        BitstreamError: The number or the size of the packets does not fit `n_samples`.
    """
    expected = -(-n_samples // frame)
    if len(packets) != expected:
        msg = f"{n_samples} samples of PCM need {expected} packets, found {len(packets)}"
        raise BitstreamError(msg)
    out = np.zeros(n_samples, dtype=np.int64)
    for packet, at in zip(packets, range(0, n_samples, frame), strict=True):
        count = min(frame, n_samples - at)
        out[at : at + count] = unpack_codes(packet, [1 << bits], count)[0]
    return out - (1 << (bits - 1))
