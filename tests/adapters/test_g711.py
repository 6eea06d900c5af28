"""G.711 against FFmpeg's tables and the standard's numbers."""

from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from codecbench.adapters.reference.g711 import G711Codec
from codecbench.adapters.reference.g711_laws import decoding_table, encoding_table
from codecbench.core.audio import Audio

FFMPEG = {"mulaw": "pcm_mulaw", "alaw": "pcm_alaw"}


def codes_of_ffmpeg(law: str, pcm: NDArray[np.int16]) -> NDArray[np.uint8]:
    av = pytest.importorskip("av")
    context = av.CodecContext.create(FFMPEG[law], "w")
    context.sample_rate, context.layout, context.format = 8000, "mono", "s16"
    context.time_base = Fraction(1, 8000)
    context.open()
    frame = av.AudioFrame.from_ndarray(pcm[None, :], format="s16", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = 8000, 0, Fraction(1, 8000)
    packets = [*context.encode(frame), *context.encode(None)]
    return np.frombuffer(b"".join(bytes(packet) for packet in packets), np.uint8)


@pytest.mark.parametrize("law", ["mulaw", "alaw"])
def test_decoding_is_that_of_ffmpeg_for_all_codes(law: str) -> None:
    av = pytest.importorskip("av")
    context = av.CodecContext.create(FFMPEG[law], "r")
    context.sample_rate, context.layout = 8000, "mono"
    (frame,) = context.decode(av.Packet(bytes(range(256))))
    assert np.array_equal(decoding_table(law), frame.to_ndarray().reshape(-1))


def test_mulaw_differs_from_ffmpeg_where_ffmpeg_differs_from_the_standard() -> None:
    """On 851 of all inputs: reference_codecs.md, section 1.1."""
    every = np.arange(-32768, 32768).astype(np.int16)
    assert np.sum(encoding_table("mulaw") != codes_of_ffmpeg("mulaw", every)) == 851


@pytest.mark.parametrize("law", ["mulaw", "alaw"])
def test_each_code_stands_for_the_middle_of_its_interval(law: str) -> None:
    """G.711, tables 1 and 2: y is the mean of the decision values around it."""
    codes, values = encoding_table(law), decoding_table(law).astype(np.int64)
    assert (np.diff(values[codes]) >= 0).all()
    every = np.arange(-32768, 32768)
    for code in set(range(256)) - {codes[0], codes[-1]}:  # the outermost are open
        inside = every[codes == code]
        assert inside.size == inside[-1] - inside[0] + 1
        assert abs(inside.mean() - values[code]) <= 2  # half a 14-bit step


@pytest.mark.parametrize("law", ["mulaw", "alaw"])
def test_decoded_values_code_to_themselves(law: str) -> None:
    """But for mu-law's negative zero, which is the same value as positive zero."""
    codes = np.arange(256, dtype=np.uint8)
    again = encoding_table(law)[decoding_table(law).astype(np.int64) + 32768]
    different = codes[again != codes].tolist()
    assert different == ([0x7F] if law == "mulaw" else [])


@pytest.mark.parametrize(
    ("law", "sample", "code"),
    [
        *(("mulaw", 0, 0xFF), ("mulaw", 32767, 0x80), ("mulaw", -32768, 0x00)),
        *(("alaw", 0, 0xD5), ("alaw", 32767, 0xAA), ("alaw", -32768, 0x2A), ("alaw", -1, 0x55)),
    ],
)
def test_ends_of_the_scale(law: str, sample: int, code: int) -> None:
    """G.711 (11/1988), tables 1 and 2: character signals of the first and last intervals."""
    assert encoding_table(law)[sample + 32768] == code


def test_eight_bits_per_sample(speech: Audio) -> None:
    codec = G711Codec(sample_rate=16000)
    encoded = codec.encode(Audio(speech.samples[:1001], 16000), codec.points[0])
    assert encoded.packet_bits == (2560, 2560, 2560, 41 * 8)
    assert codec.points[0].nominal_bps == 128000
