import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codecbench.core.audio import Audio
from codecbench.core.audio_file import read_audio
from codecbench.core.errors import TooShortError
from codecbench.metrics.stoi import Estoi, Stoi, StoiSegments, normalise_rows_and_columns
from codecbench.metrics.stoi_bands import (
    MIN_SECONDS,
    SEGMENT_FRAMES,
    analyse_degraded,
    analyse_reference,
)

AGREEMENT = 1e-9


def both(reference: np.ndarray, degraded: np.ndarray, rate: int) -> tuple[float, float]:
    """STOI and ESTOI of float64 arrays: signals off the 16-bit grid would lose digits in Audio."""
    clean = analyse_reference(reference, rate)
    coded = analyse_degraded(clean, degraded, rate)
    x, y = normalise_rows_and_columns(clean.bands), normalise_rows_and_columns(coded)
    extended = float(np.sum(x * y)) / (SEGMENT_FRAMES * x.shape[1])
    return StoiSegments(clean.bands).correlate(coded), extended


def score(metric, reference: Audio, degraded: Audio) -> float:
    return metric.score(metric.prepare(reference), degraded)[metric.name]


@pytest.fixture(scope="module")
def octave(shared):
    """Values of the authors' MATLAB code, run in GNU Octave."""
    values = json.loads((shared / "metrics" / "stoi_reference.json").read_text())["values"]
    return {entry["case"]: (entry["octave_stoi"], entry["octave_estoi"]) for entry in values}


@pytest.mark.parametrize("rate", [8000, 10000, 16000, 48000])
def test_agrees_with_the_authors_code_on_noise_at_every_rate(octave, lcg, rate):
    x = lcg(2 * rate, 1)
    y = 0.7 * x + 0.3 * lcg(2 * rate, 2)
    assert both(x, y, rate) == pytest.approx(octave[f"lcg_{rate}"], abs=AGREEMENT)


@pytest.mark.parametrize("name", ["000", "002", "011", "013", "024", "033", "053"])
def test_agrees_with_the_authors_code_on_speech(octave, pair, name):
    reference, degraded = pair(name)
    values = (score(Stoi(), reference, degraded), score(Estoi(), reference, degraded))
    assert values == pytest.approx(octave[f"pair{name}_16000"], abs=AGREEMENT)


def test_agrees_with_the_authors_code_on_babble(octave, shared):
    folder = shared / "metrics"
    reference, degraded = (
        read_audio(folder / name) for name in ("pesq_speech.wav", "pesq_deg.wav")
    )
    values = (score(Stoi(), reference, degraded), score(Estoi(), reference, degraded))
    assert values == pytest.approx(octave["pesq_repo_speech_vs_bab0dB"], abs=AGREEMENT)


def test_agrees_with_the_authors_code_at_48_khz(octave, shared):
    folder = shared / "metrics" / "visqol_conformance"
    signals = [read_audio(folder / n) for n in ("CA01_01.wav", "transcoded_CA01_01.wav")]
    n = min(audio.n_samples for audio in signals)
    reference, degraded = (Audio(audio.samples[:n], 48000) for audio in signals)
    values = (score(Stoi(), reference, degraded), score(Estoi(), reference, degraded))
    assert values == pytest.approx(octave["CA01_48000"], abs=AGREEMENT)


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    rate=st.sampled_from([8000, 10000, 11025, 16000, 24000]),
    seconds=st.floats(0.6, 1.5),
    level=st.floats(0.01, 3.0),
)
def test_agrees_with_pystoi(seed, rate, seconds, level):
    import pystoi

    rng = np.random.default_rng(seed)
    n = round(seconds * rate)
    x = 0.1 * rng.standard_normal(n) * (0.01 + np.abs(np.sin(np.arange(n) * 20 / rate)))
    y = x + level * 0.1 * rng.standard_normal(n)
    state = np.random.get_state()  # noqa: NPY002  (pystoi moves it; put it back afterwards)
    expected = (pystoi.stoi(x, y, rate), pystoi.stoi(x, y, rate, extended=True))
    np.random.set_state(state)  # noqa: NPY002
    assert both(x, y, rate) == pytest.approx(expected, abs=AGREEMENT)


@pytest.mark.parametrize("metric", [Stoi(), Estoi()])
def test_identity_is_one(speech, metric):
    assert score(metric, speech, speech) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("metric", [Stoi(), Estoi()])
def test_dropouts_of_digital_silence_score_the_same_every_time(speech, metric):
    samples = speech.samples.copy()
    samples[8000:24000] = 0.0
    degraded = Audio(samples, 16000)
    first = score(metric, speech, degraded)
    assert score(metric, speech, Audio(samples, 16000)) == first
    assert -0.1 < first < 0.95


def test_shared_work_does_not_mix_up_references(pair):
    reference, degraded = pair("000")
    other = Audio(np.roll(reference.samples, 8000), 16000)
    expected = score(Stoi(), other, Audio(degraded.samples, 16000))
    score(Stoi(), reference, degraded)
    assert score(Stoi(), other, degraded) == expected


@pytest.mark.parametrize("metric", [Stoi(), Estoi()])
def test_refuses_fewer_than_30_frames(lcg, metric):
    # 31 frames of 256 samples at a hop of 128 leave 30 after joining; the last one is left out.
    shortest = 30 * 128 + 256 + 1
    assert metric.prepare(Audio(0.5 * lcg(shortest, 1), 10000))
    with pytest.raises(TooShortError, match="29 frames"):
        metric.prepare(Audio(0.5 * lcg(shortest - 1, 1), 10000))
    assert shortest / 10000 >= MIN_SECONDS


def test_refuses_speech_with_too_little_of_it(lcg):
    samples = np.zeros(16000)
    samples[8000:12000] = 0.5 * lcg(4000, 1)
    with pytest.raises(TooShortError, match="after silence removal"):
        Stoi().prepare(Audio(samples, 16000))
