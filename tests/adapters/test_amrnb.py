"""AMR: frames as RFC 4867 stores them, packets of PyAV's encoder, exact bits."""

from fractions import Fraction

import numpy as np
import pytest

from codecbench.adapters.bitstream import Encoded
from codecbench.adapters.reference.amrnb import AmrNbCodec
from codecbench.core.audio import Audio, round_to_int16
from codecbench.core.errors import BitstreamError
from codecbench.core.resampling import resample

# 3GPP TS 26.101, table 2.
BITS = {4750: 95, 5150: 103, 5900: 118, 6700: 134, 7400: 148, 7950: 159, 10200: 204, 12200: 244}


@pytest.fixture(scope="module")
def speech8k(speech: Audio) -> Audio:
    return resample(speech, 8000)


@pytest.mark.parametrize(("number", "mode"), list(enumerate(sorted(BITS))))
def test_frames_are_stored_with_their_type(speech8k: Audio, number: int, mode: int) -> None:
    """First octet: frame type in bits 1 to 4, then the quality bit (RFC 4867, 5.3)."""
    codec = AmrNbCodec(mode=mode)
    encoded = codec.encode(speech8k, codec.points[0])
    assert set(encoded.packet_bits) == {BITS[mode]}
    assert {len(packet) for packet in encoded.packets} == {1 + -(-BITS[mode] // 8)}
    assert {packet[0] for packet in encoded.packets} == {number * 8 + 4}


@pytest.mark.parametrize("mode", [4750, 12200])
def test_packets_are_those_of_pyav(speech8k: Audio, mode: int) -> None:
    av = pytest.importorskip("av")
    codec = AmrNbCodec(mode=mode)
    context = av.CodecContext.create("libopencore_amrnb", "w")
    context.sample_rate, context.layout, context.format = 8000, "mono", "s16"
    context.bit_rate, context.time_base = mode, Fraction(1, 8000)
    context.open()
    pcm, theirs = round_to_int16(speech8k.samples), []
    for at in range(0, pcm.size, 160):
        frame = av.AudioFrame.from_ndarray(pcm[None, at : at + 160], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 8000, at, Fraction(1, 8000)
        theirs += context.encode(frame)
    theirs += context.encode(None)
    assert list(codec.encode(speech8k, codec.points[0]).packets) == [bytes(p) for p in theirs]


def test_ends_with_the_packet_that_the_lookahead_needs(speech8k: Audio) -> None:
    codec = AmrNbCodec(mode=4750)
    for n_samples, packets in ((1600, 11), (1560, 10), (1561, 11), (1, 1)):
        part = Audio(speech8k.samples[:n_samples], 8000)
        assert len(codec.encode(part, codec.points[0]).packets) == packets


def test_refuses_frames_of_another_mode(speech8k: Audio) -> None:
    codec = AmrNbCodec(mode=(4750, 12200))
    encoded = codec.encode(speech8k, codec.point("4750"))
    wrong = Encoded(packets=encoded.packets, point="12200", n_samples=999, sample_rate=8000)
    with pytest.raises(BitstreamError, match="no frame of mode 7"):
        codec.decode(wrong)
    no_data = (bytes([0x7C]) + encoded.packets[0][1:], *encoded.packets[1:])
    with pytest.raises(BitstreamError, match="packet 0"):
        codec.decode(Encoded(packets=no_data, point="4750", n_samples=999, sample_rate=8000))


def test_decoder_agrees_with_that_of_ffmpeg(speech8k: Audio) -> None:
    """Two decoders of different authors: the same speech to 20 dB and more."""
    av = pytest.importorskip("av")
    codec = AmrNbCodec(mode=12200)
    encoded = codec.encode(speech8k, codec.points[0])
    ours = codec.decode(encoded).samples.astype(np.float64)
    context = av.CodecContext.create("amrnb", "r")
    context.sample_rate, context.layout = 8000, "mono"
    parts = [f.to_ndarray() for p in encoded.packets for f in context.decode(av.Packet(p))]
    theirs = np.concatenate([part.reshape(-1) for part in parts])[40 : 40 + ours.size]
    assert 10 * np.log10(np.sum(theirs**2) / np.sum((ours - theirs) ** 2)) > 20
