"""MCD against values of independent scripts, and its laws."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from codecbench.core.audio import Audio
from codecbench.core.audio_file import read_audio
from codecbench.core.cell import Cell
from codecbench.core.errors import ConfigError, UnknownNameError
from codecbench.metrics.evaluation import evaluate_pair
from codecbench.metrics.mcd import Mcd, McdHarvest, McdRefF0, cepstral_distortion
from codecbench.metrics.registry import METRICS, get_metric

# mcd_definitions.json and bad_inputs.json were made by scripts with pyworld and pysptk; the
# tolerance allows for another order of summation.
TOLERANCE_DB = 1e-6
ALL_PAIRS = (0, 2, 11, 13, 24, 33, 53)
FEW_PAIRS = (2, 33)


def independent_value(shared: Path, pair: int, column: str) -> float:
    rows = json.loads((shared / "metrics/mcd_definitions.json").read_text())
    return next(row[column] for row in rows if row["pair"] == pair)


def read_pair(shared: Path, pair: int) -> tuple[Audio, Audio]:
    folder = shared / "metrics/pairs"
    return read_audio(folder / f"{pair:03d}_ref.flac"), read_audio(folder / f"{pair:03d}_deg.flac")


def score(metric, reference: Audio, degraded: Audio) -> float:
    return metric.score(metric.prepare(reference), degraded)[metric.name]


def with_noise(speech: Audio, amplitude: float) -> Audio:
    noise = np.random.default_rng(5).standard_normal(speech.n_samples)
    return Audio.clip(speech.samples + (amplitude * noise).astype(np.float32), speech.sample_rate)


@pytest.mark.parametrize("pair", ALL_PAIRS)
def test_mcd_agrees_with_an_independent_script(shared: Path, pair: int):
    expected = independent_value(shared, pair, "A dio+stonemask 24/0.42 no-c0 aligned")
    assert score(Mcd(), *read_pair(shared, pair)) == pytest.approx(expected, abs=TOLERANCE_DB)


@pytest.mark.parametrize(
    ("seconds", "case"), [(0.1, "0.1s"), (0.2, "0.2s"), (0.35, "0.35s"), (1.0, "1s")]
)
def test_mcd_of_short_clips_agrees_with_an_independent_script(shared: Path, seconds, case: str):
    table = json.loads((shared / "metrics/bad_inputs.json").read_text())["mcd_pyworld_dio"]
    stop = 8000 + round(seconds * 16000)
    cut = [Audio(x.samples[8000:stop], 16000) for x in read_pair(shared, 10)]
    assert score(Mcd(), *cut) == pytest.approx(table[case][1], abs=TOLERANCE_DB)


@pytest.mark.parametrize("pair", FEW_PAIRS)
def test_mcd_harvest_agrees_with_an_independent_script(shared: Path, pair: int):
    expected = independent_value(shared, pair, "A harvest 24/0.42 no-c0 aligned")
    reference, degraded = read_pair(shared, pair)
    found = score(McdHarvest(), reference, degraded)
    assert found == pytest.approx(expected, abs=TOLERANCE_DB)


def test_order_and_alpha_agree_with_an_independent_script(shared: Path):
    reference, degraded = read_pair(shared, 13)
    for spec, column in (
        ("mcd_harvest:order=34", "A harvest 34/0.42"),
        ("mcd_harvest:order=13", "A harvest 13/0.42"),
        ("mcd_harvest:alpha=0.455", "A harvest 24/0.455"),
        ("mcd_harvest:order=39,alpha=0.466", "A harvest 39/0.466 no-c0"),
        ("mcd_ref_f0:f0=harvest", "A 24/0.42 ref-f0-shared"),
    ):
        expected = independent_value(shared, 13, column)
        found = score(get_metric(spec), reference, degraded)
        assert found == pytest.approx(expected, abs=TOLERANCE_DB), spec


@pytest.mark.slow
@pytest.mark.parametrize("pair", ALL_PAIRS)
def test_harvest_definitions_agree_on_every_pair(shared: Path, pair: int):
    reference, degraded = read_pair(shared, pair)
    for metric, column in (
        (McdHarvest(), "A harvest 24/0.42 no-c0 aligned"),
        (McdHarvest(order=34), "A harvest 34/0.42"),
        (McdHarvest(alpha=0.41), "A harvest 24/0.41"),
        (McdRefF0(f0="harvest"), "A 24/0.42 ref-f0-shared"),
    ):
        expected = independent_value(shared, pair, column)
        assert score(metric, reference, degraded) == pytest.approx(expected, abs=TOLERANCE_DB)


@pytest.mark.parametrize("pair", ALL_PAIRS)
def test_ref_f0_by_dio_is_close_to_ref_f0_by_harvest(shared: Path, pair: int):
    # conformance.md (d): the F0 method matters less than 6 %.
    expected = independent_value(shared, pair, "A 24/0.42 ref-f0-shared")
    assert score(McdRefF0(), *read_pair(shared, pair)) == pytest.approx(expected, rel=0.08)


def test_one_coefficient_of_difference_one_is_6_14_db():
    # 10/ln(10) sqrt(2) = 6.14185, by hand; coefficient 0 does not count from first=1 on.
    reference, degraded = np.zeros((4, 3)), np.zeros((4, 3))
    degraded[:, 2] = 1.0
    degraded[:, 0] = 9.0
    assert cepstral_distortion(reference, degraded, first=1) == pytest.approx(6.14185, abs=1e-5)


def test_frames_are_averaged_after_the_root():
    # Distances 5 (3-4-5) and 0: 2.5 times 6.14185.
    reference, degraded = np.zeros((2, 3)), np.array([[0.0, 3.0, 4.0], [0.0, 0.0, 0.0]])
    expected = 2.5 * 10 / math.log(10) * math.sqrt(2)
    assert cepstral_distortion(reference, degraded, first=1) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("name", ["mcd", "mcd_harvest", "mcd_ref_f0"])
def test_a_signal_against_itself_is_exactly_zero(speech: Audio, name: str):
    metric = get_metric(name)
    twin = Audio(speech.samples, speech.sample_rate)
    assert score(metric, speech, twin) == 0.0


@pytest.mark.parametrize("name", ["mcd", "mcd_ref_f0"])
def test_more_noise_is_never_better(speech: Audio, name: str):
    metric = get_metric(name)
    scores = [score(metric, speech, with_noise(speech, a)) for a in (0.001, 0.003, 0.01, 0.03)]
    assert scores == sorted(scores)
    assert scores[0] > 0


def test_level_does_not_matter(speech: Audio):
    # alignment.md: -6 dB moves mcd by 1e-4 dB, because WORLD adds a floor to the spectrum.
    degraded = with_noise(speech, 0.01)
    quieter = Audio(0.5 * degraded.samples, degraded.sample_rate)
    assert score(Mcd(), speech, quieter) == pytest.approx(score(Mcd(), speech, degraded), abs=1e-2)


def test_preparing_does_not_depend_on_the_degraded_signal(speech: Audio):
    metric = Mcd()
    prepared = metric.prepare(speech)
    before = prepared.copy()
    first = metric.score(prepared, with_noise(speech, 0.01))
    metric.score(prepared, with_noise(speech, 0.03))
    assert metric.score(prepared, with_noise(speech, 0.01)) == first
    assert np.array_equal(prepared, before)


def test_a_clip_below_a_tenth_of_a_second_is_undefined(speech: Audio):
    clip = speech.samples[4000:5599]
    assert evaluate_pair(Mcd(), clip, clip, 16000)["mcd"].reason == "too_short"
    longer = np.round(speech.samples[4000:5600] * 32768) / 32768  # as the degraded side will be
    assert evaluate_pair(Mcd(), longer, longer, 16000)["mcd"] == Cell.ok(0.0)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("mcd:order=0", "order must be 1 to 512"),
        ("mcd:order=513", "order must be 1 to 512"),
        ("mcd:alpha=1", "below 1"),
        ("mcd:alpha=-0.1", "at least 0"),
        ("mcd:frame_ms=0", "frame_ms must be 1 to 50"),
        ("mcd_harvest:order=many", "must be int"),
        ("mcd_ref_f0:f0=yin", "one of dio, harvest"),
    ],
)
def test_rejects_options_out_of_range(spec: str, message: str):
    with pytest.raises(ConfigError, match=message) as caught:
        get_metric(spec)
    assert "\n" not in str(caught.value)


def test_rejects_an_unknown_option_with_the_nearest():
    with pytest.raises(UnknownNameError, match="order"):
        get_metric("mcd:ordre=24")


def test_a_wrong_f0_method_is_rejected_without_a_spec_too():
    with pytest.raises(ConfigError, match="dio, harvest"):
        McdRefF0(f0="yin")


def test_definition_names_every_parameter():
    assert Mcd(order=34, alpha=0.41, frame_ms=10).definition == (
        "mcd: WORLD dio + stonemask 71-800 Hz of each signal, cheaptrick (fft 1024), mel-cepstra "
        "of order 34, alpha 0.41, coefficients 1-34, frame-aligned, all frames, 10.0 ms, 16000 Hz, "
        "10/ln(10) sqrt(2 sum of squares), codecbench-world-1"
    )
    keys = {
        get_metric(spec).definition_hash()
        for spec in ("mcd", "mcd:order=34", "mcd:alpha=0.41", "mcd:frame_ms=10", "mcd_ref_f0")
    }
    assert len(keys) == 5
    assert set(Mcd().versions()) == {"numba", "numpy", "pyworld", "scipy", "soxr"}


def test_all_are_registered():
    assert METRICS.load("mcd") is Mcd
    assert METRICS.load("mcd_harvest") is McdHarvest
    assert METRICS.load("mcd_ref_f0") is McdRefF0
