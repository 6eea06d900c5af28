"""libspeex through ctypes: exact bits, which only its bit-packing structure knows."""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from codecbench.adapters.bitstream import Received
from codecbench.adapters.reference.shared_library import LibraryFile

MODE_IDS = {8000: 0, 16000: 1}
"""SPEEX_MODEID_NB and SPEEX_MODEID_WB by sample rate in Hz."""
# speex.h
_SET_QUALITY = 4
_SET_COMPLEXITY = 16
_GET_BITRATE = 19
_GET_LOOKAHEAD = 39
_MAX_PACKET_BYTES = 2000


class SpeexBits(ctypes.Structure):
    """The structure of speex_bits.h."""

    _fields_: ClassVar = [
        ("chars", ctypes.c_void_p),
        ("nb_bits", ctypes.c_int),
        ("char_at", ctypes.c_int),
        ("bit_at", ctypes.c_int),
        ("owner", ctypes.c_int),
        ("overflow", ctypes.c_int),
        ("buffer_size", ctypes.c_int),
        ("reserved1", ctypes.c_int),
        ("reserved2", ctypes.c_void_p),
    ]


class LibSpeex:
    """A loaded libspeex."""

    def __init__(self, file: LibraryFile) -> None:
        """Load the library.

        Raises:
            MissingDependencyError: It cannot be loaded.
        """
        self._lib = file.open()
        pointer, integer, bits = ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(SpeexBits)
        self._lib.speex_lib_get_mode.restype = pointer
        for kind in ("encoder", "decoder"):
            init = getattr(self._lib, f"speex_{kind}_init")
            init.restype, init.argtypes = pointer, [pointer]
            getattr(self._lib, f"speex_{kind}_ctl").argtypes = [pointer, integer, pointer]
            getattr(self._lib, f"speex_{kind}_destroy").argtypes = [pointer]
        for name in ("init", "reset", "destroy"):
            getattr(self._lib, f"speex_bits_{name}").argtypes = [bits]
        self._lib.speex_encode_int.argtypes = [pointer, pointer, bits]
        self._lib.speex_decode_int.argtypes = [pointer, bits, pointer]
        self._lib.speex_bits_write.argtypes = [bits, pointer, integer]
        self._lib.speex_bits_read_from.argtypes = [bits, ctypes.c_char_p, integer]

    def facts(self, sample_rate: int, quality: int) -> tuple[int, int]:
        """Return the rate in bit/s and the delay of encoder and decoder in samples."""
        with self._coder("encoder", sample_rate) as encoder:
            self._set("encoder", encoder, _SET_QUALITY, quality)
            rate = self._get("encoder", encoder, _GET_BITRATE)
            delay = self._get("encoder", encoder, _GET_LOOKAHEAD)
        with self._coder("decoder", sample_rate) as decoder:
            return rate, delay + self._get("decoder", decoder, _GET_LOOKAHEAD)

    def encode(
        self, frames: NDArray[np.int16], *, sample_rate: int, quality: int, complexity: int
    ) -> list[tuple[bytes, int]]:
        """Code frames with a fresh encoder.

        Args:
            frames: int16 ``(frames, samples)`` of 20 ms.
            sample_rate: 8000 or 16000 Hz.
            quality: 0 … 10.
            complexity: 0 … 10.

        Returns:
            Packets, each with its exact bits.
        """
        buffer = ctypes.create_string_buffer(_MAX_PACKET_BYTES)
        packets = []
        with self._coder("encoder", sample_rate) as encoder, self._bits() as bits:
            self._set("encoder", encoder, _SET_QUALITY, quality)
            self._set("encoder", encoder, _SET_COMPLEXITY, complexity)
            for frame in frames:
                # The encoder works in place.
                own = frame.copy()
                self._lib.speex_bits_reset(bits)
                self._lib.speex_encode_int(encoder, own.ctypes.data, bits)
                count = bits.nb_bits  # before writing, which adds what fills the last byte
                size = self._lib.speex_bits_write(bits, buffer, _MAX_PACKET_BYTES)
                packets.append((buffer.raw[:size], count))
        return packets

    def decode(
        self, received: Received, *, sample_rate: int, frame: int
    ) -> tuple[NDArray[np.int16], list[int]]:
        """Decode packets with a fresh decoder, which extrapolates where one was lost.

        Returns:
            int16 ``(packets * frame,)``, and the indices of packets that the decoder refused.
        """
        out = np.zeros((len(received), frame), dtype=np.int16)
        refused = []
        with self._coder("decoder", sample_rate) as decoder, self._bits() as bits:
            for index, packet in enumerate(received):
                if packet is not None:
                    self._lib.speex_bits_read_from(bits, packet, len(packet))
                source = bits if packet is not None else None
                if self._lib.speex_decode_int(decoder, source, out[index].ctypes.data):
                    refused.append(index)
        return out.reshape(-1), refused

    @contextmanager
    def _coder(self, kind: str, sample_rate: int) -> Iterator[int]:
        mode = self._lib.speex_lib_get_mode(MODE_IDS[sample_rate])
        state: int = getattr(self._lib, f"speex_{kind}_init")(mode)
        try:
            yield state
        finally:
            getattr(self._lib, f"speex_{kind}_destroy")(state)

    @contextmanager
    def _bits(self) -> Iterator[SpeexBits]:
        bits = SpeexBits()
        self._lib.speex_bits_init(bits)
        try:
            yield bits
        finally:
            self._lib.speex_bits_destroy(bits)

    def _set(self, kind: str, state: int, request: int, value: int) -> None:
        getattr(self._lib, f"speex_{kind}_ctl")(state, request, ctypes.byref(ctypes.c_int(value)))

    def _get(self, kind: str, state: int, request: int) -> int:
        value = ctypes.c_int()
        getattr(self._lib, f"speex_{kind}_ctl")(state, request, ctypes.byref(value))
        return value.value
