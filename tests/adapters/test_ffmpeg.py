"""FFmpeg through PyAV: unknown options, refused settings, damaged packets."""

import numpy as np
import pytest

from codecbench.adapters.reference.ffmpeg import (
    FfmpegEncoder,
    ffmpeg_decode,
    ffmpeg_encode,
    ffmpeg_facts,
)
from codecbench.core.errors import BitstreamError, EncodeError

pytest.importorskip("av")
PCM = np.zeros(1600, np.int16)


def test_refuses_options_that_pyav_would_leave_aside() -> None:
    setup = FfmpegEncoder(
        name="libopus", sample_rate=16000, sample_format="s16", options={"aplication": "voip"}
    )
    with pytest.raises(EncodeError, match="aplication"):
        ffmpeg_encode(PCM, setup, frame=320)


@pytest.mark.parametrize(("name", "rate"), [("libopus", 22050), ("no_such", 8000)])
def test_names_the_coder_that_refuses(name: str, rate: int) -> None:
    setup = FfmpegEncoder(name=name, sample_rate=rate, sample_format="s16")
    with pytest.raises(EncodeError, match=f"{name} refuses"):
        ffmpeg_encode(PCM, setup, frame=320)


def test_refuses_packets_that_are_none() -> None:
    with pytest.raises(BitstreamError, match="packet 0"):
        ffmpeg_decode([b"\xff" * 50], "aac", sample_rate=16000, extradata=b"\x14\x08")
    with pytest.raises(BitstreamError, match="packet 0 for FFmpeg's mp3 is empty"):
        ffmpeg_decode([b""], "mp3", sample_rate=16000)


def test_facts_name_every_library_with_its_content() -> None:
    version, fingerprint = ffmpeg_facts("libmp3lame")
    assert version.startswith("av ")
    for library in ("libavcodec", "libmp3lame"):
        assert library in version
    assert fingerprint.count("sha256:") == 2
