import json

import numpy as np
import pytest

from codecbench.core.audio import Audio
from codecbench.core.errors import TooShortError
from codecbench.metrics.mel_distance import MelDac, MelDacEval, MelEsc
from codecbench.metrics.mel_filters import mel_filters, mel_weights
from codecbench.metrics.spectra import magnitude_spectrum, periodic_hann

RATE = 16000
N = 32000
TONES = ("sine440_x0.5 vs same*0.5", "chirp vs chirp+0.01*lcg2", "sine vs zeros")
OTHERS = ("lcg1*0.1 vs lcg2*0.1", "impulse vs delayed 1", "chirp vs polarity")
SPEECH = ("pair000", "pair013", "pair033")


@pytest.fixture(scope="module")
def official(shared):
    """Values of the official DAC and ESC code."""
    return json.loads((shared / "metrics" / "mel_sisdr_reference.json").read_text())


@pytest.fixture(scope="module")
def signals(lcg, pair):
    t = np.arange(N) / RATE
    sine = 0.5 * np.sin(2 * np.pi * 440 * t)
    chirp = 0.5 * np.sin(2 * np.pi * (50 * t + 0.5 * (7000 - 50) / 2 * t**2))
    impulse = np.zeros(N)
    impulse[16000] = 0.9
    arrays = {
        TONES[0]: (sine, 0.5 * sine),
        TONES[1]: (chirp, chirp + 0.01 * lcg(N, 2)),
        TONES[2]: (sine, np.zeros(N)),
        OTHERS[0]: (0.1 * lcg(N, 1), 0.1 * lcg(N, 2)),
        OTHERS[1]: (impulse, np.roll(impulse, 1)),
        OTHERS[2]: (chirp, -chirp),
    }
    found = {name: tuple(Audio(x, RATE) for x in both) for name, both in arrays.items()}
    return found | {name: pair(name[-3:]) for name in SPEECH}


def score(metric, reference: Audio, degraded: Audio) -> float:
    return metric.score(metric.prepare(reference), degraded)[metric.name]


@pytest.mark.parametrize("case", TONES + OTHERS + SPEECH)
def test_mel_dac_agrees_with_the_official_code(official, signals, case):
    value = score(MelDac(), *signals[case])
    assert value == pytest.approx(official[case]["dac_mel_conf7"], abs=1e-5)


@pytest.mark.parametrize("case", TONES + OTHERS + SPEECH)
def test_mel_dac_eval_agrees_with_the_official_code(official, signals, case):
    value = score(MelDacEval(), *signals[case])
    assert value == pytest.approx(official[case]["dac_mel_default_2scale_evaluate_py"], abs=1e-5)


@pytest.mark.parametrize("case", OTHERS + SPEECH)
def test_mel_esc_agrees_with_the_official_code(official, signals, case):
    assert score(MelEsc(), *signals[case]) == pytest.approx(official[case]["esc_mel"], abs=1e-5)


@pytest.mark.parametrize("case", TONES)
def test_mel_esc_agrees_on_tones_up_to_float32_leakage(official, signals, case):
    assert score(MelEsc(), *signals[case]) == pytest.approx(official[case]["esc_mel"], abs=0.02)


@pytest.mark.parametrize("metric", [MelDac(), MelDacEval(), MelEsc()])
def test_identity_is_zero(speech, metric):
    assert score(metric, speech, Audio(speech.samples, RATE)) == 0.0


@pytest.mark.parametrize("metric", [MelDac(), MelDacEval(), MelEsc()])
def test_refuses_what_cannot_be_mirrored(metric):
    with pytest.raises(TooShortError):
        metric.prepare(Audio(np.full(1024, 0.1), RATE))
    assert metric.prepare(Audio(np.full(1025, 0.1), RATE))


def test_halving_the_level_costs_its_logarithm_where_nothing_is_floored(lcg):
    loud = Audio(0.9 * lcg(N, 1), RATE)
    halved = Audio(0.5 * loud.samples, RATE)
    # Seven scales, each log10(2) away.
    assert score(MelDac(), loud, halved) == pytest.approx(7 * np.log10(2), abs=1e-4)


def test_every_filter_has_bins():
    for window, mels in zip(MelDac.windows, MelDac.mels, strict=True):
        for scale in ("slaney", "htk"):
            assert mel_weights(RATE, window, mels, scale).any(axis=0).all()


def test_slaney_filters_have_an_area_of_one_hertz():
    weights = mel_weights(RATE, 32768, 40, "slaney")
    assert weights.sum(axis=0) * RATE / 32768 == pytest.approx(np.ones(40), abs=1e-3)


def test_htk_filters_peak_at_one_and_overlap_to_one():
    weights = mel_weights(RATE, 32768, 40, "htk")
    assert weights.max(axis=0) == pytest.approx(np.ones(40), abs=0.02)
    centres = weights.argmax(axis=0)
    between = weights[centres[0] : centres[-1]].sum(axis=1)
    assert between == pytest.approx(np.ones(between.size), abs=1e-9)


@pytest.mark.parametrize(("window", "mels"), [(32, 5), (512, 80), (2048, 320)])
def test_applying_in_groups_equals_the_whole_product(window, mels):
    spectrum = np.random.default_rng(1).uniform(size=(7, window // 2 + 1)).astype(np.float32)
    whole = spectrum.astype(np.float64) @ mel_weights(RATE, window, mels, "slaney")
    assert mel_filters(RATE, window, mels, "slaney").apply(spectrum) == pytest.approx(
        whole, rel=1e-5
    )


@pytest.mark.parametrize("window", [32, 512, 2048])
def test_spectrum_agrees_with_scipy(speech, window):
    from scipy.signal import ShortTimeFFT

    transform = ShortTimeFFT(periodic_hann(window), window // 4, RATE, scale_to=None)
    samples = speech.samples.astype(np.float64)
    found = magnitude_spectrum(speech, window)
    inside = slice(2, 2 + (samples.size - window) // (window // 4))
    expected = np.abs(transform.stft(samples, padding="zeros")).T
    offset = -transform.p_min
    expected = expected[offset + inside.start : offset + inside.stop]
    assert found[inside] == pytest.approx(expected, abs=1e-5)
