"""Opus, the codec of RFC 6716, by the libopus inside PyAV's wheel."""

from collections.abc import Sequence

from codecbench.adapters.base import CodecInfo, OperatingPoint
from codecbench.adapters.bitstream import Received
from codecbench.adapters.reference.libopus import APPLICATIONS, LibOpus, OpusSettings
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
    require_flag,
    require_whole,
)
from codecbench.adapters.reference.shared_library import find_in_wheel, require_in_wheel
from codecbench.core.audio import Audio, round_to_int16
from codecbench.core.errors import MissingDependencyError, UnsupportedSettingError

_SAMPLE_RATES = (8000, 12000, 16000, 24000, 48000)
_FRAMES_MS = (2.5, 5.0, 10.0, 20.0, 40.0, 60.0)
_MAX_BITRATE_BPS = 256000  # where FFmpeg's libopus encoder ends for one channel


class OpusCodec(ConcealingCodec):
    """Opus in one channel.

    The decoder works at the input's own rate. The encoder's look-ahead is cut from the start, and
    zeros are coded after the end until all of the signal has come out: the last frame is filled
    up with zeros, and where its zeros are fewer than the look-ahead one more packet follows. All
    packets count.

    With `fec` a packet of speech also carries a coarser copy of the frame before it, where the rate
    has room: found with libopus 1.6.1, never at 16 kbit/s, at 24 kbit/s with an expected loss of
    10 % but not of 5 %. The copy is part of the packet and counted; a receiver that uses it waits
    for one more packet, which `CodecInfo.latency_ms` does not include. All other losses are
    extrapolated.

    Source:
        RFC 6716; libopus, https://opus-codec.org.
    """

    rate_option = "bitrate"

    def __init__(
        self,
        *,
        mode: str = "cbr",
        bitrate: int | Sequence[int] = (6000, 8000, 12000, 16000, 24000),
        application: str = "voip",
        complexity: int = 10,
        frame_ms: float = 20.0,
        sample_rate: int = 16000,
        fec: bool = False,
        expected_loss: int = 0,
    ) -> None:
        """Check the options.

        Args:
            mode: "cbr", "vbr", or "cvbr" (constrained variable rate, libopus' own default).
            bitrate: Asked for, in bit/s, at most 256000 and at least 24 bits a frame, below which
                libopus sends frames without content; with variable rate the measured rate differs.
            application: "voip" (high-pass filter, favours speech), "audio" or "lowdelay".
            complexity: 0 (fast) … 10 (best).
            frame_ms: 2.5, 5, 10, 20, 40 or 60.
            sample_rate: 8000, 12000, 16000, 24000 or 48000 Hz.
            fec: Whether packets carry in-band forward error correction, and the decoder uses it.
                It needs an `expected_loss` above 0 and SILK, thus frames of 10 ms or more and
                another application than "lowdelay"; where it could do nothing it is refused.
            expected_loss: Share of packets in percent whose loss the encoder prepares for, 0 …
                100; it makes packets depend less on each other, and decides how much `fec` gets.

        Raises:
            UnsupportedSettingError: An option is out of range.
        """
        self._mode = require_choice("opus", "mode", mode, ("cbr", "vbr", "cvbr"))
        self._application = require_choice("opus", "application", application, APPLICATIONS)
        self._complexity = require_whole("opus", "complexity", complexity, 0, 10)
        frame_ms = float(require_choice("opus", "frame_ms", frame_ms, _FRAMES_MS))
        rate = require_choice("opus", "sample_rate", sample_rate, _SAMPLE_RATES)
        self._expected_loss = require_whole("opus", "expected_loss", expected_loss, 0, 100)
        self._fec = require_flag("opus", "fec", fec)
        self.concealment = "in-band FEC one packet later, else PLC" if self._fec else "PLC"
        if self._fec and not self._expected_loss:
            msg = "opus: fec=true does nothing with expected_loss=0; set expected_loss to 1 … 100"
            raise UnsupportedSettingError(msg)
        if self._fec and (self._application == "lowdelay" or frame_ms < 10):
            msg = (
                "opus: fec=true needs frame_ms of 10 or more and application voip or audio; "
                f"found frame_ms={frame_ms:g}, application={self._application}"
            )
            raise UnsupportedSettingError(msg)
        lowest = lowest_bitrate(frame_ms)

        def check(value: Number) -> Number:
            return require_whole("opus", "bitrate", value, lowest, _MAX_BITRATE_BPS)

        self.points = rate_points(
            "opus", "bitrate", bitrate, check=check, nominal_bps=lambda value: float(value)
        )
        file = find_in_wheel("av", "libopus")
        self._lib: LibOpus | None = None
        try:
            self._lib = LibOpus(file) if file else None
        except MissingDependencyError:
            file = None  # broken; `load` says so
        self.info = CodecInfo(
            name="opus",
            version=self._lib.version if self._lib else "absent",
            fingerprint=f"{self._lib.version} sha256:{file.sha256}"
            if self._lib and file
            else "absent",
            sample_rate=rate,
            frame_samples=round(rate * frame_ms / 1000),
            # src/opus_encoder.c: 2.5 ms for the overlap, and 4 ms to compensate SILK's delay.
            lookahead_samples=rate // 400 + (0 if application == "lowdelay" else rate // 250),
            licence="BSD-3-Clause",
            source="RFC 6716",
            needs=("pkg:av",),
        )

    def load(self) -> None:
        """Load libopus.

        Raises:
            MissingDependencyError: PyAV is not installed, or is not its wheel.
        """
        self._library()

    def _library(self) -> LibOpus:
        if self._lib is None:
            self._lib = LibOpus(require_in_wheel("av", "libopus"))
        return self._lib

    def _settings(self, point: OperatingPoint) -> OpusSettings:
        return OpusSettings(
            sample_rate=self.info.sample_rate,
            application=self._application,
            bitrate_bps=int(point_number(point, "bitrate")),
            vbr=self._mode != "cbr",
            constrained=self._mode == "cvbr",
            complexity=self._complexity,
            fec=self._fec,
            expected_loss=self._expected_loss,
        )

    def delay_samples(self, point: OperatingPoint) -> int:
        """Return the look-ahead."""
        return self.info.lookahead_samples

    def encode_packets(self, audio: Audio, point: OperatingPoint) -> Packets:
        """Code frame by frame, until the look-ahead has come out."""
        frames = pad_to_frames(
            round_to_int16(audio.samples),
            self.info.frame_samples,
            extra=self.info.lookahead_samples,
        )
        packets = self._library().encode(frames, self._settings(point))
        return [(packet, 8 * len(packet)) for packet in packets]

    def decode_received(self, received: Received, point: OperatingPoint) -> Signal:
        """Decode at the input's rate."""
        return self._library().decode(
            received,
            sample_rate=self.info.sample_rate,
            frame=self.info.frame_samples,
            fec=self._fec,
        )


def lowest_bitrate(frame_ms: float) -> int:
    """Return the lowest rate in bit/s at which libopus codes anything.

    Below 3 bytes a frame, or 2400 bit/s for frames over 20 ms, it sends packets without content
    (src/opus_encoder.c, opus_encode_native); 500 bit/s is the least that it accepts at all.
    """
    return max(500, round(24 * 1000 / frame_ms), 2400 if frame_ms > 20 else 0)
