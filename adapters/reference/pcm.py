"""Linear PCM: the identity at 16 bit, plain quantisation noise below."""

from collections.abc import Sequence

import numpy as np

from codecbench.adapters.base import CodecInfo, OperatingPoint
from codecbench.adapters.bitstream import Encoded
from codecbench.adapters.reference.pcm_packets import pack_pcm, packet_samples, unpack_pcm
from codecbench.adapters.reference.reference_codec import Packets, ReferenceCodec, Signal
from codecbench.adapters.reference.settings import (
    Number,
    point_number,
    rate_points,
    require_whole,
)
from codecbench.core.audio import Audio


class PcmCodec(ReferenceCodec):
    """A uniform quantiser with a step at zero, without noise shaping or dither.

    A sample x becomes the level nearest to x · 2^(bits-1), ties to even, limited to the range of
    two's complement. With 16 bits, a signal that came from 16 bits comes out unchanged.

    The packets carry real bits, so its kind is "waveform", although reports may well use it as an
    anchor.
    """

    rate_option = "bits"

    def __init__(self, *, bits: int | Sequence[int] = 16, sample_rate: int = 16000) -> None:
        """Check the options.

        Args:
            bits: Per sample, 2 … 16.
            sample_rate: In Hz, 1000 … 192000.

        Raises:
            UnsupportedSettingError: An option is out of range.
        """
        rate = require_whole("pcm", "sample_rate", sample_rate, 1000, 192000)

        def check(value: Number) -> Number:
            return require_whole("pcm", "bits", value, 2, 16)

        self.points = rate_points(
            "pcm", "bits", bits, check=check, nominal_bps=lambda value: float(value * rate)
        )
        self.info = CodecInfo(
            name="pcm",
            version="1",
            fingerprint="pcm 1",
            sample_rate=rate,
            frame_samples=packet_samples(rate),
            licence="MIT",
            source="Jayant and Noll, Digital Coding of Waveforms, 1984, section 4.2",
        )

    def encode_packets(self, audio: Audio, point: OperatingPoint) -> Packets:
        """Quantise and pack."""
        bits = int(point_number(point, "bits"))
        half = 1 << (bits - 1)
        levels = np.rint(audio.samples.astype(np.float64) * half)
        limited = np.clip(levels, -half, half - 1).astype(np.int64)
        return pack_pcm(limited, bits, self.info.frame_samples)

    def decode_packets(self, encoded: Encoded, point: OperatingPoint) -> Signal:
        """Unpack and scale."""
        bits = int(point_number(point, "bits"))
        levels = unpack_pcm(encoded.packets, bits, self.info.frame_samples, encoded.n_samples)
        # At most 16 bits: the division by a power of two is exact in float32.
        return levels.astype(np.float32) / np.float32(1 << (bits - 1))
