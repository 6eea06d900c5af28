"""CheapTrick against pyworld, which is WORLD itself."""

from pathlib import Path

import numpy as np
import pytest

from codecbench.core.audio import Audio
from codecbench.core.audio_file import read_audio
from codecbench.metrics import world_envelope
from codecbench.metrics.mcd import Mcd, McdRefF0
from codecbench.metrics.world import FFT_SIZE, load_world, world_samples
from codecbench.metrics.world_envelope import envelope_cepstra

SAMPLE_RATE = 16000
COUNT = FFT_SIZE // 2 + 1
PAIRS = ("000", "002", "010", "011", "013", "024", "033", "053")


def their_cepstra(samples: np.ndarray, f0: np.ndarray, times: np.ndarray) -> np.ndarray:
    envelope = load_world().cheaptrick(samples, f0, times, SAMPLE_RATE, fft_size=FFT_SIZE)
    return np.fft.irfft(np.log(envelope), axis=1)[:, :COUNT]


def our_cepstra(samples: np.ndarray, f0: np.ndarray, times: np.ndarray) -> np.ndarray:
    return envelope_cepstra(samples, SAMPLE_RATE, f0, times, fft_size=FFT_SIZE, count=COUNT)


def pitch(frames: int) -> np.ndarray:
    """F0 of all kinds: unvoiced, too low for the transform, low, high, changing and steady."""
    values = np.array([0.0, 0.0, 40.0, 47.1, 71.0, 100.0, 100.0, 187.3, 333.3, 500.0, 799.0])
    return np.resize(values, frames)


def their_mcd(reference: Audio, degraded: Audio, *, shared_f0: bool) -> float:
    world, cepstra, track = load_world(), [], None
    for audio in (reference, degraded):
        samples = world_samples(audio)
        if track is None or not shared_f0:
            f0, times = world.dio(samples, SAMPLE_RATE, f0_floor=71.0, f0_ceil=800.0)
            track = world.stonemask(samples, f0, times, SAMPLE_RATE), times
        cepstra.append(their_cepstra(samples, *track))
    # The all-pass as powers on the unit circle; 4096 values leave no aliasing.
    delay = np.exp(-2j * np.pi * np.arange(4096) / 4096)
    all_pass = (delay + 0.42) / (1 + 0.42 * delay)
    rows = [np.fft.ifft(all_pass**n).real[1:25] for n in range(COUNT)]
    difference = (cepstra[0] - cepstra[1]) @ np.array(rows)
    distances = np.sqrt(2.0 * np.square(difference).sum(axis=1))
    return float(10.0 / np.log(10.0) * distances.mean())


@pytest.mark.parametrize("level", [0.3, 1e-3, 1e-6])
def test_noise_at_every_level_has_the_envelope_of_pyworld(level: float):
    samples = level * np.random.default_rng(1).standard_normal(8000)
    times = np.arange(100) * 0.005
    f0 = pitch(100)
    difference = our_cepstra(samples, f0, times) - their_cepstra(samples, f0, times)
    assert np.abs(difference).max() < 1e-10


def test_digital_silence_has_the_envelope_of_pyworld():
    # Nothing is left but the noise that WORLD adds, so it must be the same noise.
    times = np.arange(150) * 0.005
    samples, f0 = np.zeros(12000), pitch(150)
    samples[4000:5000] = 0.1
    difference = our_cepstra(samples, f0, times) - their_cepstra(samples, f0, times)
    assert np.abs(difference).max() < 1e-9


def test_frames_over_both_ends_have_the_envelope_of_pyworld():
    samples = np.random.default_rng(2).standard_normal(200)
    times = np.arange(4) * 0.005
    for f0_hz in (0.0, 60.0, 250.0):
        f0 = np.full(4, f0_hz)
        difference = our_cepstra(samples, f0, times) - their_cepstra(samples, f0, times)
        assert np.abs(difference).max() < 1e-10


def test_the_noise_goes_on_beyond_what_is_kept(monkeypatch):
    monkeypatch.setattr(world_envelope, "_NOISE_KEPT", 1000)
    monkeypatch.setattr(world_envelope, "_NOISE", world_envelope._Noise())
    samples, times, f0 = np.zeros(8000), np.arange(100) * 0.005, pitch(100)
    difference = our_cepstra(samples, f0, times) - their_cepstra(samples, f0, times)
    assert np.abs(difference).max() < 1e-9


def test_the_noise_does_not_depend_on_what_was_analysed_before():
    samples, times, f0 = np.zeros(3000), np.arange(30) * 0.005, pitch(30)
    before = our_cepstra(samples, f0, times)
    our_cepstra(np.zeros(16000), pitch(190), np.arange(190) * 0.005)
    np.testing.assert_array_equal(our_cepstra(samples, f0, times), before)


def test_fewer_coefficients_are_the_first_ones():
    samples = np.random.default_rng(4).standard_normal(4000)
    f0, times = pitch(40), np.arange(40) * 0.005
    few = envelope_cepstra(samples, SAMPLE_RATE, f0, times, fft_size=FFT_SIZE, count=9)
    np.testing.assert_array_equal(few, our_cepstra(samples, f0, times)[:, :9])


@pytest.mark.parametrize("pair", PAIRS)
def test_mcd_is_that_of_pyworld_within_a_billionth(shared: Path, pair: str):
    folder = shared / "metrics/pairs"
    reference = read_audio(folder / f"{pair}_ref.flac")
    degraded = read_audio(folder / f"{pair}_deg.flac")
    for metric, shared_f0 in ((Mcd(), False), (McdRefF0(), True)):
        found = metric.score(metric.prepare(reference), degraded)[metric.name]
        expected = their_mcd(reference, degraded, shared_f0=shared_f0)
        assert found == pytest.approx(expected, abs=1e-9, rel=0.0)


@pytest.mark.parametrize("seconds", [0.1, 0.3])
def test_mcd_of_short_clips_is_that_of_pyworld(shared: Path, seconds: float):
    folder = shared / "metrics/pairs"
    cut = slice(20000, 20000 + round(seconds * SAMPLE_RATE))
    reference, degraded = (
        Audio(read_audio(folder / f"024_{side}.flac").samples[cut], SAMPLE_RATE)
        for side in ("ref", "deg")
    )
    found = Mcd().score(Mcd().prepare(reference), degraded)["mcd"]
    expected = their_mcd(reference, degraded, shared_f0=False)
    assert found == pytest.approx(expected, abs=1e-9, rel=0.0)
