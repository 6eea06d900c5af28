"""G.726: exact bits, no sample lost at the ends of FFmpeg's reads."""

import numpy as np
import pytest

from codecbench.adapters.reference.g726 import G726Codec
from codecbench.core.audio import Audio
from codecbench.core.resampling import resample


@pytest.mark.parametrize(("bitrate", "bits"), [(16000, 2), (24000, 3), (32000, 4), (40000, 5)])
def test_bits_per_sample(speech: Audio, bitrate: int, bits: int) -> None:
    codec = G726Codec(bitrate=bitrate)
    audio = resample(speech, 8000)
    encoded = codec.encode(audio, codec.points[0])
    assert encoded.packet_bits == (160 * bits,) * 150
    assert encoded.payload_bits == 3 * bitrate


@pytest.mark.parametrize("bitrate", [16000, 24000, 32000, 40000])
def test_stays_aligned_to_the_end(speech: Audio, bitrate: int) -> None:
    """FFmpeg drops a sample at the end of each of its reads if 3 or 5 bits do not fit in."""
    audio = resample(speech, 8000)
    long = Audio(np.tile(audio.samples, 4), 8000)
    codec = G726Codec(bitrate=bitrate)
    out = codec.decode(codec.encode(long, codec.points[0])).samples.astype(np.float64)
    x = long.samples[-20000:].astype(np.float64)
    y = out[-20000:]
    products = [np.dot(x[60:-60], y[60 + lag : y.size - 60 + lag]) for lag in range(-50, 51)]
    assert int(np.argmax(products)) == 50


def test_more_bits_less_noise(speech: Audio) -> None:
    codec = G726Codec()
    audio = resample(speech, 8000)
    errors = [
        np.sum((codec.decode(codec.encode(audio, point)).samples - audio.samples) ** 2.0)
        for point in codec.points
    ]
    assert errors == sorted(errors, reverse=True)
