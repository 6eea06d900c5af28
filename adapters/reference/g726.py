"""G.726, adaptive differential PCM, by FFmpeg through PyAV."""

import io
import struct
from collections.abc import Sequence

import numpy as np

from codecbench.adapters.base import CodecInfo, OperatingPoint
from codecbench.adapters.bitstream import Encoded
from codecbench.adapters.reference.ffmpeg import FfmpegEncoder, ffmpeg_encode, ffmpeg_facts
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
from codecbench.core.audio import Audio, round_to_int16
from codecbench.core.dependency import require
from codecbench.core.errors import BitstreamError

_FRAME = 160
_BITS_PER_SAMPLE = {16000: 2, 24000: 3, 32000: 4, 40000: 5}
_WAVE_FORMAT_G726 = 0x45


class G726Codec(ReferenceCodec):
    """G.726 at 8 kHz in packets of 20 ms, without delay.

    Source:
        ITU-T G.726 (12/1990).
    """

    rate_option = "bitrate"

    def __init__(self, *, bitrate: int | Sequence[int] = (16000, 24000, 32000, 40000)) -> None:
        """Check the options.

        Args:
            bitrate: 16000, 24000, 32000 or 40000 bit/s: 2 … 5 bits per sample.

        Raises:
            UnsupportedSettingError: There is no such rate.
        """

        def check(value: Number) -> Number:
            return require_choice("g726", "bitrate", value, _BITS_PER_SAMPLE)

        self.points = rate_points("g726", "bitrate", bitrate, check=check, nominal_bps=float)
        version, fingerprint = ffmpeg_facts()
        self.info = CodecInfo(
            name="g726",
            version=version,
            fingerprint=fingerprint,
            sample_rate=8000,
            frame_samples=_FRAME,
            licence="LGPL-2.1-or-later",
            source="ITU-T G.726 (12/1990)",
            needs=("pkg:av",),
        )

    def load(self) -> None:
        """Import PyAV.

        Raises:
            MissingDependencyError: It is not installed.
        """
        require("av")

    def encode_packets(self, audio: Audio, point: OperatingPoint) -> Packets:
        """Code whole packets."""
        bits = _BITS_PER_SAMPLE[int(point_number(point, "bitrate"))]
        pcm = pad_to_frames(round_to_int16(audio.samples), _FRAME).reshape(-1)
        setup = FfmpegEncoder(
            name="g726", sample_rate=8000, sample_format="s16", options={"code_size": str(bits)}
        )
        stream = b"".join(ffmpeg_encode(pcm, setup, frame=_FRAME))
        size = _FRAME * bits // 8
        return [(stream[at : at + size], 8 * size) for at in range(0, len(stream), size)]

    def decode_packets(self, encoded: Encoded, point: OperatingPoint) -> Signal:
        """Decode through a WAV header, the only way to tell PyAV the bits per sample."""
        bits = _BITS_PER_SAMPLE[int(point_number(point, "bitrate"))]
        require_packet_sizes(encoded.packets, "g726", [_FRAME * bits // 8])
        if not encoded.packets:
            return np.zeros(0, dtype=np.int16)
        av = require("av")
        data = wav_header(b"".join(encoded.packets), bits)
        try:
            with av.open(io.BytesIO(data), format="wav") as container:
                parts = [piece.to_ndarray().reshape(-1) for piece in container.decode(audio=0)]
        except av.error.FFmpegError as error:
            msg = f"FFmpeg's g726 refuses: {error}"
            raise BitstreamError(msg) from error
        return np.concatenate(parts)


def wav_header(payload: bytes, bits: int) -> bytes:
    """Put a RIFF header of 44 bytes before a G.726 stream of `bits` per sample at 8 kHz.

    The block size is that of our packets: FFmpeg reads whole blocks, and otherwise reads 256 bytes,
    at whose end its decoder drops the sample that 3 or 5 bits leave unfinished.
    """
    block = _FRAME * bits // 8
    format_chunk = struct.pack("<HHIIHH", _WAVE_FORMAT_G726, 1, 8000, 1000 * bits, block, bits)
    return b"".join(
        (
            struct.pack("<4sI4s", b"RIFF", 36 + len(payload), b"WAVE"),
            struct.pack("<4sI", b"fmt ", len(format_chunk)),
            format_chunk,
            struct.pack("<4sI", b"data", len(payload)),
            payload,
        )
    )
