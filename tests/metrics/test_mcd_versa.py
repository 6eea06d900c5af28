"""McdVersa against values of VERSA's own settings, computed independently."""

import json
from pathlib import Path

import numpy as np
import pytest

from codecbench.core.audio import Audio
from codecbench.core.audio_file import read_audio
from codecbench.metrics.mcd_versa import McdVersa
from codecbench.metrics.registry import get_metric


def score(reference: Audio, degraded: Audio) -> float:
    metric = McdVersa()
    return metric.score(metric.prepare(reference), degraded)["mcd_versa"]


def check_pair(shared: Path, pair: int) -> None:
    rows = json.loads((shared / "metrics/mcd_definitions.json").read_text())
    expected = next(
        row["VERSA mcd (39/.466, c0 incl, aligned)"] for row in rows if row["pair"] == pair
    )
    folder = shared / "metrics/pairs"
    reference = read_audio(folder / f"{pair:03d}_ref.flac")
    degraded = read_audio(folder / f"{pair:03d}_deg.flac")
    # Origin: mcd_definitions.json, a script of its own on pyworld, pysptk and scipy.
    assert score(reference, degraded) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("pair", [2, 33])
def test_agrees_with_an_independent_script(shared: Path, pair: int):
    check_pair(shared, pair)


@pytest.mark.slow
@pytest.mark.parametrize("pair", [0, 11, 13, 24, 53])
def test_agrees_on_the_other_pairs(shared: Path, pair: int):
    check_pair(shared, pair)


def test_a_signal_against_itself_is_exactly_zero(speech: Audio):
    short = Audio(speech.samples[:16000], speech.sample_rate)
    assert score(short, Audio(short.samples, short.sample_rate)) == 0.0


def test_more_noise_is_never_better(speech: Audio):
    short = Audio(speech.samples[8000:24000], speech.sample_rate)
    noise = np.random.default_rng(5).standard_normal(short.n_samples).astype(np.float32)
    scores = [
        score(short, Audio.clip(short.samples + np.float32(a) * noise, 16000))
        for a in (0.001, 0.005, 0.02)
    ]
    assert scores == sorted(scores)


def test_level_counts_because_the_zeroth_coefficient_does(speech: Audio):
    short = Audio(speech.samples[8000:24000], speech.sample_rate)
    half = Audio(0.5 * short.samples, short.sample_rate)
    # Halving moves c0 alone, by about ln 2 in every frame: 6.14185 · 0.6931 = 4.257 dB; WORLD's
    # additive floor and the F0 of faint frames take a little of it.
    assert score(short, half) == pytest.approx(4.257, abs=0.1)


def test_definition_and_versions_name_what_determines_the_value():
    metric = get_metric("mcd_versa")
    for part in ("32767", "255-tap", "70 Hz", "40-800 Hz", "fft 1024", "39", "0.466", "0-39"):
        assert part in metric.definition
    assert set(metric.versions()) == {"numba", "numpy", "pyworld", "scipy", "soxr"}
