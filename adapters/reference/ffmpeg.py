"""Coders of FFmpeg through PyAV: one fresh context per clip, packets without a container."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codecbench.adapters.reference.reference_codec import Signal
from codecbench.adapters.reference.shared_library import LibraryFile, describe, find_in_wheel
from codecbench.core.dependency import require
from codecbench.core.errors import BitstreamError, EncodeError
from codecbench.core.fingerprint import package_versions


@dataclass(frozen=True, slots=True, kw_only=True)
class FfmpegEncoder:
    """How to set up an encoder.

    Attributes:
        name: FFmpeg's name of the encoder.
        sample_rate: In Hz.
        sample_format: "s16", "s16p" or "fltp"; what the encoder takes.
        bitrate_bps: Asked for, in bit/s; None where the encoder has no choice.
        options: Further options of the encoder.
    """

    name: str
    sample_rate: int
    sample_format: str
    bitrate_bps: int | None = None
    options: Mapping[str, str] = field(default_factory=dict)


def ffmpeg_encode(pcm: NDArray[np.int16], setup: FfmpegEncoder, *, frame: int) -> list[bytes]:
    """Code one clip and flush the encoder.

    Args:
        pcm: Signal, int16 ``(samples,)``.
        setup: The encoder.
        frame: Samples per frame for encoders that leave it open.

    Raises:
        EncodeError: FFmpeg refuses, or does not know an option.
        MissingDependencyError: PyAV is not installed.
    """
    av = require("av")
    try:
        context = av.CodecContext.create(setup.name, "w")
        context.sample_rate, context.layout = setup.sample_rate, "mono"
        context.format, context.time_base = setup.sample_format, Fraction(1, setup.sample_rate)
        if setup.bitrate_bps is not None:
            context.bit_rate = setup.bitrate_bps
        context.options = dict(setup.options)
        context.open()
        if dict(context.options):
            # PyAV goes on without options that FFmpeg does not know.
            msg = f"FFmpeg's {setup.name} knows no options {dict(context.options)}"
            raise EncodeError(msg)
        samples: Signal = pcm
        if setup.sample_format == "fltp":
            samples = pcm.astype(np.float32) / np.float32(32768)
        step = context.frame_size or frame
        packets = []
        for at in range(0, pcm.size, step):
            piece = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(samples[None, at : at + step]),
                format=setup.sample_format,
                layout="mono",
            )
            piece.sample_rate, piece.pts = setup.sample_rate, at
            piece.time_base = Fraction(1, setup.sample_rate)
            packets += context.encode(piece)
        packets += context.encode(None)
    except (av.error.FFmpegError, ValueError) as error:
        msg = f"FFmpeg's {setup.name} refuses: {error}"
        raise EncodeError(msg) from error
    return [bytes(packet) for packet in packets]


def ffmpeg_decode(
    packets: Sequence[bytes], name: str, *, sample_rate: int, extradata: bytes = b""
) -> Signal:
    """Decode one clip and flush the decoder.

    Args:
        packets: In order.
        name: FFmpeg's name of the decoder.
        sample_rate: In Hz.
        extradata: What the decoder must know beforehand.

    Returns:
        All samples that come out, late by the codec's delay.

    Raises:
        BitstreamError: FFmpeg refuses a packet.
        MissingDependencyError: PyAV is not installed.
    """
    av = require("av")
    # Any: the sample type is the decoder's own.
    parts: list[NDArray[Any]] = []
    index = -1
    try:
        context = av.CodecContext.create(name, "r")
        context.sample_rate, context.layout = sample_rate, "mono"
        if extradata:
            context.extradata = extradata
        for index, packet in enumerate(packets):
            if not packet:  # FFmpeg would take it for the end
                msg = f"packet {index} for FFmpeg's {name} is empty"
                raise BitstreamError(msg)
            parts += [piece.to_ndarray().reshape(-1) for piece in context.decode(av.Packet(packet))]
        parts += [piece.to_ndarray().reshape(-1) for piece in context.decode(None)]
    except (av.error.FFmpegError, ValueError) as error:
        msg = f"FFmpeg's {name} refuses packet {index}: {error}"
        raise BitstreamError(msg) from error
    if not parts:
        return np.zeros(0, dtype=np.int16)
    return np.concatenate(parts)


def ffmpeg_facts(*libraries: str) -> tuple[str, str]:
    """Return version and fingerprint of FFmpeg as PyAV carries it.

    Args:
        libraries: Further libraries of PyAV's wheel that do the work, such as "libmp3lame".
    """
    version = package_versions(["av"])["av"]
    if version == "absent":
        return "absent", "absent"
    files: list[LibraryFile | None] = [
        find_in_wheel("av", name) for name in ("libavcodec", *libraries)
    ]
    if all(files):
        return describe(*files, prefix=f"av {version}")
    # A PyAV that was built against the system's FFmpeg.
    versions = require("av").library_versions
    linked = " ".join(f"{name}-{'.'.join(map(str, versions[name]))}" for name in sorted(versions))
    return f"av {version} {linked}", f"av {version} {linked}"
