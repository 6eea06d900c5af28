"""WAV as codecbench writes it: one channel, 16 bit, nothing but the samples.

Every step of a run writes or reads such a file, and libsndfile's way through its callbacks takes
several times as long as the samples themselves. All other sound files are libsndfile's.
"""

import os
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

HEADER_BYTES = 44
_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
_PCM, _CHANNELS, _BYTES, _BITS = 1, 1, 2, 16
MAX_RATE = 655350
"""In Hz; libsndfile takes no higher rate."""
MAX_SAMPLES = 2**30
"""2 GiB: beyond it headers mean different things to different readers."""


def encode_wav(samples: NDArray[np.int16], sample_rate: int) -> bytes:
    """Return the bytes of a file, the same that libsndfile writes.

    Args:
        samples: Shape ``(samples,)``, at most `MAX_SAMPLES`.
        sample_rate: In Hz, at most `MAX_RATE`.

    Source:
        Multimedia Programming Interface and Data Specifications 1.0, IBM and Microsoft, 1991,
        "WAVE form".
    """
    return _header(sample_rate, samples.nbytes) + samples.astype("<i2", copy=False).tobytes()


def read_wav(path: Path) -> tuple[NDArray[np.float32], int] | None:
    """Read a file whose header is ours and whose length is what it says.

    Args:
        path: The file.

    Returns:
        Samples in [-1, 1], shape ``(samples,)``, and the rate in Hz; None for any other file.
    """
    try:
        with path.open("rb") as file:
            header = file.read(HEADER_BYTES)
            size = os.fstat(file.fileno()).st_size - HEADER_BYTES
            rate = int.from_bytes(header[24:28], "little")
            is_ours = (
                0 <= size <= _BYTES * MAX_SAMPLES and size % _BYTES == 0 and 0 < rate <= MAX_RATE
            )
            if not is_ours or header != _header(rate, size):
                return None
            data = file.read(size)
    except OSError:
        return None
    if len(data) != size:
        return None
    samples = np.frombuffer(data, dtype="<i2").astype(np.float32)
    samples *= np.float32(1 / 32768)
    return samples, rate


def _header(sample_rate: int, size: int) -> bytes:
    return _HEADER.pack(
        *(b"RIFF", HEADER_BYTES - 8 + size, b"WAVE"),
        *(b"fmt ", 16, _PCM, _CHANNELS, sample_rate, sample_rate * _BYTES, _BYTES, _BITS),
        *(b"data", size),
    )
