"""WORLD analysis against SPTK, closed forms, and what must hold for sharing."""

import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from codecbench.core.audio import Audio
from codecbench.core.audio_file import read_audio
from codecbench.core.errors import MissingDependencyError
from codecbench.metrics import world
from codecbench.metrics.f0 import F0RmseCents, VuvError
from codecbench.metrics.mcd import Mcd
from codecbench.metrics.world import (
    FFT_SIZE,
    analyse,
    estimate_f0,
    frequency_transform,
    load_world,
    mel_cepstra,
    mel_cepstrum_matrix,
    pkg_resources_at_hand,
    world_samples,
)

SAMPLE_RATE = 16000


def harmonic_tone(f0_hz: float, seconds: float = 1.0) -> Audio:
    t = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    tone = sum(np.sin(2 * np.pi * f0_hz * k * t) / k for k in range(1, 20))
    return Audio((0.2 * tone).astype(np.float32), SAMPLE_RATE)


@pytest.fixture
def sptk():
    """The oracle; it imports pkg_resources, which new setuptools lack and old ones warn of."""
    with pkg_resources_at_hand(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("pysptk", exc_type=ImportError)


@pytest.mark.parametrize(("order", "alpha"), [(24, 0.42), (39, 0.466), (13, 0.0), (1, 0.42)])
def test_mel_cepstra_equal_those_of_sptk(sptk, speech: Audio, order: int, alpha: float):
    track = estimate_f0(speech)
    samples = world_samples(speech)
    envelope = load_world().cheaptrick(
        samples, track.f0, track.times, SAMPLE_RATE, fft_size=FFT_SIZE
    )
    ours = analyse(samples, SAMPLE_RATE, track, order=order, alpha=alpha)
    theirs = sptk.sp2mc(envelope, order, alpha)
    assert np.abs(ours - theirs).max() < 1e-9


def test_mel_cepstra_of_real_speech_equal_those_of_sptk(sptk, shared: Path):
    audio = read_audio(shared / "metrics/pairs/013_deg.flac")
    track = estimate_f0(audio)
    envelope = load_world().cheaptrick(
        world_samples(audio), track.f0, track.times, SAMPLE_RATE, fft_size=FFT_SIZE
    )
    ours = mel_cepstra(audio, method="dio", frame_ms=5.0, order=24, alpha=0.42)
    assert np.abs(ours - sptk.sp2mc(envelope, 24, 0.42)).max() < 1e-9


@pytest.mark.parametrize("alpha", [0.0, 0.42, 0.7])
def test_frequency_transform_rows_are_powers_of_the_all_pass(alpha: float):
    # Independent of the recursion: the series comes from the transfer function's values on the
    # unit circle; 4096 of them leave no audible aliasing (alpha^4096).
    delay = np.exp(-2j * np.pi * np.arange(4096) / 4096)
    all_pass = (delay + alpha) / (1 + alpha * delay)
    matrix = frequency_transform(20, 24, alpha)
    for row in range(20):
        series = np.fft.ifft(all_pass**row).real[:25]
        np.testing.assert_allclose(matrix[row], series, atol=1e-12)


def test_without_warping_a_cosine_log_spectrum_has_one_cepstral_coefficient():
    # log|H|^2 = 2 (1.5 + 0.25 cos 3w) is c0 = 1.5, c3 = 0.25 in the convention of SPTK.
    omega = np.pi * np.arange(513) / 512
    cepstrum = np.fft.irfft(2.0 * (1.5 + 0.25 * np.cos(3 * omega)))
    matrix = mel_cepstrum_matrix(6, 0.0)
    warped = cepstrum[: len(matrix)] @ matrix
    np.testing.assert_allclose(warped, [1.5, 0, 0, 0.25, 0, 0, 0], atol=1e-12)


@pytest.mark.parametrize("method", ["dio", "harvest"])
def test_finds_the_f0_of_a_harmonic_tone(method):
    track = estimate_f0(harmonic_tone(150.0, 0.5), method=method)
    inner = track.f0[10:-10]
    np.testing.assert_allclose(inner, 150.0, rtol=2e-3)


def test_frame_period_sets_the_number_of_frames():
    tone = harmonic_tone(150.0)
    assert estimate_f0(tone, frame_ms=5.0).f0.size == 201
    assert estimate_f0(tone, frame_ms=10.0).f0.size == 101


def test_f0_is_estimated_once_for_all_metrics(monkeypatch):
    original, calls = world.dio, []
    monkeypatch.setattr(world, "dio", lambda *a, **k: calls.append(1) or original(*a, **k))
    reference, degraded = harmonic_tone(150.0, 0.3), harmonic_tone(160.0, 0.3)
    for metric in (Mcd(), Mcd(order=13), F0RmseCents(), VuvError()):
        metric.score(metric.prepare(reference), degraded)
    assert len(calls) == 2


def test_other_frame_periods_do_not_share(speech: Audio):
    fine = mel_cepstra(speech, method="dio", frame_ms=5.0, order=24, alpha=0.42)
    coarse = mel_cepstra(speech, method="dio", frame_ms=10.0, order=24, alpha=0.42)
    assert fine.shape == (601, 25)
    assert coarse.shape == (301, 25)


def test_pyworld_needs_neither_pkg_resources_nor_silenced_warnings():
    code = (
        "import sys\n"
        "from codecbench.metrics.world import load_world\n"
        "import importlib.metadata\n"
        "assert load_world().__version__ == importlib.metadata.version('pyworld')\n"
        "import importlib.util\n"
        "there = importlib.util.find_spec('pkg_resources') is not None\n"
        "assert there or 'pkg_resources' not in sys.modules\n"
    )
    command = [sys.executable, "-P", "-W", "error", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_an_absent_pyworld_is_named_and_leaves_no_stand_in(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyworld", None)
    monkeypatch.delitem(sys.modules, "pkg_resources", raising=False)
    with pytest.raises(MissingDependencyError, match=r"codecbench\[world\]"):
        Mcd().require_modules()
    assert "pkg_resources" not in sys.modules
