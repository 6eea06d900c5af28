"""AMR-WB, the wideband codec of 3G and 4G telephony.

The encoder is VisualOn's, a library of the system; the decoder is OpenCORE's, inside PyAV's wheel.
"""

import ctypes
from collections.abc import Sequence

import numpy as np

from codecbench.adapters.base import CodecInfo, OperatingPoint
from codecbench.adapters.bitstream import Received
from codecbench.adapters.reference.amr_frames import AmrMode, amr_modes, frames_for_decoder
from codecbench.adapters.reference.reference_codec import (
    ConcealingCodec,
    Packets,
    Signal,
    pad_to_frames,
)
from codecbench.adapters.reference.settings import (
    Number,
    point_number,
    rate_points,
    require_choice,
)
from codecbench.adapters.reference.shared_library import (
    describe,
    find_in_system,
    find_in_wheel,
    require_in_system,
    require_in_wheel,
)
from codecbench.core.audio import Audio, round_to_int16
from codecbench.core.errors import EncodeError
from codecbench.core.fingerprint import package_versions

# 3GPP TS 26.201, table 2: speech bits of each mode.
_BITS = {6600: 132, 8850: 177, 12650: 253, 14250: 285, 15850: 317}
_MODES = amr_modes({**_BITS, 18250: 365, 19850: 397, 23050: 461, 23850: 477})
_FRAME = 320
_DELAY = 94
"""Samples at 16 kHz by which the output is late, found by correlating waveforms. The standard's
5 ms look-ahead (3GPP TS 26.190, section 5.2.1) and the filters that change the rate to 12.8 kHz
and back."""
_ENCODER = ("libvo-amrwbenc.so.0",)
_ENCODER_PACKAGE = "libvo-amrwbenc0"
_DECODER = ("av", "libopencore-amrwb")


class AmrWbCodec(ConcealingCodec):
    """AMR-WB at 16 kHz without discontinuous transmission.

    No packet is spent on the delay: the decoder extrapolates the last 5.9 ms as it does for a lost
    frame, so a clip costs exactly its number of frames times the bits of a frame.

    Source:
        3GPP TS 26.171 and TS 26.190 (ITU-T G.722.2).
    """

    rate_option = "mode"
    concealment = "bad-frame substitution"

    def __init__(self, *, mode: int | Sequence[int] = (6600, 8850, 12650, 15850, 23850)) -> None:
        """Check the options.

        Args:
            mode: 6600, 8850, 12650, 14250, 15850, 18250, 19850, 23050 or 23850 bit/s.

        Raises:
            UnsupportedSettingError: There is no such mode.
        """

        def check(value: Number) -> Number:
            return require_choice("amrwb", "mode", value, _MODES)

        self.points = rate_points("amrwb", "mode", mode, check=check, nominal_bps=float)
        version, fingerprint = describe(
            find_in_system(_ENCODER),
            find_in_wheel(*_DECODER),
            prefix=f"av {package_versions(['av'])['av']}",
        )
        self._libs: tuple[ctypes.CDLL, ctypes.CDLL] | None = None
        self.info = CodecInfo(
            name="amrwb",
            version=version,
            fingerprint=fingerprint,
            sample_rate=16000,
            frame_samples=_FRAME,
            lookahead_samples=_DELAY,
            licence="Apache-2.0",
            source="3GPP TS 26.171",
            needs=("pkg:av", f"lib:{_ENCODER_PACKAGE}"),
        )

    def load(self) -> None:
        """Load both libraries.

        Raises:
            MissingDependencyError: One of them is not installed.
        """
        self._libraries()

    def _libraries(self) -> tuple[ctypes.CDLL, ctypes.CDLL]:
        if self._libs is None:
            pointer, integer = ctypes.c_void_p, ctypes.c_int
            encoder = require_in_system(_ENCODER, debian_package=_ENCODER_PACKAGE).open()
            encoder.E_IF_init.restype = pointer  # enc_if.h
            encoder.E_IF_exit.argtypes = [pointer]
            encoder.E_IF_encode.argtypes = [pointer, integer, pointer, pointer, integer]
            decoder = require_in_wheel(*_DECODER).open()
            decoder.D_IF_init.restype = pointer  # dec_if.h
            decoder.D_IF_exit.argtypes = [pointer]
            decoder.D_IF_decode.argtypes = [pointer, pointer, pointer, integer]
            decoder.D_IF_decode.restype = None
            self._libs = encoder, decoder
        return self._libs

    def _mode(self, point: OperatingPoint) -> AmrMode:
        return _MODES[int(point_number(point, "mode"))]

    def delay_samples(self, point: OperatingPoint) -> int:
        """Return the measured delay."""
        return _DELAY

    def encode_packets(self, audio: Audio, point: OperatingPoint) -> Packets:
        """Code frame by frame."""
        lib, mode = self._libraries()[0], self._mode(point)
        buffer = ctypes.create_string_buffer(128)
        packets = []
        encoder = lib.E_IF_init()
        try:
            for frame in pad_to_frames(round_to_int16(audio.samples), _FRAME):
                size = lib.E_IF_encode(encoder, mode.number, frame.ctypes.data, buffer, 0)
                if size != mode.packet_bytes:
                    msg = f"amrwb gave a frame of {size} bytes, {mode.packet_bytes} wanted"
                    raise EncodeError(msg)
                packets.append((buffer.raw[:size], mode.bits))
        finally:
            lib.E_IF_exit(encoder)
        return packets

    def decode_received(self, received: Received, point: OperatingPoint) -> Signal:
        """Decode frame by frame, and extrapolate one more."""
        lib = self._libraries()[1]
        sent_and_one = [*received, None] if received else []
        frames = frames_for_decoder(sent_and_one, "amrwb", self._mode(point))
        out = np.zeros((len(frames), _FRAME), dtype=np.int16)
        decoder = lib.D_IF_init()
        try:
            for index, frame in enumerate(frames):
                lib.D_IF_decode(decoder, frame, out[index].ctypes.data, 0)
        finally:
            lib.D_IF_exit(decoder)
        return out.reshape(-1)
