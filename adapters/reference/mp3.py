"""MP3 by LAME, and FFmpeg's decoder, through PyAV."""

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
)
from codecbench.core.audio import Audio, round_to_int16
from codecbench.core.dependency import require

# Rates in kbit/s: ISO/IEC 11172-3, 2.4.2.3 for 32 kHz and above, ISO/IEC 13818-3, 2.4.2.3 below.
# At 8, 11.025 and 12 kHz ("MPEG 2.5", in no standard) LAME ends at 64.
_HIGH_KBPS = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_LOW_KBPS = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_LOWEST_KBPS = (8, 16, 24, 32, 40, 48, 56, 64)
_KBPS = {
    **dict.fromkeys((8000, 11025, 12000), _LOWEST_KBPS),
    **dict.fromkeys((16000, 22050, 24000), _LOW_KBPS),
    **dict.fromkeys((32000, 44100, 48000), _HIGH_KBPS),
}
_ENCODER_DELAY, _DECODER_DELAY = 576, 529
"""LAME's own delay, and that of every decoder (528 and one): LAME technical FAQ,
https://lame.sourceforge.io/tech-FAQ.txt."""


class Mp3Codec(ReferenceCodec):
    """MPEG layer III at a constant rate.

    All packets count, those that only flush the encoder too. Packets share a reservoir of bits, so
    none can be decoded alone.

    Source:
        ISO/IEC 11172-3 and 13818-3; LAME, https://lame.sourceforge.io.
    """

    rate_option = "bitrate"

    def __init__(
        self, *, bitrate: int | Sequence[int] = (16000, 24000, 32000), sample_rate: int = 16000
    ) -> None:
        """Check the options.

        Args:
            bitrate: In bit/s, one of the standard's: 8000 … 160000 at 16 kHz. LAME itself would
                take another without a word.
            sample_rate: 8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100 or 48000 Hz.

        Raises:
            UnsupportedSettingError: An option is out of range.
        """
        rate = require_choice("mp3", "sample_rate", sample_rate, _KBPS)
        allowed = [1000 * kbps for kbps in _KBPS[rate]]

        def check(value: Number) -> Number:
            return require_choice("mp3", "bitrate", value, allowed)

        self.points = rate_points("mp3", "bitrate", bitrate, check=check, nominal_bps=float)
        version, fingerprint = ffmpeg_facts("libmp3lame")
        self.info = CodecInfo(
            name="mp3",
            version=version,
            fingerprint=fingerprint,
            sample_rate=rate,
            frame_samples=1152 if rate >= 32000 else 576,
            lookahead_samples=_ENCODER_DELAY + _DECODER_DELAY,
            licence="LGPL-2.0-or-later",
            source="ISO/IEC 13818-3",
            needs=("pkg:av",),
        )

    def load(self) -> None:
        """Import PyAV.

        Raises:
            MissingDependencyError: It is not installed.
        """
        require("av")

    def delay_samples(self, point: OperatingPoint) -> int:
        """Return the delay of encoder and decoder."""
        return self.info.lookahead_samples

    def encode_packets(self, audio: Audio, point: OperatingPoint) -> Packets:
        """Code and flush."""
        setup = FfmpegEncoder(
            name="libmp3lame",
            sample_rate=self.info.sample_rate,
            sample_format="s16p",
            bitrate_bps=int(point_number(point, "bitrate")),
        )
        packets = ffmpeg_encode(round_to_int16(audio.samples), setup, frame=self.info.frame_samples)
        return [(packet, 8 * len(packet)) for packet in packets]

    def decode_packets(self, encoded: Encoded, point: OperatingPoint) -> Signal:
        """Decode; the caller cuts the delay off."""
        return ffmpeg_decode(encoded.packets, "mp3", sample_rate=self.info.sample_rate)
