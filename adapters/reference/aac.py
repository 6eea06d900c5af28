"""AAC-LC by FFmpeg's own encoder and decoder, through PyAV."""

from collections.abc import Sequence

from codecbench.adapters.base import CodecInfo, OperatingPoint
from codecbench.adapters.bitstream import Encoded
from codecbench.adapters.reference.ffmpeg import (
    FfmpegEncoder,
    ffmpeg_decode,
    ffmpeg_encode,
    ffmpeg_facts,
)
from codecbench.adapters.reference.reference_codec import Packets, ReferenceCodec, Signal
from codecbench.adapters.reference.settings import (
    Number,
    point_number,
    rate_points,
    require_choice,
    require_whole,
)
from codecbench.core.audio import Audio, round_to_int16
from codecbench.core.dependency import require

# Sampling frequency index: ISO/IEC 14496-3, table 1.18.
_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000)
_FRAME = 1024
_MAX_FRAME_BITS = 6144
"""Per channel: ISO/IEC 14496-3, 4.5.3.1; beyond it FFmpeg codes at less than was asked for."""


class AacCodec(ReferenceCodec):
    """AAC-LC at an average rate, with packets that differ in size.

    FFmpeg's encoder is not the best there is. All packets count, those that only flush the encoder
    too. The decoder knows sample rate and profile from the codec's options, so no header is sent.

    Source:
        ISO/IEC 14496-3; https://ffmpeg.org.
    """

    rate_option = "bitrate"

    def __init__(
        self, *, bitrate: int | Sequence[int] = (16000, 24000, 32000), sample_rate: int = 16000
    ) -> None:
        """Check the options.

        Args:
            bitrate: On average, in bit/s: 8000 … 96000 at 16 kHz (6 bits per sample at most).
            sample_rate: One of the standard's, 8000 … 96000 Hz.

        Raises:
            UnsupportedSettingError: An option is out of range.
        """
        rate = require_choice("aac", "sample_rate", sample_rate, _RATES)
        highest = rate * _MAX_FRAME_BITS // _FRAME

        def check(value: Number) -> Number:
            return require_whole("aac", "bitrate", value, 8000, highest)

        self.points = rate_points("aac", "bitrate", bitrate, check=check, nominal_bps=float)
        version, fingerprint = ffmpeg_facts()
        self.info = CodecInfo(
            name="aac",
            version=version,
            fingerprint=fingerprint,
            sample_rate=rate,
            frame_samples=_FRAME,
            lookahead_samples=_FRAME,
            licence="LGPL-2.1-or-later",
            source="ISO/IEC 14496-3",
            needs=("pkg:av",),
        )

    def load(self) -> None:
        """Import PyAV.

        Raises:
            MissingDependencyError: It is not installed.
        """
        require("av")

    def delay_samples(self, point: OperatingPoint) -> int:
        """Return one frame: the overlap of the transform."""
        return _FRAME

    def encode_packets(self, audio: Audio, point: OperatingPoint) -> Packets:
        """Code and flush."""
        setup = FfmpegEncoder(
            name="aac",
            sample_rate=self.info.sample_rate,
            sample_format="fltp",
            bitrate_bps=int(point_number(point, "bitrate")),
        )
        packets = ffmpeg_encode(round_to_int16(audio.samples), setup, frame=_FRAME)
        return [(packet, 8 * len(packet)) for packet in packets]

    def decode_packets(self, encoded: Encoded, point: OperatingPoint) -> Signal:
        """Decode; the caller cuts the delay off, and what exceeds full scale."""
        return ffmpeg_decode(
            encoded.packets,
            "aac",
            sample_rate=self.info.sample_rate,
            extradata=audio_specific_config(self.info.sample_rate),
        )


def audio_specific_config(sample_rate: int) -> bytes:
    """Return what a decoder must know: object type 2 (LC), rate, one channel, frames of 1024.

    Source:
        ISO/IEC 14496-3, 1.6.2.1.
    """
    return (2 << 11 | _RATES.index(sample_rate) << 7 | 1 << 3).to_bytes(2, "big")
