"""G.722, the wideband codec of ISDN and DECT, by FFmpeg through PyAV."""

import numpy as np

from codecbench.adapters.base import CodecInfo, OperatingPoint
from codecbench.adapters.bitstream import Encoded
from codecbench.adapters.reference.ffmpeg import (
    FfmpegEncoder,
    ffmpeg_decode,
    ffmpeg_encode,
    ffmpeg_facts,
)
from codecbench.adapters.reference.reference_codec import (
    Packets,
    ReferenceCodec,
    Signal,
    pad_to_frames,
    require_packet_sizes,
)
from codecbench.core.audio import Audio, round_to_int16
from codecbench.core.dependency import require

_FRAME = 320
_BYTES = _FRAME // 2
_DELAY = 22
"""Samples at 16 kHz by which the two filter banks of 24 taps are late together: G.722, 3.1, 4.4."""
_QUIET = bytes([1 << 6 | 63, 3 << 6 | 61]) * (_BYTES // 2)
"""A packet of the smallest steps down and up in both bands (G.722, tables 16 and 21): what the
predictors expect, as far as code words can say so."""


class G722Codec(ReferenceCodec):
    """G.722 at 64 kbit/s, the only rate that FFmpeg has, in packets of 20 ms.

    The last packet is filled up with zeros. No packet is spent on the delay: the decoder makes up
    what it needs to get the last 22 samples out, so the rate is exactly 64 kbit/s.

    Source:
        ITU-T G.722 (09/2012).
    """

    def __init__(self) -> None:
        """There are no options: FFmpeg accepts other rates and codes at 64 kbit/s all the same."""
        self.points = (OperatingPoint(name="64000", nominal_bps=64000.0),)
        version, fingerprint = ffmpeg_facts()
        self.info = CodecInfo(
            name="g722",
            version=version,
            fingerprint=fingerprint,
            sample_rate=16000,
            frame_samples=_FRAME,
            lookahead_samples=_DELAY,
            licence="LGPL-2.1-or-later",
            source="ITU-T G.722 (09/2012)",
            needs=("pkg:av",),
        )

    def load(self) -> None:
        """Import PyAV.

        Raises:
            MissingDependencyError: It is not installed.
        """
        require("av")

    def delay_samples(self, point: OperatingPoint) -> int:
        """Return the delay of the filter banks."""
        return _DELAY

    def encode_packets(self, audio: Audio, point: OperatingPoint) -> Packets:
        """Code whole packets."""
        # Whole packets, because FFmpeg gains or loses a sample of an odd number.
        pcm = pad_to_frames(round_to_int16(audio.samples), _FRAME).reshape(-1)
        setup = FfmpegEncoder(name="g722", sample_rate=16000, sample_format="s16")
        stream = b"".join(ffmpeg_encode(pcm, setup, frame=_FRAME))
        return [(stream[at : at + _BYTES], 8 * _BYTES) for at in range(0, len(stream), _BYTES)]

    def decode_packets(self, encoded: Encoded, point: OperatingPoint) -> Signal:
        """Decode, and go on with the smallest steps to get the end of the signal out."""
        require_packet_sizes(encoded.packets, "g722", [_BYTES])
        if not encoded.packets:
            return np.zeros(0, dtype=np.int16)
        return ffmpeg_decode([*encoded.packets, _QUIET], "g722", sample_rate=16000)
