"""LC3: packets of lc3py's own encoder, declared delay, refused damage."""

import numpy as np
import pytest

from codecbench.adapters.bitstream import Encoded
from codecbench.adapters.reference.lc3 import Lc3Codec
from codecbench.core.audio import Audio, round_to_int16
from codecbench.core.errors import BitstreamError, UnsupportedSettingError

lc3 = pytest.importorskip("lc3")


@pytest.mark.parametrize("frame_ms", [2.5, 5.0, 7.5, 10.0])
def test_packets_and_samples_are_those_of_lc3py(speech: Audio, frame_ms: float) -> None:
    codec = Lc3Codec(bitrate=64000, frame_ms=frame_ms)
    encoded = codec.encode(speech, codec.points[0])
    coder = lc3.Encoder(round(1000 * frame_ms), 16000)
    frame, delay = coder.get_frame_samples(), coder.get_delay_samples()
    assert (codec.info.frame_samples, codec.info.lookahead_samples) == (frame, delay)
    count = -(-(speech.n_samples + delay) // frame)
    pcm = np.zeros(count * frame, np.int16)
    pcm[: speech.n_samples] = round_to_int16(speech.samples)
    size = len(encoded.packets[0])
    theirs = [coder.encode(part.tobytes(), size, bit_depth=16) for part in pcm.reshape(-1, frame)]
    assert list(encoded.packets) == theirs
    decoder = lc3.Decoder(round(1000 * frame_ms), 16000)
    signal = b"".join(bytes(decoder.decode(packet, bit_depth=16)) for packet in theirs)
    wanted = np.frombuffer(signal, np.int16)[delay : delay + speech.n_samples]
    assert np.array_equal(round_to_int16(codec.decode(encoded).samples), wanted)


@pytest.mark.parametrize("sample_rate", [8000, 16000, 24000, 32000, 48000])
@pytest.mark.parametrize("frame_ms", [7.5, 10.0])
def test_delay_is_what_the_library_tells(sample_rate: int, frame_ms: float) -> None:
    codec = Lc3Codec(bitrate=64000, frame_ms=frame_ms, sample_rate=sample_rate)
    told = lc3.Encoder(round(1000 * frame_ms), sample_rate).get_delay_samples()
    assert codec.info.lookahead_samples == told


def test_rate_is_exact(speech: Audio) -> None:
    """20 bytes per 10 ms at 16 kbit/s; 3 s and the delay need 301 frames."""
    codec = Lc3Codec(bitrate=16000)
    assert codec.encode(speech, codec.points[0]).packet_bits == (160,) * 301


def test_names_the_nearest_rates_of_whole_bytes() -> None:
    with pytest.raises(UnsupportedSettingError, match="take 16000 or 16800"):
        Lc3Codec(bitrate=16100)


def test_refuses_frames_that_it_would_conceal(speech: Audio) -> None:
    """A frame of ones has an impossible bandwidth."""
    codec = Lc3Codec(bitrate=16000)
    encoded = codec.encode(speech, codec.points[0])
    packets = (b"\xff" * 20, *encoded.packets[1:])
    wrong = Encoded(packets=packets, point="16000", n_samples=48000, sample_rate=16000)
    with pytest.raises(BitstreamError, match="packet 0 of lc3 is damaged"):
        codec.decode(wrong)
