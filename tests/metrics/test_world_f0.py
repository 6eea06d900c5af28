"""DIO and StoneMask against pyworld, which is WORLD itself."""

from pathlib import Path

import numpy as np
import pytest

from codecbench.core.audio import Audio
from codecbench.core.audio_file import read_audio
from codecbench.metrics import world
from codecbench.metrics.world import F0_CEIL_HZ, F0_FLOOR_HZ, estimate_f0, load_world, world_samples
from codecbench.metrics.world_f0 import dio, stonemask

SAMPLE_RATE = 16000
RANGE = {"f0_floor": F0_FLOOR_HZ, "f0_ceil": F0_CEIL_HZ}
PAIRS = ("000_deg", "002_deg", "013_ref", "024_deg", "033_ref", "053_ref")


def pulses(f0_hz: float, seconds: float, noise: float = 0.001) -> np.ndarray:
    """Harmonic sound with vibrato in noise."""
    rng = np.random.default_rng(3)
    t = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    phase = 2 * np.pi * f0_hz * (t + 0.002 * np.sin(2 * np.pi * 5 * t))
    tone = sum(np.sin(k * phase) / k for k in range(1, 16))
    return 0.1 * tone + noise * rng.standard_normal(t.size)


def both(samples: np.ndarray, frame_ms: float = 5.0):
    """F0 of pyworld and ours, the frames' times, and whether ours hangs on rounding."""
    theirs, times = load_world().dio(samples, SAMPLE_RATE, frame_period=frame_ms, **RANGE)
    ours, our_times, hangs = dio(samples, SAMPLE_RATE, frame_ms=frame_ms, **RANGE)
    np.testing.assert_array_equal(our_times, times)
    return theirs, ours, times, hangs


def assert_same_track(theirs: np.ndarray, ours: np.ndarray) -> None:
    np.testing.assert_array_equal(ours > 0, theirs > 0)
    np.testing.assert_allclose(ours, theirs, rtol=1e-10)


@pytest.mark.parametrize("name", PAIRS)
def test_real_speech_has_the_f0_of_pyworld(shared: Path, name: str):
    samples = world_samples(read_audio(shared / f"metrics/pairs/{name}.flac"))
    theirs, ours, times, _ = both(samples)
    assert (theirs > 0).sum() > 200
    assert_same_track(theirs, ours)
    expected = load_world().stonemask(samples, theirs, times, SAMPLE_RATE)
    assert_same_track(expected, stonemask(samples, SAMPLE_RATE, ours, times))


@pytest.mark.parametrize("f0_hz", [75.0, 100.4, 142.0, 240.0, 390.0, 700.0])
def test_every_band_has_the_f0_of_pyworld(f0_hz: float):
    samples = pulses(f0_hz, 0.6)
    theirs, ours, times, hangs = both(samples)
    assert np.median(theirs) == pytest.approx(f0_hz, rel=0.05)
    assert not hangs
    assert_same_track(theirs, ours)
    expected = load_world().stonemask(samples, theirs, times, SAMPLE_RATE)
    assert_same_track(expected, stonemask(samples, SAMPLE_RATE, ours, times))


@pytest.mark.parametrize("seconds", [0.03, 0.04, 0.06, 0.1, 0.15])
def test_short_sounds_have_the_f0_of_pyworld(seconds: float):
    theirs, ours, _, _ = both(pulses(180.0, seconds))
    assert_same_track(theirs, ours)


@pytest.mark.parametrize("frame_ms", [1.0, 3.7, 10.0, 50.0])
def test_other_frame_periods_have_the_f0_of_pyworld(frame_ms: float):
    samples = pulses(130.0, 1.0)
    theirs, ours, times, _ = both(samples, frame_ms)
    assert_same_track(theirs, ours)
    expected = load_world().stonemask(samples, theirs, times, SAMPLE_RATE)
    assert_same_track(expected, stonemask(samples, SAMPLE_RATE, ours, times))


def test_noise_and_loud_treble_have_the_f0_of_pyworld():
    # WORLD mixes up its topmost bins, so what is up there reaches the bands.
    rng = np.random.default_rng(8)
    noise = 0.2 * rng.standard_normal(32000)
    treble = 0.3 * (-1.0) ** np.arange(32000) * (1 + 0.1 * rng.standard_normal(32000))
    for samples in (noise, treble + pulses(120.0, 2.0)):
        theirs, ours, _, _ = both(samples)
        assert_same_track(theirs, ours)


def test_digital_silence_around_real_speech_has_the_f0_of_pyworld(shared: Path):
    samples = world_samples(read_audio(shared / "metrics/pairs/000_ref.flac"))
    changes = np.flatnonzero(np.diff(samples))
    assert np.diff(changes).max() > 0.2 * SAMPLE_RATE
    theirs, ours, _, hangs = both(samples)
    assert not hangs
    assert_same_track(theirs, ours)


def test_a_voice_cut_off_into_digital_silence_hangs_on_rounding():
    word, gap = pulses(140.0, 0.4, noise=0.0), np.zeros(8000)
    *_, hangs = both(np.concatenate((gap, word, gap, word, gap)))
    assert hangs


def test_what_hangs_on_rounding_is_left_to_pyworld(monkeypatch):
    samples = np.concatenate((np.zeros(8000), pulses(140.0, 0.4, noise=0.0), np.zeros(8000)))
    audio = Audio(samples.astype(np.float32), SAMPLE_RATE)
    package, calls = load_world(), []
    original = package.dio
    monkeypatch.setattr(package, "dio", lambda *a, **k: calls.append(1) or original(*a, **k))
    track = estimate_f0(audio)
    assert calls == [1]
    exact = world_samples(audio)
    theirs, times = original(exact, SAMPLE_RATE, **RANGE)
    expected = package.stonemask(exact, theirs, times, SAMPLE_RATE)
    assert_same_track(expected, track.f0)


def test_plain_speech_is_not_left_to_pyworld(speech: Audio, monkeypatch):
    def refuse(*_args, **_options):
        raise AssertionError

    monkeypatch.setattr(load_world(), "dio", refuse)
    fresh = Audio(speech.samples, speech.sample_rate)
    assert world.estimate_f0(fresh).voiced.any()


def test_a_first_estimate_far_off_is_kept_as_pyworld_keeps_it():
    samples = pulses(150.0, 0.5)
    times = np.arange(90) * 0.005
    first = np.linspace(30.0, 1500.0, 90)
    expected = load_world().stonemask(samples, first, times, SAMPLE_RATE)
    np.testing.assert_allclose(stonemask(samples, SAMPLE_RATE, first, times), expected, rtol=1e-9)
