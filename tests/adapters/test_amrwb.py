"""AMR-WB: exact bits, the end of the signal without a packet of its own."""

import numpy as np
import pytest

from codecbench.adapters.bitstream import Encoded
from codecbench.adapters.reference.amrwb import AmrWbCodec
from codecbench.core.audio import Audio
from codecbench.core.errors import BitstreamError, MissingDependencyError

# 3GPP TS 26.201, table 2.
BITS = {6600: 132, 8850: 177, 12650: 253, 14250: 285, 15850: 317, 18250: 365}
BITS |= {19850: 397, 23050: 461, 23850: 477}


@pytest.fixture(autouse=True)
def _library() -> None:
    try:
        AmrWbCodec().load()
    except MissingDependencyError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize(("number", "mode"), list(enumerate(sorted(BITS))))
def test_frames_are_stored_with_their_type(speech: Audio, number: int, mode: int) -> None:
    """First octet: frame type in bits 1 to 4, then the quality bit (RFC 4867, 5.3)."""
    codec = AmrWbCodec(mode=mode)
    encoded = codec.encode(speech, codec.points[0])
    assert encoded.packet_bits == (BITS[mode],) * 150
    assert {len(packet) for packet in encoded.packets} == {1 + -(-BITS[mode] // 8)}
    assert {packet[0] for packet in encoded.packets} == {number * 8 + 4}


def test_end_of_the_signal_is_extrapolated_and_not_muted(speech: Audio) -> None:
    loud = Audio(speech.samples[8000:24000], 16000)
    codec = AmrWbCodec(mode=23850)
    out = codec.decode(codec.encode(loud, codec.points[0])).samples[-94:].astype(np.float64)
    assert np.sum(out**2) > 0.1 * np.sum(loud.samples[-94:].astype(np.float64) ** 2)


def test_refuses_frames_of_another_mode(speech: Audio) -> None:
    codec = AmrWbCodec(mode=(6600, 23850))
    encoded = codec.encode(speech, codec.point("6600"))
    wrong = Encoded(packets=encoded.packets, point="23850", n_samples=999, sample_rate=16000)
    with pytest.raises(BitstreamError, match="no frame of mode 8"):
        codec.decode(wrong)


def test_both_libraries_are_in_the_fingerprint() -> None:
    fingerprint = AmrWbCodec().info.fingerprint
    assert "libvo-amrwbenc" in fingerprint
    assert "libopencore-amrwb" in fingerprint
    assert fingerprint.count("sha256:") == 2
