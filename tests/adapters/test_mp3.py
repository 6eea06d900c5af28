"""MP3: standard rates only, aligned, all packets paid for."""

import numpy as np
import pytest

from codecbench.adapters.reference.mp3 import Mp3Codec
from codecbench.core.audio import Audio
from codecbench.core.errors import UnsupportedSettingError
from codecbench.core.resampling import resample

# Bit rate by index and sample rate by index, MPEG-2: ISO/IEC 13818-3, 2.4.2.3.
LOW_KBPS = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)


@pytest.mark.parametrize("kbps", [8, 16, 24, 32, 64, 160])
def test_header_of_each_packet_says_the_rate(speech: Audio, kbps: int) -> None:
    codec = Mp3Codec(bitrate=1000 * kbps)
    packets = codec.encode(speech, codec.points[0]).packets
    assert {LOW_KBPS[packet[2] >> 4] for packet in packets} == {kbps}
    assert all(packet[0] == 0xFF and packet[1] >> 5 == 7 for packet in packets)


def test_refuses_what_lame_would_change() -> None:
    with pytest.raises(UnsupportedSettingError, match="one of 8000, 16000"):
        Mp3Codec(bitrate=192000)


@pytest.mark.parametrize("sample_rate", [8000, 16000, 22050, 44100, 48000])
def test_output_is_aligned_to_the_sample(speech: Audio, sample_rate: int) -> None:
    audio = resample(speech, sample_rate)
    codec = Mp3Codec(bitrate=64000, sample_rate=sample_rate)
    out = codec.decode(codec.encode(audio, codec.points[0])).samples.astype(np.float64)
    x = audio.samples.astype(np.float64)
    products = [np.dot(x[20:-20], out[20 + lag : out.size - 20 + lag]) for lag in range(-8, 9)]
    assert int(np.argmax(products)) == 8


def test_flush_is_paid_for(speech: Audio) -> None:
    """1105 samples of delay (576 and 529) must come out too."""
    codec = Mp3Codec(bitrate=16000)
    encoded = codec.encode(speech, codec.points[0])
    assert len(encoded.packets) >= (speech.n_samples + 1105) / 576
    assert encoded.payload_bits > 16000 * speech.duration_s
