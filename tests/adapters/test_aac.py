"""AAC: what the decoder must know without a header, alignment, average rate."""

import numpy as np
import pytest

from codecbench.adapters.reference.aac import AacCodec, audio_specific_config
from codecbench.core.audio import Audio
from codecbench.core.resampling import resample


@pytest.mark.parametrize(("sample_rate", "config"), [(16000, "1408"), (44100, "1208")])
def test_config_is_that_of_the_standard(sample_rate: int, config: str) -> None:
    """ISO/IEC 14496-3, 1.6.2.1, by hand: 00010 (LC), index 1000 or 0100, 0001 (mono), 000."""
    assert audio_specific_config(sample_rate).hex() == config


@pytest.mark.parametrize("sample_rate", [16000, 44100])
def test_config_is_what_the_encoder_of_ffmpeg_writes(sample_rate: int) -> None:
    av = pytest.importorskip("av")
    context = av.CodecContext.create("aac", "w")
    context.sample_rate, context.layout, context.format = sample_rate, "mono", "fltp"
    context.open()
    assert bytes(context.extradata)[:2] == audio_specific_config(sample_rate)


@pytest.mark.parametrize("sample_rate", [8000, 16000, 44100])
def test_output_is_aligned_to_the_sample(speech: Audio, sample_rate: int) -> None:
    """Untrimmed, STOI would be 0.19 instead of 0.99: reference_codecs.md, section 0."""
    audio = resample(speech, sample_rate)
    codec = AacCodec(bitrate=48000, sample_rate=sample_rate)
    out = codec.decode(codec.encode(audio, codec.points[0])).samples.astype(np.float64)
    x = audio.samples.astype(np.float64)
    products = [np.dot(x[20:-20], out[20 + lag : out.size - 20 + lag]) for lag in range(-8, 9)]
    assert int(np.argmax(products)) == 8


def test_packets_differ_in_size_around_the_rate(speech: Audio) -> None:
    codec = AacCodec(bitrate=24000)
    encoded = codec.encode(speech, codec.points[0])
    assert len(set(encoded.packet_bits)) > 3
    assert encoded.payload_bits / encoded.duration_s == pytest.approx(24000, rel=0.1)


def test_overshoot_is_cut_and_recorded() -> None:
    """A clipped signal comes back beyond full scale."""
    t = np.arange(16000) / 16000
    square = np.sign(np.sin(2 * np.pi * 310 * t)).astype(np.float32)
    codec = AacCodec(bitrate=16000)
    out = codec.decode(codec.encode(Audio(square, 16000), codec.points[0]))
    assert np.abs(out.samples).max() == 1.0
    assert out.clipped_share > 0
