"""Both ends of a stream of a neural codec that sends one packet per block of samples."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from codecbench.adapters.bit_packer import pack_codes, unpack_codes
from codecbench.adapters.neural.inference import inference
from codecbench.core.dependency import require
from codecbench.core.errors import EncodeError

if TYPE_CHECKING:
    from torch import Tensor

Run: TypeAlias = "Callable[[Tensor], Tensor]"
"""One step of a network that remembers what it has seen; see `streaming_copy`."""


class BlockStreamEncoder:
    """A `StreamEncoder` that codes block by block, however the signal is cut into pushes.

    Each block goes through the network by itself, so rounding is the same in all cases.
    """

    def __init__(
        self,
        run: Run,
        *,
        block_samples: int,
        tail_samples: int,
        codebook_sizes: Sequence[int],
        device: str,
    ) -> None:
        """Start with silence before the signal.

        Args:
            run: From samples ``(1, block_samples)`` to codes ``(codebooks, frames)``.
            block_samples: Per packet.
            tail_samples: Beyond a sample that must have been coded before it can be decoded.
            codebook_sizes: Of the codes.
            device: Where the network is.
        """
        self._run = run
        self._block = block_samples
        self._tail = tail_samples
        self._sizes = tuple(codebook_sizes)
        self._device = device
        self._waiting: NDArray[np.float32] = np.zeros(0, np.float32)
        self._seen = 0
        self._ended = False

    def push(self, samples: NDArray[np.float32]) -> list[bytes]:
        """Return the packets that these samples complete; see `StreamEncoder.push`.

        Raises:
            EncodeError: The stream has ended, or the samples are not one finite signal.
        """
        if self._ended:
            msg = "this stream has been flushed; open another one"
            raise EncodeError(msg)
        if samples.ndim != 1 or samples.dtype.kind != "f" or not np.isfinite(samples).all():
            msg = f"a stream takes finite floats (samples,), found {samples.dtype} {samples.shape}"
            raise EncodeError(msg)
        self._seen += samples.size
        self._waiting = np.concatenate([self._waiting, samples.astype(np.float32)])
        whole = self._waiting.size // self._block
        blocks = self._waiting[: whole * self._block].reshape(whole, self._block)
        self._waiting = self._waiting[whole * self._block :].copy()
        return [self._code(block) for block in blocks]

    def flush(self) -> list[bytes]:
        """Fill up with zeros until the last sample can be decoded; see `StreamEncoder.flush`."""
        zeros = -(self._seen + self._tail) % self._block + self._tail
        packets = self.push(np.zeros(zeros, np.float32)) if self._seen else []
        self._ended = True
        return packets

    def _code(self, block: NDArray[np.float32]) -> bytes:
        torch = require("torch")
        with inference(self._device):
            given = torch.from_numpy(block.copy()).to(self._device)[None]
            codes = self._run(given).cpu().numpy()
        return pack_codes(codes, self._sizes)[0]


class BlockStreamDecoder:
    """A `StreamDecoder` that decodes packet by packet."""

    def __init__(
        self, run: Run, *, packet_frames: int, codebook_sizes: Sequence[int], device: str
    ) -> None:
        """Start from a fresh state.

        Args:
            run: From codes ``(codebooks, frames)`` to samples ``(samples,)``.
            packet_frames: Frames of codes per packet.
            codebook_sizes: Of the codes.
            device: Where the network is.
        """
        self._run = run
        self._frames = packet_frames
        self._sizes = tuple(codebook_sizes)
        self._device = device

    def push(self, packet: bytes) -> NDArray[np.float32]:
        """Return the samples that a packet makes final; see `StreamDecoder.push`."""
        torch = require("torch")
        codes = torch.from_numpy(unpack_codes(packet, self._sizes, self._frames))
        with inference(self._device):
            samples: NDArray[np.float32] = self._run(codes.to(self._device)).cpu().numpy()
        return np.clip(samples, -1.0, 1.0)

    def flush(self) -> NDArray[np.float32]:
        """Return nothing: what is not final by now lies behind the end of the signal."""
        return np.zeros(0, np.float32)
