"""Anchors of known effect: resample, noise, noise_floor, clip, shift."""

import numpy as np
import pytest

from codecbench.adapters.base import Codec
from codecbench.adapters.registry import get_codec
from codecbench.core.audio import Audio

NAMES = ("clip", "lowpass", "mnru", "noise", "noise_floor", "resample", "shift")


def treated(codec: Codec, audio: Audio) -> np.ndarray:
    return codec.decode(codec.encode(audio, codec.points[0])).samples.astype(np.float64)


@pytest.mark.parametrize("name", NAMES)
def test_bits_of_anchors_mean_nothing_and_say_so(name: str, speech: Audio) -> None:
    codec = get_codec(name)
    assert codec.info.kind == "anchor"
    for point in codec.points:
        assert codec.encode(speech, point).payload_bits == 16 * speech.n_samples


@pytest.mark.parametrize("snr", [0, 10, 20])
def test_noise_is_exact_over_the_clip(speech: Audio, snr: int) -> None:
    quiet = Audio(speech.samples / 8, 16000)
    x = quiet.samples.astype(np.float64)
    noise = treated(get_codec(f"noise:snr={snr}"), quiet) - x
    assert 10 * np.log10(np.sum(x**2) / np.sum(noise**2)) == pytest.approx(snr, abs=0.01)


def test_noise_floor_has_the_energy_and_nothing_else(speech: Audio) -> None:
    x = speech.samples.astype(np.float64)
    y = treated(get_codec("noise_floor"), speech)
    assert np.sum(y**2) == pytest.approx(np.sum(x**2), rel=1e-3)
    assert abs(np.corrcoef(x, y)[0, 1]) < 0.02


@pytest.mark.parametrize("level", [-20, -6, 0])
def test_clip_limits_at_the_level_below_the_peak(speech: Audio, level: int) -> None:
    x = speech.samples.astype(np.float64)
    limit = np.abs(x).max() * 10 ** (level / 20)
    y = treated(get_codec(f"clip:level={level}"), speech)
    np.testing.assert_allclose(y, np.clip(x, -limit, limit), atol=0.51 / 32768)


@pytest.mark.parametrize("delay", [0, 1, 160, -40, 47999, 48000, -60000])
def test_shift_moves_whole_samples(speech: Audio, delay: int) -> None:
    exact = speech.quantize_16bit()
    y = treated(get_codec(f"shift:delay={delay}"), exact)
    for index in (0, 39, 40, 1000, 24000, 47959, 47999):
        source = index - delay
        inside = 0 <= source < exact.n_samples
        assert y[index] == (exact.samples[source] if inside else 0.0)


def test_resample_keeps_what_fits_and_removes_the_rest() -> None:
    t = np.arange(16000) / 16000
    low, high = 0.4 * np.sin(2 * np.pi * 1000 * t), 0.4 * np.sin(2 * np.pi * 5000 * t)
    both = Audio((low + high).astype(np.float32), 16000)
    y = treated(get_codec("resample:rate=8000"), both)
    np.testing.assert_allclose(y[500:-500], low[500:-500], atol=1e-3)


@pytest.mark.parametrize("rate", [1000, 7999, 15999])
def test_resample_keeps_the_length(speech: Audio, rate: int) -> None:
    for n_samples in (1, 7, 997):
        part = Audio(speech.samples[:n_samples], 16000)
        assert treated(get_codec(f"resample:rate={rate}"), part).size == n_samples
