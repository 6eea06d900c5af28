"""F0 and voicing errors against closed forms and values of an independent script."""

import json
from pathlib import Path

import numpy as np
import pytest

from codecbench.core.audio import Audio
from codecbench.core.audio_file import read_audio
from codecbench.core.cell import Cell
from codecbench.core.errors import MetricError
from codecbench.metrics.evaluation import evaluate_pair
from codecbench.metrics.f0 import F0RmseCents, VuvError
from codecbench.metrics.registry import get_metric

SAMPLE_RATE = 16000


def harmonic_tone(f0_hz: float, voiced: slice = slice(None)) -> np.ndarray:
    """One second; silence outside of the slice of samples."""
    t = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    tone = sum(0.2 * np.sin(2 * np.pi * f0_hz * k * t) / k for k in range(1, 20))
    kept = np.zeros(SAMPLE_RATE)
    kept[voiced] = tone[voiced]
    return kept.astype(np.float32)


def high_tone() -> np.ndarray:
    """A tone of 3 kHz: content, but nothing that could be an F0."""
    t = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    return (0.3 * np.sin(2 * np.pi * 3000 * t)).astype(np.float32)


def score(metric, reference: np.ndarray, degraded: np.ndarray) -> float:
    prepared = metric.prepare(Audio(reference, SAMPLE_RATE))
    return metric.score(prepared, Audio(degraded, SAMPLE_RATE))[metric.name]


# align_sensitivity.json lists seven pairs without their numbers; `mcd_definitions.json` and the
# degradations of `reference_signals.md` tell which row is which pair.
@pytest.mark.parametrize(("row", "pair"), [(0, 0), (1, 2), (2, 13), (4, 33), (6, 53)])
def test_agrees_with_an_independent_script(shared: Path, row: int, pair: int):
    expected = json.loads((shared / "metrics/align_sensitivity.json").read_text())["base"][row]
    folder = shared / "metrics/pairs"
    reference = read_audio(folder / f"{pair:03d}_ref.flac").samples
    degraded = read_audio(folder / f"{pair:03d}_deg.flac").samples
    assert score(F0RmseCents(), reference, degraded) == pytest.approx(
        expected["f0_cents"], abs=1e-6
    )
    assert score(VuvError(), reference, degraded) == pytest.approx(expected["vuv"], abs=1e-12)


@pytest.mark.parametrize("cents", [-100.0, 25.0, 50.0])
def test_a_shift_of_the_pitch_is_found_in_cents(cents: float):
    shifted = harmonic_tone(150.0 * 2 ** (cents / 1200))
    # The first and last frames of a tone are some 30 cents off.
    assert score(F0RmseCents(), harmonic_tone(150.0), shifted) == pytest.approx(abs(cents), abs=2.0)


def test_a_larger_shift_is_never_better():
    scores = [
        score(F0RmseCents(), harmonic_tone(150.0), harmonic_tone(150.0 * 2 ** (c / 1200)))
        for c in (5, 20, 80, 320)
    ]
    assert scores == sorted(scores)


@pytest.mark.parametrize("name", ["f0_rmse_cents", "vuv_error"])
def test_a_signal_against_itself_is_exactly_zero(name: str):
    tone = harmonic_tone(150.0)
    assert score(get_metric(name), tone, tone.copy()) == 0.0


def test_voicing_error_is_the_share_of_frames():
    # Voiced for one second against voiced for its first half: about 0.5; the last frames of a
    # voiced stretch may go to either side.
    half = harmonic_tone(150.0, slice(0, SAMPLE_RATE // 2))
    assert score(VuvError(), harmonic_tone(150.0), half) == pytest.approx(0.5, abs=0.03)
    assert score(VuvError(), half, harmonic_tone(150.0)) == pytest.approx(0.5, abs=0.03)


def test_losing_more_of_the_voicing_is_never_better():
    whole = harmonic_tone(150.0)
    scores = [
        score(VuvError(), whole, harmonic_tone(150.0, slice(0, n))) for n in (14000, 9000, 4000)
    ]
    assert scores == sorted(scores)


def test_a_reference_without_voice_is_undefined_for_pitch_only():
    with pytest.raises(MetricError) as caught:
        F0RmseCents().prepare(Audio(high_tone(), SAMPLE_RATE))
    assert caught.value.reason == "no_voiced_frames"
    cells = evaluate_pair(F0RmseCents(), high_tone(), harmonic_tone(150.0), SAMPLE_RATE)
    assert str(cells["f0_rmse_cents"]) == "undefined:no_voiced_frames"
    assert score(VuvError(), high_tone(), high_tone()) == 0.0


def test_no_frame_voiced_in_both_is_the_codecs_failure():
    first = harmonic_tone(150.0, slice(0, SAMPLE_RATE // 2))
    second = harmonic_tone(150.0, slice(SAMPLE_RATE // 2, None))
    for degraded in (second, high_tone()):
        cell = evaluate_pair(F0RmseCents(), first, degraded, SAMPLE_RATE)["f0_rmse_cents"]
        assert str(cell) == "failed:no_common_voiced_frames"


@pytest.mark.parametrize("name", ["f0_rmse_cents", "vuv_error"])
def test_a_clip_below_a_tenth_of_a_second_is_undefined(name: str):
    clip = harmonic_tone(150.0)[:1599]
    assert str(evaluate_pair(get_metric(name), clip, clip, SAMPLE_RATE)[name]) == (
        "undefined:too_short"
    )
    # Of a tenth of a second dio sees too few periods to call any of it voiced.
    longer = harmonic_tone(150.0)[: 1600 if name == "vuv_error" else 3200]
    longer = np.round(longer * 32768) / 32768  # as the degraded side will be
    assert evaluate_pair(get_metric(name), longer, longer, SAMPLE_RATE)[name] == Cell.ok(0.0)


def test_definitions_differ_and_name_the_analysis():
    definitions = {F0RmseCents().definition, VuvError().definition}
    assert len(definitions) == 2
    assert all("dio + stonemask 71-800 Hz" in text and "5 ms" in text for text in definitions)
