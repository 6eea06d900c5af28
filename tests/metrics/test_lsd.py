import json

import numpy as np
import pytest

from codecbench.core.audio import Audio
from codecbench.core.errors import TooShortError
from codecbench.metrics.lsd import Lsd


def score(reference: Audio, degraded: Audio) -> float:
    metric = Lsd()
    return metric.score(metric.prepare(reference), degraded)["lsd"]


@pytest.mark.parametrize(("row", "name"), [(0, "000"), (1, "002"), (2, "013"), (4, "033")])
def test_agrees_with_the_separate_experiment(shared, pair, row, name):
    # align_sensitivity.json was made by another implementation of the same definition.
    table = json.loads((shared / "metrics" / "align_sensitivity.json").read_text())
    assert score(*pair(name)) == pytest.approx(table["base"][row]["lsd"], abs=1e-5)


def test_gain_is_seen_in_full_where_nothing_is_floored():
    noise = Audio.clip(0.2 * np.random.default_rng(1).standard_normal(16000), 16000)
    assert score(noise, Audio(0.5 * noise.samples, 16000)) == pytest.approx(
        20 * np.log10(2), abs=1e-3
    )


def test_agrees_with_a_plain_loop(speech):
    degraded = Audio(np.tanh(3 * speech.samples) / 3, 16000)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(512) / 512)
    distances = []
    for start in range(0, speech.n_samples - 511, 128):
        levels = [
            10 * np.log10(np.maximum(np.abs(np.fft.rfft(part * window)) ** 2, 1e-10))
            for part in (
                speech.samples[start : start + 512].astype(np.float64),
                degraded.samples[start : start + 512].astype(np.float64),
            )
        ]
        distances.append(np.sqrt(np.mean((levels[0] - levels[1]) ** 2)))
    assert score(speech, degraded) == pytest.approx(np.mean(distances), abs=1e-5)


def test_identity_is_zero(speech):
    assert score(speech, Audio(speech.samples, 16000)) == 0.0


def test_refuses_less_than_a_frame():
    with pytest.raises(TooShortError):
        Lsd().prepare(Audio(np.full(511, 0.1), 16000))
