"""Messages between supervisor and child: a length, then JSON."""

import json
import struct
from typing import BinaryIO

from codecbench.core.errors import RunError
from codecbench.core.fingerprint import Json

MAX_FRAME_BYTES = 64 * 2**20
HEADER = struct.Struct(">I")

Message = dict[str, Json]


def pack_frame(message: Message) -> bytes:
    """Return a message as it travels.

    Raises:
        RunError: It is larger than 64 MiB.
    """
    body = json.dumps(message, allow_nan=False, separators=(",", ":")).encode()
    if len(body) > MAX_FRAME_BYTES:
        msg = f"a message of {len(body)} bytes between processes exceeds {MAX_FRAME_BYTES}"
        raise RunError(msg)
    return HEADER.pack(len(body)) + body


def read_frame(stream: BinaryIO) -> Message | None:
    """Read one message; None at the end of the stream."""
    header = stream.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    (length,) = HEADER.unpack(header)
    body = stream.read(length)
    if len(body) < length:
        return None
    message: Message = json.loads(body)
    return message
