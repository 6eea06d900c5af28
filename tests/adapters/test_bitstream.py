"""`Encoded`: exact bits, and bytes that give everything back or are refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codecbench.adapters.bitstream import LENGTH_FIELD_BITS, Encoded
from codecbench.core.errors import BitstreamError


@st.composite
def encoded_clips(draw: st.DrawFn) -> Encoded:
    packets = tuple(draw(st.lists(st.binary(max_size=20), max_size=6)))
    header = draw(st.binary(max_size=10))
    return Encoded(
        packets=packets,
        packet_bits=tuple(draw(st.integers(0, 8 * len(packet))) for packet in packets),
        point=draw(st.text(st.characters(codec="utf-8"), max_size=10)),
        n_samples=draw(st.integers(0, 48000 * 3600)),
        sample_rate=draw(st.integers(1, 2**20)),
        header=header,
        header_bits=draw(st.integers(0, 8 * len(header))),
    )


def facts(encoded: Encoded) -> tuple:
    return (
        encoded.packets,
        encoded.packet_bits,
        encoded.point,
        encoded.n_samples,
        encoded.sample_rate,
        encoded.header,
        encoded.header_bits,
    )


def make(**changes) -> Encoded:
    values = {"packets": (b"abc", b"de"), "point": "12000", "n_samples": 640, "sample_rate": 16000}
    return Encoded(**(values | changes))


@given(encoded_clips())
def test_bytes_give_everything_back(encoded: Encoded):
    assert facts(Encoded.from_bytes(encoded.to_bytes())) == facts(encoded)


@given(encoded_clips())
def test_bits_add_up(encoded: Encoded):
    assert encoded.payload_bits == sum(encoded.packet_bits)
    assert encoded.payload_bits <= encoded.wire_bits == 8 * len(b"".join(encoded.packets))
    assert encoded.total_bits == encoded.wire_bits + encoded.header_bits + LENGTH_FIELD_BITS


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_refused_or_read(data: bytes):
    for candidate in (data, b"CBS1" + data):
        try:
            encoded = Encoded.from_bytes(candidate)
        except BitstreamError:
            continue
        assert facts(Encoded.from_bytes(encoded.to_bytes())) == facts(encoded)


@given(encoded_clips(), st.data())
def test_mutated_bytes_are_refused_or_read(encoded: Encoded, data: st.DataObject):
    stream = bytearray(encoded.to_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        stream[data.draw(st.integers(0, len(stream) - 1))] = data.draw(st.integers(0, 255))
    try:
        read = Encoded.from_bytes(bytes(stream))
    except BitstreamError:
        return
    assert read.payload_bits <= read.wire_bits <= 8 * len(stream)


@given(encoded_clips(), st.data())
def test_cut_or_lengthened_bytes_are_refused(encoded: Encoded, data: st.DataObject):
    stream = encoded.to_bytes()
    cut = data.draw(st.integers(0, len(stream) - 1))
    with pytest.raises(BitstreamError):
        Encoded.from_bytes(stream[:cut])
    with pytest.raises(BitstreamError, match="too many"):
        Encoded.from_bytes(stream + b"\x00")


def test_bits_are_whole_bytes_where_nothing_else_is_said():
    encoded = make(header=b"hd")
    assert encoded.packet_bits == (24, 16)
    assert encoded.header_bits == 16
    assert encoded.duration_s == 0.04


def test_an_empty_packet_counts_no_bits():
    assert make(packets=(b"", b"a")).packet_bits == (0, 8)


def test_no_packets_are_a_stream_too():
    encoded = make(packets=())
    assert encoded.payload_bits == 0
    assert facts(Encoded.from_bytes(encoded.to_bytes())) == facts(encoded)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"packet_bits": (24,)}, "2 packets but 1 entries"),
        ({"packet_bits": (25, 16)}, "packet 0 claims 25 bits in 3 bytes"),
        ({"packet_bits": (24, -1)}, "packet 1 claims -1 bits"),
        ({"header": b"h", "header_bits": 9}, "header claims 9 bits in 1 bytes"),
        ({"n_samples": -1}, "bad length"),
        ({"n_samples": 2**32}, "bad length"),
        ({"sample_rate": 0}, "bad length -?.*sample rate 0|sample rate 0"),
        ({"codes": np.zeros((2, 3), np.int64), "codebook_sizes": (4,)}, "2 rows of codes but 1"),
    ],
)
def test_impossible_streams_are_refused(changes: dict, message: str):
    with pytest.raises(BitstreamError, match=message):
        make(**changes)


def test_codes_never_reach_the_decoder():
    encoded = make(codes=np.zeros((1, 3), np.int64), codebook_sizes=(4,))
    back = Encoded.from_bytes(encoded.to_bytes())
    assert back.codes is None
    assert back.codebook_sizes == ()
    assert encoded.to_bytes() == make().to_bytes()


def test_another_file_is_told_what_a_bitstream_is():
    with pytest.raises(BitstreamError, match="codecbench encode"):
        Encoded.from_bytes(b"RIFF....WAVE")
