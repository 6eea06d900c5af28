"""PCM: the identity at 16 bit, the textbook's noise below."""

import numpy as np
import pytest

from codecbench.adapters.reference.pcm import PcmCodec
from codecbench.adapters.registry import get_codec
from codecbench.core.audio import Audio


def test_16_bit_is_the_identity_on_16_bit_signals() -> None:
    every_level = (np.arange(-32768, 32768) / 32768).astype(np.float32)
    audio = Audio(every_level, 16000)
    codec = PcmCodec()
    assert codec.decode(codec.encode(audio, codec.points[0])) == audio


def test_default_is_one_point_of_256_kbit() -> None:
    assert [(p.name, p.nominal_bps) for p in get_codec("pcm").points] == [("16", 256000.0)]


@pytest.mark.parametrize("bits", range(2, 17))
@pytest.mark.parametrize("n_samples", [1, 319, 320, 321, 16000])
def test_bits_are_exact(speech: Audio, bits: int, n_samples: int) -> None:
    codec = PcmCodec(bits=bits)
    encoded = codec.encode(Audio(speech.samples[:n_samples], 16000), codec.points[0])
    assert encoded.payload_bits == bits * n_samples
    assert len(encoded.packets) == -(-n_samples // 320)


@pytest.mark.parametrize("bits", [4, 6, 8, 10, 12])
def test_noise_is_a_twelfth_of_the_squared_step(bits: int) -> None:
    """Bennett's result for a uniform signal: step² / 12."""
    step = 2.0 ** (1 - bits)
    limit = 0.75 + step / 2  # whole steps, so that the error is uniform too
    noise = np.random.default_rng(1).uniform(-limit, limit, 200_000).astype(np.float32)
    codec = PcmCodec(bits=bits)
    out = codec.decode(codec.encode(Audio(noise, 16000), codec.points[0]))
    error = np.mean((out.samples.astype(np.float64) - noise) ** 2)
    assert error == pytest.approx(step**2 / 12, rel=0.02)


def test_levels_are_those_of_twos_complement() -> None:
    """Two bits, by hand: levels -1, -0.5, 0, 0.5; ties to even; +1 is limited."""
    values = np.array([-1, -0.8, -0.75, -0.3, -0.25, 0, 0.2, 0.25, 0.3, 0.75, 1], np.float32)
    wanted = [-1, -1, -1, -0.5, 0, 0, 0, 0, 0.5, 0.5, 0.5]
    codec = PcmCodec(bits=2)
    assert codec.decode(
        codec.encode(Audio(values, 8000 * 2), codec.points[0])
    ).samples.tolist() == (wanted)


def test_bytes_are_most_significant_bit_first() -> None:
    """Offset binary by hand: -1 → 0000, 0 → 1000, 0.875 → 1111."""
    codec = PcmCodec(bits=4)
    audio = Audio(np.array([-1, 0, 0.875], np.float32), 16000)
    assert codec.encode(audio, codec.points[0]).packets == (bytes([0b00001000, 0b11110000]),)


def test_takes_other_sample_rates(speech: Audio) -> None:
    codec = get_codec("pcm@11025:bits=8")
    audio = Audio(speech.samples, 11025)
    assert codec.decode(codec.encode(audio, codec.points[0])).sample_rate == 11025
    assert codec.points[0].nominal_bps == 88200
