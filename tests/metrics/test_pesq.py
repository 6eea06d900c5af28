import json
from itertools import pairwise

import numpy as np
import pytest

from codecbench.core.audio import Audio
from codecbench.core.audio_file import read_audio
from codecbench.core.errors import MetricError, TooShortError
from codecbench.metrics.pesq import PesqNarrowband, PesqWideband
from codecbench.metrics.utterances import measure_activity

pytest.importorskip("pesq", reason="needs the extra pesq")


def score(metric, reference, degraded):
    return metric.score(metric.prepare(reference), degraded)[metric.name]


@pytest.fixture(scope="module")
def repository_pair(shared):
    """The two files that the package's own repository tests with."""
    folder = shared / "metrics"
    expected = json.loads((folder / "pesq_reference.json").read_text())["pesq 0.0.4"]
    return read_audio(folder / "pesq_speech.wav"), read_audio(folder / "pesq_deg.wav"), expected


def test_wideband_agrees_with_the_published_value(repository_pair):
    reference, degraded, expected = repository_pair
    assert score(PesqWideband(), reference, degraded) == pytest.approx(expected["wb16k"], abs=1e-3)


def test_narrowband_agrees_with_the_published_value(repository_pair):
    reference, degraded, expected = repository_pair
    value = score(PesqNarrowband(), reference, degraded)
    assert value == pytest.approx(expected["expected nb (repo test)"], abs=1e-3)


def test_identity_is_the_maximum_of_the_mapping(repository_pair):
    reference, _, expected = repository_pair
    wideband, narrowband = PesqWideband(), PesqNarrowband()
    assert score(wideband, reference, reference) == pytest.approx(expected["identity wb"], abs=1e-3)
    value = score(narrowband, reference, reference)
    assert value == pytest.approx(expected["identity nb"], abs=1e-3)


def test_more_noise_is_never_better(pair):
    reference, _ = pair("010")
    noise = np.random.default_rng(1).standard_normal(reference.n_samples)
    scores = [
        score(PesqWideband(), reference, Audio.clip(reference.samples + level * noise, 16000))
        for level in (0.0003, 0.003, 0.03)
    ]
    assert all(better > worse for better, worse in pairwise(scores))


def test_refuses_less_than_a_quarter_of_a_second(pair):
    reference, _ = pair("010")
    with pytest.raises(TooShortError):
        PesqWideband().prepare(Audio(reference.samples[:3999], 16000))


def bursts(count: int, on_s: float, off_s: float) -> Audio:
    """White bursts between pauses of digital silence."""
    on, off = round(on_s * 16000), round(off_s * 16000)
    noise = 0.1 * np.random.default_rng(2).standard_normal((count, on))
    return Audio.clip(np.pad(noise, ((0, 0), (0, off))).ravel(), 16000)


def test_refuses_what_crashes_the_published_code():
    with pytest.raises(MetricError, match="utterances") as caught:
        PesqWideband().prepare(bursts(60, 0.4, 0.4))
    assert caught.value.reason == "too_many_utterances"


def test_long_continuous_speech_is_not_refused(pair):
    reference, degraded = pair("010")
    tiled = [Audio(np.tile(audio.samples, 12), 16000) for audio in (reference, degraded)]
    assert 1.0 < score(PesqWideband(), *tiled) < 4.6


def test_reference_without_an_utterance_is_the_references_fault():
    samples = np.zeros(32000)
    samples[16000:16800] = 0.5 * np.random.default_rng(3).uniform(-1, 1, 800)
    with pytest.raises(MetricError) as caught:
        PesqWideband().prepare(Audio(samples, 16000))
    assert caught.value.reason == "no_utterances"


def test_error_code_of_the_package_is_never_a_score(pair, monkeypatch):
    import pesq

    reference, _ = pair("010")
    monkeypatch.setattr(pesq, "pesq", lambda *_: -7.0)
    with pytest.raises(MetricError) as caught:
        score(PesqWideband(), reference, reference)
    assert caught.value.reason == "pesq_error"


# Found with the package itself in child processes: 120 bursts end in a segmentation fault for
# bursts of 0.2 s and more with pauses over 0.2 s, and do not for shorter pauses.
@pytest.mark.parametrize(
    ("on_s", "off_s", "crashes"),
    [(0.4, 0.4, True), (0.2, 0.2, True), (0.3, 0.22, True), (0.4, 0.15, False), (0.1, 0.3, False)],
)
def test_utterances_are_counted_as_the_package_does(on_s, off_s, crashes):
    activity = measure_activity(bursts(120, on_s, off_s))
    assert (activity.utterances > 50) == crashes


def test_definition_says_that_the_corrigendum_is_absent():
    assert "without Corrigendum 2" in PesqWideband().definition
