"""What holds for every metric that is registered."""

import math
from itertools import pairwise

import numpy as np
import pytest

from codecbench.core.audio import Audio
from codecbench.core.cell import Status
from codecbench.core.errors import MissingDependencyError
from codecbench.core.resampling import resample
from codecbench.metrics.base import Metric
from codecbench.metrics.evaluation import evaluate, evaluate_pair, is_at_ceiling, prepare_reference
from codecbench.metrics.registry import BUILTIN, CORE, METRICS, get_metric

# Best score of a signal against itself, and how far off it may be. PESQ: the mappings of P.862.1
# and P.862.2 at 4.5; ViSQOL: conformance values of the C++ code for identical signals (the lattice
# has no fixed ceiling: there, nothing may be better); all others by definition.
CEILINGS = {
    "estoi": (1.0, 1e-9),
    "f0_rmse_cents": (0.0, 0.0),
    "lsd": (0.0, 0.0),
    "mcd": (0.0, 1e-9),
    "mcd_harvest": (0.0, 1e-9),
    "mcd_ref_f0": (0.0, 1e-9),
    "mcd_versa": (0.0, 1e-9),
    "mel_dac": (0.0, 0.0),
    "mel_dac_eval": (0.0, 0.0),
    "mel_esc": (0.0, 0.0),
    "pesq_nb": (0.999 + 4 / (1 + math.exp(-1.4945 * 4.5 + 4.6607)), 1e-3),
    "pesq_wb": (0.999 + 4 / (1 + math.exp(-1.3669 * 4.5 + 3.8224)), 1e-3),
    "si_sdr": (100.0, 0.0),
    "si_sdr_aligned": (100.0, 0.0),
    "stoi": (1.0, 1e-9),
    "visqol": (5.0, 1e-6),
    "visqol_audio": (4.732101, 1e-4),
    "visqol_lattice": (None, 0.0),
    "vuv_error": (0.0, 0.0),
}

# Far apart, because pitch trackers answer weak noise with chance.
NOISE_DBFS = (-60.0, -35.0, -15.0)

names = pytest.mark.parametrize("name", sorted(BUILTIN))


def usable(name: str) -> Metric:
    metric = get_metric(name)
    try:
        metric.require_modules()
    except MissingDependencyError as error:
        pytest.skip(str(error))
    return metric


@pytest.fixture(scope="module")
def clean(speech: Audio) -> Audio:
    return speech.quantize_16bit()


@pytest.fixture(scope="module")
def noisy(clean: Audio) -> list[Audio]:
    noise = np.random.default_rng(11).standard_normal(clean.n_samples)
    return [
        Audio.clip(clean.samples + 10 ** (level / 20) * noise, clean.sample_rate).quantize_16bit()
        for level in NOISE_DBFS
    ]


def test_every_registered_metric_is_tested_here():
    assert set(CEILINGS) == set(BUILTIN)
    assert set(CORE) <= set(BUILTIN)


@names
def test_facts_are_complete(name):
    metric = get_metric(name)
    assert type(metric) is METRICS.load(name)
    assert metric.name == name
    assert name in metric.outputs
    assert len(set(metric.outputs)) == len(metric.outputs)
    assert isinstance(metric.unit, str)
    assert isinstance(metric.higher_is_better, bool)
    low, high = metric.range
    assert low < high
    assert metric.sample_rate is None or metric.sample_rate in (8000, 16000, 48000)
    assert 0.0 < metric.min_seconds <= 1.0
    assert metric.deterministic
    assert len(metric.source) > 10
    assert type(metric).__doc__


@names
def test_definition_is_one_line_with_its_parameters(name):
    metric = get_metric(name)
    definition = metric.definition
    assert definition == definition.strip()
    assert "\n" not in definition
    assert sum(character.isdigit() for character in definition) >= 3
    if metric.sample_rate is not None:
        rate = metric.sample_rate
        assert f"{rate}" in definition or f"{rate // 1000} kHz" in definition
    assert len(metric.definition_hash()) == 12


def test_no_two_metrics_share_a_definition():
    definitions = {get_metric(name).definition for name in BUILTIN}
    assert len(definitions) == len(BUILTIN)


@names
def test_versions_of_named_packages_are_known(name):
    metric = usable(name)
    assert "absent" not in metric.versions().values()


# Acceptance test 2 of the peers' list.
@names
def test_identity_is_at_the_ceiling(name, clean):
    metric = usable(name)
    same = Audio(clean.samples, clean.sample_rate)
    cell = evaluate(metric, prepare_reference(metric, clean), same)[name]
    wanted, tolerance = CEILINGS[name]
    assert cell.is_ok
    if wanted is not None:
        assert cell.value == pytest.approx(wanted, abs=tolerance)
    if not name.startswith("visqol_"):
        assert is_at_ceiling(metric, cell.value)


@names
def test_more_noise_is_never_better(name, clean, noisy):
    metric = usable(name)
    prepared = prepare_reference(metric, clean)
    versions = [Audio(clean.samples, clean.sample_rate), *noisy]
    scores = [evaluate(metric, prepared, degraded)[name].value for degraded in versions]
    low, high = metric.range
    assert all(low <= score <= high + 1e-9 for score in scores)
    assert not is_at_ceiling(metric, scores[-1])
    sign = 1 if metric.higher_is_better else -1
    assert all(sign * worse <= sign * better for better, worse in pairwise(scores))


@names
def test_scoring_is_repeatable_and_leaves_everything_as_it_was(name, clean, noisy):
    metric = usable(name)
    state = np.random.get_state()[1].copy()  # noqa: NPY002  (the users', which is not ours to move)
    prepared = prepare_reference(metric, clean)
    # Fresh objects, so that nothing kept with the signals can hide a difference.
    first, _, second = (
        evaluate(metric, prepared, Audio(audio.samples, audio.sample_rate))[name].value
        for audio in (noisy[1], noisy[2], noisy[1])
    )
    assert first == second
    assert np.array_equal(np.random.get_state()[1], state)  # noqa: NPY002


@names
def test_preparing_needs_no_more_than_the_shortest_clip(name, lcg_speech):
    metric = usable(name)
    rate = metric.sample_rate or 16000
    n = math.ceil((metric.min_seconds + 0.01) * rate)
    clip = Audio(resample(lcg_speech, rate).samples[:n], rate)
    prepared = prepare_reference(metric, clip)
    assert prepared.outcome is None
    cell = evaluate(metric, prepared, Audio(clip.samples, rate))[name]
    assert cell.status in {Status.OK, Status.FAILED}
    assert cell.status is Status.OK or cell.reason


@pytest.fixture(scope="module")
def lcg_speech(lcg) -> Audio:
    """A second of pulses at 125 Hz in a little noise: voiced from the first sample on."""
    samples = 0.01 * lcg(16000, 1)
    samples[::128] += 0.8
    return Audio(np.convolve(samples, np.exp(-np.arange(64) / 12))[:16000] / 2, 16000)


@names
def test_too_short_and_silent_are_never_a_number(name, clean):
    metric = usable(name)
    nine_ms = clean.samples[8000:8144].astype(np.float64)
    short = evaluate_pair(metric, nine_ms, nine_ms, 16000)
    assert {str(cell) for cell in short.values()} == {"undefined:too_short"}
    silent = evaluate_pair(metric, clean.samples, np.zeros(clean.n_samples), 16000)
    assert {str(cell) for cell in silent.values()} == {"failed:silent_degraded"}
