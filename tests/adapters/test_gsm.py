"""GSM full rate: exact bits and the magic number."""

import pytest

from codecbench.adapters.bitstream import Encoded
from codecbench.adapters.reference.gsm import GsmCodec
from codecbench.adapters.reference.shared_library import find_in_system
from codecbench.core.audio import Audio
from codecbench.core.errors import BitstreamError
from codecbench.core.resampling import resample

pytestmark = pytest.mark.skipif(
    find_in_system(["libgsm.so.1"]) is None, reason="run: apt-get install libgsm1"
)


def test_260_bits_in_33_bytes(speech: Audio) -> None:
    """ETSI EN 300 961: 260 bits each 20 ms; libgsm puts 0xD before them."""
    codec = GsmCodec()
    encoded = codec.encode(resample(speech, 8000), codec.points[0])
    assert encoded.packet_bits == (260,) * 150
    assert encoded.payload_bits == 3 * 13000
    assert {len(packet) for packet in encoded.packets} == {33}
    assert {packet[0] >> 4 for packet in encoded.packets} == {0xD}


def test_refuses_a_frame_without_its_magic_number(speech: Audio) -> None:
    codec = GsmCodec()
    encoded = codec.encode(resample(speech, 8000), codec.points[0])
    packets = (*encoded.packets[:5], bytes(33), *encoded.packets[6:])
    with pytest.raises(BitstreamError, match="packet 5"):
        codec.decode(Encoded(packets=packets, point="13000", n_samples=9, sample_rate=8000))


def test_decodes_as_ffmpeg_does(speech: Audio) -> None:
    """FFmpeg has a decoder of its own; the standard is exact to the bit."""
    av = pytest.importorskip("av")
    codec = GsmCodec()
    encoded = codec.encode(resample(speech, 8000), codec.points[0])
    context = av.CodecContext.create("gsm", "r")
    context.sample_rate, context.layout = 8000, "mono"
    theirs = [
        int(sample)
        for packet in encoded.packets
        for piece in context.decode(av.Packet(packet))
        for sample in piece.to_ndarray().reshape(-1)
    ]
    ours = (codec.decode(encoded).samples * 32768).astype(int).tolist()
    assert ours == theirs[: len(ours)]
