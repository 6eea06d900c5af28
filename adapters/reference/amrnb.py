"""AMR, the narrowband codec of GSM and UMTS, by the OpenCORE library inside PyAV's wheel."""

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
    find_in_wheel,
    require_in_wheel,
)
from codecbench.core.audio import Audio, round_to_int16
from codecbench.core.errors import EncodeError
from codecbench.core.fingerprint import package_versions

# 3GPP TS 26.101, table 2: speech bits of each mode.
_MODES = amr_modes(
    {4750: 95, 5150: 103, 5900: 118, 6700: 134, 7400: 148, 7950: 159, 10200: 204, 12200: 244}
)
_FRAME = 160
_LOOKAHEAD = 40  # 5 ms: 3GPP TS 26.090, section 5.2.1


class AmrNbCodec(ConcealingCodec):
    """AMR at 8 kHz without discontinuous transmission.

    Zeros are coded after the end until the look-ahead has come out; all packets count.

    Source:
        3GPP TS 26.071 and TS 26.090; https://sourceforge.net/projects/opencore-amr/.
    """

    rate_option = "mode"
    concealment = "bad-frame substitution"

    def __init__(self, *, mode: int | Sequence[int] = (4750, 7400, 12200)) -> None:
        """Check the options.

        Args:
            mode: 4750, 5150, 5900, 6700, 7400, 7950, 10200 or 12200 bit/s.

        Raises:
            UnsupportedSettingError: There is no such mode.
        """

        def check(value: Number) -> Number:
            return require_choice("amrnb", "mode", value, _MODES)

        self.points = rate_points("amrnb", "mode", mode, check=check, nominal_bps=float)
        version, fingerprint = describe(
            find_in_wheel("av", "libopencore-amrnb"),
            prefix=f"av {package_versions(['av'])['av']}",
        )
        self._lib: ctypes.CDLL | None = None
        self.info = CodecInfo(
            name="amrnb",
            version=version,
            fingerprint=fingerprint,
            sample_rate=8000,
            frame_samples=_FRAME,
            lookahead_samples=_LOOKAHEAD,
            licence="Apache-2.0",
            source="3GPP TS 26.071",
            needs=("pkg:av",),
        )

    def load(self) -> None:
        """Load the library.

        Raises:
            MissingDependencyError: PyAV is not installed, or is not its wheel.
        """
        self._library()

    def _library(self) -> ctypes.CDLL:
        if self._lib is None:
            lib = require_in_wheel("av", "libopencore-amrnb").open()
            pointer, integer = ctypes.c_void_p, ctypes.c_int
            # interf_enc.h and interf_dec.h
            lib.Encoder_Interface_init.restype = pointer
            lib.Encoder_Interface_exit.argtypes = [pointer]
            lib.Encoder_Interface_Encode.argtypes = [pointer, integer, pointer, pointer, integer]
            lib.Decoder_Interface_init.restype = pointer
            lib.Decoder_Interface_exit.argtypes = [pointer]
            lib.Decoder_Interface_Decode.argtypes = [pointer, pointer, pointer, integer]
            lib.Decoder_Interface_Decode.restype = None
            self._lib = lib
        return self._lib

    def _mode(self, point: OperatingPoint) -> AmrMode:
        return _MODES[int(point_number(point, "mode"))]

    def delay_samples(self, point: OperatingPoint) -> int:
        """Return the look-ahead."""
        return _LOOKAHEAD

    def encode_packets(self, audio: Audio, point: OperatingPoint) -> Packets:
        """Code frame by frame, until the look-ahead has come out."""
        lib, mode = self._library(), self._mode(point)
        frames = pad_to_frames(round_to_int16(audio.samples), _FRAME, extra=_LOOKAHEAD)
        buffer = ctypes.create_string_buffer(64)
        packets = []
        encoder = lib.Encoder_Interface_init(0)
        try:
            for frame in frames:
                size = lib.Encoder_Interface_Encode(
                    encoder, mode.number, frame.ctypes.data, buffer, 0
                )
                if size != mode.packet_bytes:
                    msg = f"amrnb gave a frame of {size} bytes, {mode.packet_bytes} wanted"
                    raise EncodeError(msg)
                packets.append((buffer.raw[:size], mode.bits))
        finally:
            lib.Encoder_Interface_exit(encoder)
        return packets

    def decode_received(self, received: Received, point: OperatingPoint) -> Signal:
        """Decode frame by frame."""
        lib = self._library()
        frames = frames_for_decoder(received, "amrnb", self._mode(point))
        out = np.zeros((len(frames), _FRAME), dtype=np.int16)
        decoder = lib.Decoder_Interface_init()
        try:
            for index, frame in enumerate(frames):
                lib.Decoder_Interface_Decode(decoder, frame, out[index].ctypes.data, 0)
        finally:
            lib.Decoder_Interface_exit(decoder)
        return out.reshape(-1)
