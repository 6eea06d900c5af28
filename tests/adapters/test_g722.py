"""G.722: one rate, whole packets, no sample gained or lost."""

import numpy as np
import pytest

from codecbench.adapters.reference.g722 import G722Codec
from codecbench.adapters.registry import get_codec
from codecbench.core.audio import Audio
from codecbench.core.errors import ConfigError


@pytest.mark.parametrize("options", ["bitrate=48000", "mode=2"])
def test_has_no_rates_that_ffmpeg_would_ignore(options: str) -> None:
    with pytest.raises(ConfigError, match="takes no options"):
        get_codec(f"g722:{options}")


@pytest.mark.parametrize("n_samples", [1, 2, 319, 320, 321, 999, 16000, 47999])
def test_whole_packets_whatever_the_length(speech: Audio, n_samples: int) -> None:
    codec = G722Codec()
    part = Audio(speech.samples[:n_samples], 16000)
    encoded = codec.encode(part, codec.points[0])
    assert encoded.packet_bits == (1280,) * -(-n_samples // 320)
    assert codec.decode(encoded).n_samples == n_samples


def test_output_is_aligned_to_the_sample(speech: Audio) -> None:
    codec = G722Codec()
    out = codec.decode(codec.encode(speech, codec.points[0])).samples.astype(np.float64)
    x = speech.samples.astype(np.float64)
    products = [np.dot(x[20:-20], out[20 + lag : out.size - 20 + lag]) for lag in range(-8, 9)]
    assert int(np.argmax(products)) == 8


def test_end_of_the_signal_is_near_what_it_was(speech: Audio) -> None:
    """The last 22 samples are made up; those before them are coded."""
    part = Audio(speech.samples[8000:24000], 16000)
    codec = G722Codec()
    out = codec.decode(codec.encode(part, codec.points[0])).samples
    error = (out - part.samples).astype(np.float64)
    power = np.mean(part.samples.astype(np.float64) ** 2)
    assert np.mean(error[-122:-22] ** 2) < 0.001 * power
    assert np.mean(error[-22:] ** 2) < power
