"""Speex: the table of bits against the library, packets, delays."""

import pytest

from codecbench.adapters.reference.libspeex import LibSpeex
from codecbench.adapters.reference.shared_library import find_in_system
from codecbench.adapters.reference.speex import SpeexCodec
from codecbench.core.audio import Audio
from codecbench.core.resampling import resample

FILE = find_in_system(["libspeex.so.1"])
pytestmark = pytest.mark.skipif(FILE is None, reason="run: apt-get install libspeex1")


@pytest.mark.parametrize("sample_rate", [8000, 16000])
@pytest.mark.parametrize("quality", range(11))
def test_tables_are_what_the_library_tells(sample_rate: int, quality: int) -> None:
    assert FILE is not None
    codec = SpeexCodec(quality=quality, sample_rate=sample_rate)
    told = LibSpeex(FILE).facts(sample_rate, quality)
    assert (codec.points[0].nominal_bps, codec.info.lookahead_samples) == told


@pytest.mark.parametrize(("quality", "bits"), [(2, 155), (4, 256), (6, 412), (8, 556)])
def test_bits_are_those_before_padding(speech: Audio, quality: int, bits: int) -> None:
    """Wideband: The Speex Codec Manual, table 10.1; 155 bits lie in 20 bytes."""
    codec = SpeexCodec(quality=quality)
    encoded = codec.encode(speech, codec.points[0])
    assert set(encoded.packet_bits) == {bits}
    assert {len(packet) for packet in encoded.packets} == {-(-bits // 8)}
    assert len(encoded.packets) == -(-(speech.n_samples + 223) // 320)


def test_narrowband_and_wideband_differ_by_sample_rate(speech: Audio) -> None:
    codec = SpeexCodec(quality=3, sample_rate=8000)
    encoded = codec.encode(resample(speech, 8000), codec.points[0])
    assert set(encoded.packet_bits) == {160}
    assert codec.info.frame_samples == 160


def test_complexity_changes_the_packets(speech: Audio) -> None:
    made = [SpeexCodec(quality=6, complexity=c) for c in (1, 8)]
    packets = [codec.encode(speech, codec.points[0]).packets for codec in made]
    assert packets[0] != packets[1]
