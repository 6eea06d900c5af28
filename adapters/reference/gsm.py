"""GSM full rate, by libgsm of the system."""

import ctypes

import numpy as np

from codecbench.adapters.base import CodecInfo, OperatingPoint
from codecbench.adapters.bitstream import Encoded
from codecbench.adapters.reference.reference_codec import (
    Packets,
    ReferenceCodec,
    Signal,
    pad_to_frames,
    require_packet_sizes,
)
from codecbench.adapters.reference.shared_library import (
    describe,
    find_in_system,
    require_in_system,
)
from codecbench.core.audio import Audio, round_to_int16
from codecbench.core.errors import BitstreamError

_SONAMES = ("libgsm.so.1",)
_DEBIAN_PACKAGE = "libgsm1"
_FRAME, _BITS, _BYTES = 160, 260, 33
"""ETSI EN 300 961, section 1.7; the library puts a magic number of 4 bits before the 260."""


class GsmCodec(ReferenceCodec):
    """GSM 06.10 full rate at 8 kHz, 13 kbit/s, without delay beyond its frame.

    Source:
        ETSI EN 300 961 (GSM 06.10); Degener and Bormann, https://www.quut.com/gsm/.
    """

    def __init__(self) -> None:
        """There are no options."""
        self.points = (OperatingPoint(name="13000", nominal_bps=13000.0),)
        version, fingerprint = describe(find_in_system(_SONAMES))
        self._lib: ctypes.CDLL | None = None
        self.info = CodecInfo(
            name="gsm",
            version=version,
            fingerprint=fingerprint,
            sample_rate=8000,
            frame_samples=_FRAME,
            licence="TU-Berlin-2.0",
            source="ETSI EN 300 961",
            needs=(f"lib:{_DEBIAN_PACKAGE}",),
        )

    def load(self) -> None:
        """Load libgsm.

        Raises:
            MissingDependencyError: It is not installed.
        """
        self._library()

    def _library(self) -> ctypes.CDLL:
        if self._lib is None:
            lib = require_in_system(_SONAMES, debian_package=_DEBIAN_PACKAGE).open()
            pointer = ctypes.c_void_p
            lib.gsm_create.restype = pointer  # gsm.h
            lib.gsm_destroy.argtypes = [pointer]
            lib.gsm_encode.argtypes = [pointer, pointer, pointer]
            lib.gsm_encode.restype = None
            lib.gsm_decode.argtypes = [pointer, pointer, pointer]
            self._lib = lib
        return self._lib

    def encode_packets(self, audio: Audio, point: OperatingPoint) -> Packets:
        """Code frame by frame."""
        lib = self._library()
        buffer = ctypes.create_string_buffer(_BYTES)
        packets = []
        state = lib.gsm_create()
        try:
            for frame in pad_to_frames(round_to_int16(audio.samples), _FRAME):
                lib.gsm_encode(state, frame.ctypes.data, buffer)
                packets.append((buffer.raw, _BITS))
        finally:
            lib.gsm_destroy(state)
        return packets

    def decode_packets(self, encoded: Encoded, point: OperatingPoint) -> Signal:
        """Decode frame by frame."""
        require_packet_sizes(encoded.packets, "gsm", [_BYTES])
        lib = self._library()
        out = np.zeros((len(encoded.packets), _FRAME), dtype=np.int16)
        state = lib.gsm_create()
        try:
            for index, packet in enumerate(encoded.packets):
                if lib.gsm_decode(state, packet, out[index].ctypes.data):
                    msg = f"packet {index} of gsm does not begin with its magic number"
                    raise BitstreamError(msg)
        finally:
            lib.gsm_destroy(state)
        return out.reshape(-1)
