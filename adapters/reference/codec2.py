"""Codec 2, the parametric codec for digital radio, by the libcodec2 inside pycodec2's wheel."""

from collections.abc import Sequence
from dataclasses import dataclass

from codecbench.adapters.base import CodecInfo, OperatingPoint
from codecbench.adapters.bitstream import Encoded
from codecbench.adapters.reference.libcodec2 import LibCodec2
from codecbench.adapters.reference.reference_codec import (
    Packets,
    ReferenceCodec,
    Signal,
    pad_to_frames,
    require_packet_sizes,
)
from codecbench.adapters.reference.settings import (
    Number,
    point_number,
    rate_points,
    require_choice,
)
from codecbench.adapters.reference.shared_library import find_in_wheel, require_in_wheel
from codecbench.core.audio import Audio, round_to_int16
from codecbench.core.fingerprint import package_versions


@dataclass(frozen=True, slots=True)
class _Mode:
    """Facts about one mode: samples and exact bits per frame, delay of the decoded signal."""

    frame: int
    bits: int
    delay: int


# Frames and bits: codec2.h and README.md of the library. Bytes would overstate 1300 and 700.
#
# Delays, in samples at 8 kHz: the library declares none, and waveforms that share no phase with
# the input cannot be correlated. So the log energies of input and output, in windows of 10 ms every
# 1 ms, were; the median lag over 64 clips of real speech in nine languages is 18.0 … 18.6 ms, and
# 29.1 ms for mode 700C, with quartiles 1 … 1.5 ms away from it. Windows of 4 ms give the same
# within 0.5 ms, and ESTOI is flat to 0.002 over 1.5 ms around it.
_MODES = {
    3200: _Mode(160, 64, 145),
    2400: _Mode(160, 48, 144),
    1600: _Mode(320, 64, 144),
    1400: _Mode(320, 56, 145),
    1300: _Mode(320, 52, 149),
    1200: _Mode(320, 48, 147),
    700: _Mode(320, 28, 232),
}


class Codec2Codec(ReferenceCodec):
    """Codec 2 at 8 kHz, one packet per frame.

    The last frame is filled up with zeros. No packet is spent on the delay: the decoder gets the
    end of the signal out by decoding the last packet once more, so a clip costs exactly its number
    of frames times the bits of a frame.

    `CodecInfo.frame_samples` is the longest frame and ``lookahead_samples`` the longest delay of
    the modes asked for; each mode is aligned by its own delay.

    Source:
        D. Rowe, https://github.com/drowe67/codec2.
    """

    rate_option = "mode"

    def __init__(self, *, mode: int | Sequence[int] = (700, 1300, 2400, 3200)) -> None:
        """Check the options.

        Args:
            mode: 700 (mode 700C), 1200, 1300, 1400, 1600, 2400 or 3200 bit/s.

        Raises:
            UnsupportedSettingError: There is no such mode.
        """

        def check(value: Number) -> Number:
            return require_choice("codec2", "mode", value, sorted(_MODES))

        self.points = rate_points("codec2", "mode", mode, check=check, nominal_bps=float)
        modes = [self._mode(point) for point in self.points]
        file = find_in_wheel("pycodec2", "libcodec2")
        self._lib: LibCodec2 | None = None
        self.info = CodecInfo(
            name="codec2",
            version=f"{file.path.name} of {_wheel()}" if file else "absent",
            fingerprint=f"{_wheel()} sha256:{file.sha256}" if file else "absent",
            sample_rate=8000,
            frame_samples=max(mode.frame for mode in modes),
            lookahead_samples=max(mode.delay for mode in modes),
            kind="parametric",
            licence="LGPL-2.1-only",
            source="D. Rowe, https://github.com/drowe67/codec2",
            needs=("pkg:pycodec2",),
        )

    def load(self) -> None:
        """Make the private copy of the library.

        Raises:
            MissingDependencyError: pycodec2 is not installed, or is not its wheel.
        """
        self._library()

    def _library(self) -> LibCodec2:
        if self._lib is None:
            self._lib = LibCodec2(require_in_wheel("pycodec2", "libcodec2"))
        return self._lib

    def _mode(self, point: OperatingPoint) -> _Mode:
        return _MODES[int(point_number(point, "mode"))]

    def packet_samples(self, point: OperatingPoint) -> int:
        """Return the frame of the mode."""
        return self._mode(point).frame

    def delay_samples(self, point: OperatingPoint) -> int:
        """Return the measured delay of the mode."""
        return self._mode(point).delay

    def encode_packets(self, audio: Audio, point: OperatingPoint) -> Packets:
        """Code frame by frame."""
        mode = self._mode(point)
        frames = pad_to_frames(round_to_int16(audio.samples), mode.frame)
        rate = int(point_number(point, "mode"))
        packets = self._library().encode(frames, rate, _packet_bytes(mode))
        return [(packet, mode.bits) for packet in packets]

    def decode_packets(self, encoded: Encoded, point: OperatingPoint) -> Signal:
        """Decode, and repeat the last packet to get the end of the signal out."""
        mode = self._mode(point)
        require_packet_sizes(encoded.packets, "codec2", [_packet_bytes(mode)])
        packets = [*encoded.packets, *encoded.packets[-1:]]
        return self._library().decode(packets, int(point_number(point, "mode")), mode.frame)


def _packet_bytes(mode: _Mode) -> int:
    return -(-mode.bits // 8)


def _wheel() -> str:
    return f"pycodec2 {package_versions(['pycodec2'])['pycodec2']}"
