"""LC3, the codec of Bluetooth LE Audio, by the liblc3 inside lc3py's wheel, through ctypes.

lc3py's own classes hide the concealment of losses and never free their coders. Functions are those
of lc3.h (https://github.com/google/liblc3), which lets the caller own the memory of each coder.
"""

import ctypes
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from codecbench.adapters.base import CodecInfo, OperatingPoint
from codecbench.adapters.bitstream import Received
from codecbench.adapters.reference.reference_codec import (
    ConcealingCodec,
    Packets,
    Signal,
    pad_to_frames,
    require_packet_sizes,
)
from codecbench.adapters.reference.settings import (
    Number,
    point_number,
    rate_points,
    require_choice,
    require_whole,
)
from codecbench.adapters.reference.shared_library import (
    describe,
    find_in_wheel,
    require_in_wheel,
)
from codecbench.core.audio import Audio, round_to_int16
from codecbench.core.errors import BitstreamError, EncodeError, UnsupportedSettingError
from codecbench.core.fingerprint import package_versions

_FRAMES_MS = (2.5, 5.0, 7.5, 10.0)
_SAMPLE_RATES = (8000, 16000, 24000, 32000, 48000)
_FORMAT_S16 = 0  # LC3_PCM_FORMAT_S16
_CONCEALED = 1  # what lc3_decode returns where it has filled in for a frame
_MIN_BYTES, _MAX_BYTES = 20, 400  # LC3_MIN_FRAME_BYTES, LC3_MAX_FRAME_BYTES


class Lc3Codec(ConcealingCodec):
    """LC3 in one channel at a constant rate.

    Zeros are coded after the end until the delay of the codec has come out; all packets count.

    Source:
        Bluetooth SIG, Low Complexity Communication Codec 1.0, 2020.
    """

    rate_option = "bitrate"

    def __init__(
        self,
        *,
        bitrate: int | Sequence[int] = (16000, 24000, 32000, 64000),
        frame_ms: float = 10.0,
        sample_rate: int = 16000,
    ) -> None:
        """Check the options.

        Args:
            bitrate: In bit/s; a frame has 20 … 400 whole bytes, so 16000 … 320000 in steps of 800
                with frames of 10 ms.
            frame_ms: 2.5, 5, 7.5 or 10.
            sample_rate: 8000, 16000, 24000, 32000 or 48000 Hz.

        Raises:
            UnsupportedSettingError: An option is out of range.
        """
        duration_ms = float(require_choice("lc3", "frame_ms", frame_ms, _FRAMES_MS))
        self._frame_us = round(1000 * duration_ms)
        rate = require_choice("lc3", "sample_rate", sample_rate, _SAMPLE_RATES)

        self.points = rate_points(
            "lc3", "bitrate", bitrate, check=self._check_bitrate, nominal_bps=float
        )
        file = find_in_wheel("lc3", "liblc3")
        version, fingerprint = describe(file, prefix=f"lc3py {_lc3py_version()}")
        self._lib: ctypes.CDLL | None = None
        self.info = CodecInfo(
            name="lc3",
            version=version,
            fingerprint=fingerprint,
            sample_rate=rate,
            frame_samples=rate * self._frame_us // 1_000_000,
            # 2.5 ms, or 4 ms with frames of 7.5 ms: specification, section 3.3.4.3; what
            # lc3_delay_samples returns.
            lookahead_samples=rate * (4000 if duration_ms == 7.5 else 2500) // 1_000_000,
            licence="Apache-2.0",
            source="Bluetooth SIG, Low Complexity Communication Codec 1.0",
            needs=("pkg:lc3py",),
        )

    def _check_bitrate(self, value: Number) -> Number:
        lowest = _MIN_BYTES * 8_000_000 / self._frame_us
        whole = require_whole("lc3", "bitrate", value, round(lowest), round(lowest * 20))
        if whole * self._frame_us % 8_000_000:
            below = whole * self._frame_us // 8_000_000
            near = " or ".join(f"{n * 8_000_000 / self._frame_us:g}" for n in (below, below + 1))
            msg = f"lc3: bitrate {whole} gives no whole bytes per frame; take {near}"
            raise UnsupportedSettingError(msg)
        return whole

    def load(self) -> None:
        """Load liblc3.

        Raises:
            MissingDependencyError: lc3py is not installed.
        """
        self._library()

    def _library(self) -> ctypes.CDLL:
        if self._lib is None:
            lib = require_in_wheel("lc3", "liblc3").open()
            pointer, integer = ctypes.c_void_p, ctypes.c_int
            for kind in ("encoder", "decoder"):
                getattr(lib, f"lc3_{kind}_size").restype = ctypes.c_uint
                setup = getattr(lib, f"lc3_setup_{kind}")
                setup.restype = pointer
                setup.argtypes = [integer, integer, integer, pointer]
            lib.lc3_encode.argtypes = [pointer, integer, pointer, integer, integer, pointer]
            lib.lc3_decode.argtypes = [pointer, pointer, integer, integer, pointer, integer]
            self._lib = lib
        return self._lib

    def _new(self, kind: str) -> tuple[ctypes.c_void_p, object]:
        """Return a fresh coder and the memory that must live as long as it."""
        lib, rate = self._library(), self.info.sample_rate
        memory = ctypes.create_string_buffer(getattr(lib, f"lc3_{kind}_size")(self._frame_us, rate))
        setup = getattr(lib, f"lc3_setup_{kind}")
        return ctypes.c_void_p(setup(self._frame_us, rate, rate, memory)), memory

    def _packet_bytes(self, point: OperatingPoint) -> int:
        return int(point_number(point, "bitrate")) * self._frame_us // 8_000_000

    def delay_samples(self, point: OperatingPoint) -> int:
        """Return the delay of the transform."""
        return self.info.lookahead_samples

    def encode_packets(self, audio: Audio, point: OperatingPoint) -> Packets:
        """Code frame by frame, until the delay has come out."""
        frames = pad_to_frames(
            round_to_int16(audio.samples),
            self.info.frame_samples,
            extra=self.info.lookahead_samples,
        )
        encoder, _memory = self._new("encoder")
        size = self._packet_bytes(point)
        buffer = ctypes.create_string_buffer(size)
        packets = []
        for frame in frames:
            code = self._library().lc3_encode(
                encoder, _FORMAT_S16, frame.ctypes.data, 1, size, buffer
            )
            if code:
                msg = f"liblc3 refuses frames of {size} bytes (code {code})"
                raise EncodeError(msg)
            packets.append((buffer.raw, 8 * size))
        return packets

    def decode_received(self, received: Received, point: OperatingPoint) -> Signal:
        """Decode frame by frame."""
        size = self._packet_bytes(point)
        require_packet_sizes(received, "lc3", [size])
        decoder, _memory = self._new("decoder")
        out: NDArray[np.int16] = np.zeros((len(received), self.info.frame_samples), dtype=np.int16)
        for index, packet in enumerate(received):
            code = self._library().lc3_decode(
                decoder, packet, size, _FORMAT_S16, out[index].ctypes.data, 1
            )
            if code != (_CONCEALED if packet is None else 0):
                msg = f"packet {index} of lc3 is damaged (code {code})"
                raise BitstreamError(msg)
        return out.reshape(-1)


def _lc3py_version() -> str:
    return package_versions(["lc3py"])["lc3py"]
