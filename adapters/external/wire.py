"""Messages to and from a codec under another interpreter: JSON, and arrays as they are."""

import json
import struct
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

HEAD = struct.Struct(">II")
"""Length of the JSON and number of blobs; the lengths of the blobs follow, then all content."""
SIZE = struct.Struct(">Q")
MAX_BYTES = 2**30
"""An hour of samples is less; more is a broken pipe's noise."""
# Any: what JSON holds.
Message = dict[str, Any]
Read = Callable[[int], bytes]
"""Returns exactly so many bytes."""


class WireError(Exception):
    """Bytes that are no message: something else was written to the pipe."""


def pack_message(message: Message, blobs: Sequence[bytes] = ()) -> bytes:
    """Return a message as it travels."""
    body = json.dumps(message).encode()
    sizes = b"".join(SIZE.pack(len(blob)) for blob in blobs)
    return b"".join([HEAD.pack(len(body), len(blobs)), sizes, body, *blobs])


def read_message(read: Read) -> tuple[Message, list[bytes]]:
    """Read one message.

    Raises:
        WireError: The bytes are none.
    """
    length, count = HEAD.unpack(read(HEAD.size))
    if length > MAX_BYTES or count > 2**16:
        msg = "the answer is no message; does something write to file descriptor 1?"
        raise WireError(msg)
    sizes = [SIZE.unpack(read(SIZE.size))[0] for _ in range(count)]
    if sum(sizes) > MAX_BYTES:
        msg = f"an answer of {sum(sizes)} bytes is too large"
        raise WireError(msg)
    try:
        message = json.loads(read(length))
    except ValueError as error:
        msg = f"the answer is no JSON: {error}"
        raise WireError(msg) from error
    if not isinstance(message, dict):
        msg = f"the answer is a {type(message).__name__}, not an object"
        raise WireError(msg)
    return message, [read(size) for size in sizes]


def samples_to_bytes(samples: NDArray[np.float32]) -> bytes:
    """Return a signal as little-endian float32."""
    return np.ascontiguousarray(samples, "<f4").tobytes()


def samples_from_bytes(data: bytes) -> NDArray[np.float32]:
    """Return the signal that `samples_to_bytes` wrote."""
    return np.frombuffer(data, "<f4").astype(np.float32)
