"""Opus' in-band error correction: copies in the packets, and what a decoder does with them."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from codecbench.adapters.base import Codec
from codecbench.adapters.reference.libopus import LibOpus, OpusSettings
from codecbench.adapters.reference.opus import OpusCodec
from codecbench.adapters.reference.reference_codec import pad_to_frames
from codecbench.adapters.reference.shared_library import require_in_wheel
from codecbench.adapters.registry import get_codec
from codecbench.core.audio import Audio, round_to_int16
from codecbench.core.audio_file import read_audio
from codecbench.core.errors import UnsupportedSettingError


@pytest.fixture(scope="module")
def clip(shared: Path) -> Audio:
    return read_audio(shared / "speech/eval/en_LS-1998_1998-15444-0004_0.flac")


def stretch(codec: Codec, index: int) -> slice:
    """Samples of a clip that packet `index` carries: its frame, earlier by the codec's delay."""
    frame, late = codec.info.frame_samples, codec.info.lookahead_samples
    return slice(max(0, index * frame - late), max(0, (index + 1) * frame - late))


def distance(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    return float(np.sqrt(np.mean((a.astype(np.float64) - b) ** 2)))


def has_copy(packet: bytes) -> bool:
    """Whether a packet of one SILK frame of 20 ms carries a copy of the frame before it.

    RFC 6716: configurations 0 … 15 are SILK or hybrid (section 3.1); code 3 has a count, and the
    length of its padding, before the frame (3.2.5); the frame begins with one bit for voice
    activity and one for the copy (4.2.3), each of probability one half and so bits of their own.
    """
    if packet[0] >> 3 >= 16:
        return False
    at = 1
    if packet[0] & 3 == 3:
        padded, at = packet[1] & 0x40, 2
        while padded and packet[at] == 255:
            at += 1
        at += 1 if padded else 0
    return bool(packet[at] >> 6 & 1)


@pytest.mark.parametrize("mode", ["cbr", "vbr"])
@pytest.mark.parametrize(
    ("bitrate", "fec", "least", "most"),
    [(16000, True, 0.0, 0.0), (24000, True, 0.4, 1.0), (24000, False, 0.0, 0.0)],
)
def test_packets_carry_copies_where_there_is_room(
    clip: Audio, mode: str, bitrate: int, fec: bool, least: float, most: float
) -> None:
    codec = OpusCodec(mode=mode, bitrate=bitrate, fec=fec, expected_loss=10)
    packets = codec.encode(clip, codec.points[0]).packets
    assert least <= np.mean([has_copy(packet) for packet in packets]) <= most


def test_copies_are_counted(clip: Audio) -> None:
    codec = OpusCodec(bitrate=24000, fec=True, expected_loss=10)
    encoded = codec.encode(clip, codec.points[0])
    assert encoded.packet_bits == tuple(8 * len(packet) for packet in encoded.packets)
    assert set(encoded.packet_bits) == {480}  # 24000 bit/s in frames of 20 ms


def test_a_copy_restores_what_extrapolation_cannot(clip: Audio) -> None:
    """The same packets to a decoder that uses copies and one that does not."""
    fec, plain = OpusCodec(bitrate=24000, fec=True, expected_loss=10), OpusCodec(bitrate=24000)
    encoded = fec.encode(clip, fec.points[0])
    lost = [index % 10 == 7 for index in range(len(encoded.packets))]
    clean = fec.decode(encoded)
    assert plain.decode(encoded) == clean
    copied, guessed = (c.decode_lossy(encoded, lost).samples for c in (fec, plain))
    assert distance(copied, clean.samples) < 0.5 * distance(guessed, clean.samples)


def test_without_the_next_packet_there_is_no_copy(clip: Audio) -> None:
    fec, plain = OpusCodec(bitrate=24000, fec=True, expected_loss=10), OpusCodec(bitrate=24000)
    encoded = fec.encode(clip, fec.points[0])
    count = len(encoded.packets)
    begin = next(i for i in range(60, count) if all(map(has_copy, encoded.packets[i : i + 3])))
    two = [index in (begin, begin + 1) for index in range(count)]
    copied, guessed = (c.decode_lossy(encoded, two).samples for c in (fec, plain))
    first, second = stretch(fec, begin), stretch(fec, begin + 1)
    assert np.array_equal(copied[first], guessed[first])
    assert not np.array_equal(copied[second], guessed[second])
    rest = [index >= begin for index in range(count)]
    assert fec.decode_lossy(encoded, rest) == plain.decode_lossy(encoded, rest)


@pytest.mark.parametrize(
    ("application", "frame_ms", "expected_loss", "used"),
    [
        ("voip", 20, 10, True),
        ("voip", 20, 0, False),
        ("voip", 5, 10, False),
        ("lowdelay", 20, 10, False),
        ("audio", 10, 10, True),
    ],
)
def test_error_correction_is_refused_exactly_where_it_does_nothing(
    speech: Audio, application: str, frame_ms: int, expected_loss: int, used: bool
) -> None:
    """What libopus makes of it is asked directly."""
    lib = LibOpus(require_in_wheel("av", "libopus"))
    frames = pad_to_frames(round_to_int16(speech.samples), 16 * frame_ms)
    plain, fec = (
        lib.encode(
            frames,
            OpusSettings(
                sample_rate=16000,
                application=application,
                bitrate_bps=24000,
                vbr=False,
                constrained=False,
                complexity=10,
                fec=with_fec,
                expected_loss=expected_loss,
            ),
        )
        for with_fec in (False, True)
    )
    assert (plain != fec) == used
    options = f"application={application},expected_loss={expected_loss},frame_ms={frame_ms}"
    if used:
        assert get_codec(f"opus:{options},fec=true").info.name == "opus"
    else:
        with pytest.raises(UnsupportedSettingError, match="fec=true") as caught:
            get_codec(f"opus:{options},fec=true")
        assert "\n" not in str(caught.value)


def test_expected_loss_alone_changes_the_packets(speech: Audio) -> None:
    plain, careful = OpusCodec(bitrate=16000), OpusCodec(bitrate=16000, expected_loss=20)
    point = plain.points[0]
    assert plain.encode(speech, point).packets != careful.encode(speech, point).packets
