"""The bit packer: exact widths, and an identity both ways."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codecbench.adapters.bit_packer import (
    code_bits,
    pack_codes,
    pack_packets,
    unpack_codes,
    unpack_packets,
)
from codecbench.core.errors import BitstreamError

SIZES = st.lists(st.one_of(st.integers(1, 2000), st.sampled_from([1, 2, 1024, 2**62])), max_size=5)


@st.composite
def code_tables(draw: st.DrawFn) -> tuple[np.ndarray, list[int]]:
    sizes = draw(SIZES)
    frames = draw(st.integers(0, 8))
    rows = [
        draw(st.lists(st.integers(0, size - 1), min_size=frames, max_size=frames)) for size in sizes
    ]
    return np.array(rows, dtype=np.int64).reshape(len(sizes), frames), sizes


@given(code_tables())
def test_unpacking_gives_the_codes_back(table):
    codes, sizes = table
    data, bits = pack_codes(codes, sizes)
    back = unpack_codes(data, sizes, codes.shape[1])
    assert back.dtype == np.int64
    assert np.array_equal(back, codes)
    assert len(data) == (bits + 7) // 8


@given(code_tables())
def test_bits_are_exact(table):
    codes, sizes = table
    _, bits = pack_codes(codes, sizes)
    widths = [next(w for w in range(64) if 2**w >= size) for size in sizes]
    assert bits == codes.shape[1] * sum(widths)


@given(code_tables(), st.integers(1, 5))
def test_packets_are_packed_as_each_alone(table, packet_frames: int):
    codes, sizes = table
    frames = codes.shape[1]
    alone = [
        pack_codes(codes[:, start : start + packet_frames], sizes)
        for start in range(0, frames, packet_frames)
    ]
    packets, bits = pack_packets(codes, sizes, packet_frames)
    assert list(zip(packets, bits, strict=True)) == alone
    assert np.array_equal(unpack_packets(packets, sizes, frames, packet_frames), codes)


def test_packets_of_another_number_or_length_are_refused():
    packets, _ = pack_packets(np.arange(5)[None], [1024], 2)
    assert [len(packet) for packet in packets] == [3, 3, 2]
    for wrong in (packets[:2], (*packets, packets[0]), (*packets[:2], packets[0])):
        with pytest.raises(BitstreamError):
            unpack_packets(wrong, [1024], 5, 2)
    with pytest.raises(BitstreamError, match="at least one frame"):
        pack_packets(np.arange(5)[None], [1024], 0)


@given(st.integers(1, 2**62))
def test_the_width_is_the_smallest_that_fits(size: int):
    width = code_bits(size)
    assert 2**width >= size
    assert width == 0 or 2 ** (width - 1) < size


@given(st.binary(max_size=12), SIZES, st.integers(-2, 20))
def test_arbitrary_bytes_are_refused_or_read(data: bytes, sizes: list[int], frames: int):
    try:
        codes = unpack_codes(data, sizes, frames)
    except BitstreamError:
        return
    assert codes.shape == (len(sizes), frames)
    assert all(
        (row >= 0).all() and (row < size).all() for row, size in zip(codes, sizes, strict=True)
    )


@given(code_tables(), st.data())
def test_mutated_bytes_are_refused_or_read(table, data: st.DataObject):
    codes, sizes = table
    packed = bytearray(pack_codes(codes, sizes)[0])
    if packed:
        packed[data.draw(st.integers(0, len(packed) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        back = unpack_codes(bytes(packed), sizes, codes.shape[1])
    except BitstreamError:
        return
    assert back.shape == codes.shape


def test_layout_is_frame_by_frame_most_significant_bit_first():
    # By hand: widths 3 and 2; frames (5, 2), (1, 3): 101 10 001 11 → 1011 0001 11 + 6 zeros.
    data, bits = pack_codes(np.array([[5, 1], [2, 3]]), [8, 4])
    assert bits == 10
    assert data == bytes([0b10110001, 0b11000000])


def test_dac_at_16_khz_costs_what_its_paper_says():
    # 12 codebooks of 1024 entries at 50 frames per second are 6 kbit/s, by 12 · 10 · 50.
    _, bits = pack_codes(np.zeros((12, 50), dtype=np.int64), [1024] * 12)
    assert bits == 6000


def test_a_book_of_one_entry_costs_nothing():
    assert pack_codes(np.zeros((2, 5), dtype=np.int64), [1, 1]) == (b"", 0)
    assert np.array_equal(unpack_codes(b"", [1, 1], 5), np.zeros((2, 5)))


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint32, np.uint64])
def test_all_integer_types_pack_alike(dtype):
    codes = np.array([[1, 200, 3]])
    assert pack_codes(codes.astype(dtype), [1024]) == pack_codes(codes, [1024])


@pytest.mark.parametrize(
    ("codes", "sizes", "message"),
    [
        ([[0, 4]], [4], "code 4 of codebook 0, frame 1"),
        ([[0], [-1]], [4, 4], "code -1 of codebook 1, frame 0"),
        ([[0, 1]], [4, 4], r"shape \(2, frames\)"),
        ([0, 1], [4], "shape"),
        ([[0.5]], [4], "integers"),
        ([[0]], [0], "1 to 2\\^62 entries"),
        ([[0]], [2**63], "1 to 2\\^62 entries"),
    ],
)
def test_what_cannot_be_packed_is_refused(codes, sizes, message):
    with pytest.raises(BitstreamError, match=message):
        pack_codes(np.array(codes), sizes)


def test_unsigned_codes_beyond_int64_are_refused():
    with pytest.raises(BitstreamError, match="lies outside"):
        pack_codes(np.array([[2**63 + 1]], dtype=np.uint64), [4])


@pytest.mark.parametrize("length", [0, 1, 3])
def test_wrong_lengths_are_refused(length: int):
    with pytest.raises(BitstreamError, match="need 2 bytes"):
        unpack_codes(b"\x00" * length, [8, 4], 2)


def test_an_index_outside_its_book_is_refused():
    with pytest.raises(BitstreamError, match="codebook 0"):
        unpack_codes(bytes([0b11000000]), [3], 1)
