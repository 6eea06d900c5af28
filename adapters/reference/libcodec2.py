"""libcodec2 through ctypes, loaded anew for each clip.

The decoder draws from a random number generator whose state is a variable of the library, so that
what it returns depends on everything decoded before in the same process. A private copy of the
library that nobody else holds can be unloaded, and loading it again brings that state back to its
start: then the same bytes always give the same samples.

Functions and mode numbers are those of codec2.h (https://github.com/drowe67/codec2).
"""

import _ctypes
import ctypes
import os
import shutil
import sys
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codecbench.adapters.reference.shared_library import LibraryFile
from codecbench.core.errors import DecodeError, EncodeError

MODE_NUMBERS = {3200: 0, 2400: 1, 1600: 2, 1400: 3, 1300: 4, 1200: 5, 700: 8}
"""Rate in bit/s to CODEC2_MODE_…; 700 is mode 700C."""

# Two clips at once would share one copy and so its random numbers.
_ONE_AT_A_TIME = threading.Lock()


class LibCodec2:
    """A private copy of libcodec2, gone together with this object."""

    def __init__(self, file: LibraryFile) -> None:
        """Copy the library.

        Args:
            file: The library that everybody else may hold.
        """
        path, discard = _private_copy(file.path)
        self._copy = LibraryFile(name=file.name, path=path)
        weakref.finalize(self, discard)

    def encode(self, frames: NDArray[np.int16], rate: int, packet_bytes: int) -> list[bytes]:
        """Code frames with a fresh library and encoder.

        Args:
            frames: int16 ``(frames, samples)`` at 8 kHz.
            rate: Key of `MODE_NUMBERS`.
            packet_bytes: Bytes of one packet.

        Raises:
            EncodeError: The library has no such mode.
        """
        buffer = ctypes.create_string_buffer(packet_bytes)
        packets = []
        with self._fresh(rate) as (lib, state):
            if state is None:
                msg = f"this libcodec2 was built without the mode of {rate} bit/s"
                raise EncodeError(msg)
            for frame in np.ascontiguousarray(frames):
                lib.codec2_encode(state, buffer, frame.ctypes.data)
                packets.append(buffer.raw)
        return packets

    def decode(self, packets: Sequence[bytes], rate: int, frame: int) -> NDArray[np.int16]:
        """Decode packets with a fresh library and decoder.

        Args:
            packets: Of the right size; the library does not check.
            rate: Key of `MODE_NUMBERS`.
            frame: Samples of one packet.

        Returns:
            int16 ``(packets * frame,)`` at 8 kHz.

        Raises:
            DecodeError: The library has no such mode.
        """
        out = np.zeros((len(packets), frame), dtype=np.int16)
        with self._fresh(rate) as (lib, state):
            if state is None:
                msg = f"this libcodec2 was built without the mode of {rate} bit/s"
                raise DecodeError(msg)
            for index, packet in enumerate(packets):
                lib.codec2_decode(state, out[index].ctypes.data, packet)
        return out.reshape(-1)

    def frame_facts(self, rate: int) -> tuple[int, int]:
        """Return samples and bits per frame as the library tells them."""
        with self._fresh(rate) as (lib, state):
            return lib.codec2_samples_per_frame(state), lib.codec2_bits_per_frame(state)

    @contextmanager
    def _fresh(self, rate: int) -> Iterator[tuple[ctypes.CDLL, ctypes.c_void_p | None]]:
        with _ONE_AT_A_TIME:
            lib = self._copy.open()
            try:
                pointer = ctypes.c_void_p
                lib.codec2_create.restype = pointer
                lib.codec2_destroy.argtypes = [pointer]
                lib.codec2_samples_per_frame.argtypes = [pointer]
                lib.codec2_bits_per_frame.argtypes = [pointer]
                lib.codec2_encode.argtypes = [pointer, pointer, pointer]
                lib.codec2_encode.restype = None
                lib.codec2_decode.argtypes = [pointer, pointer, ctypes.c_char_p]
                lib.codec2_decode.restype = None
                address = lib.codec2_create(MODE_NUMBERS[rate])
                try:
                    yield lib, pointer(address) if address else None
                finally:
                    if address:
                        lib.codec2_destroy(address)
            finally:
                _ctypes.dlclose(lib._handle)


def _private_copy(path: Path) -> tuple[Path, Callable[[], None]]:
    """Copy a file to where nobody else opens it; also return what removes the copy."""
    if sys.platform == "linux":
        # In memory: nothing is left behind by a process that is killed, and a temporary folder
        # from which nothing may be executed does no harm.
        descriptor = os.memfd_create(path.name)
        with os.fdopen(descriptor, "wb", closefd=False) as copy:
            copy.write(path.read_bytes())
        return Path(f"/proc/self/fd/{descriptor}"), lambda: os.close(descriptor)
    folder = Path(tempfile.mkdtemp(prefix="codecbench-"))
    shutil.copyfile(path, folder / path.name)
    return folder / path.name, lambda: shutil.rmtree(folder, ignore_errors=True)
