import numpy as np
import pytest

from codecbench.core.audio import Audio
from codecbench.core.errors import (
    AudioFormatError,
    MetricError,
    NonFiniteError,
    OutOfRangeError,
    SignalMismatchError,
    SilentSignalError,
    TooShortError,
)
from codecbench.metrics.screening import (
    degraded_reason,
    level_dbfs,
    reference_reason,
    screen_degraded,
    screen_reference,
)

RATE = 16000


def sine(level_dbfs: float, n: int = RATE) -> np.ndarray:
    # A sine of amplitude a has an RMS of a / sqrt(2).
    return 10 ** (level_dbfs / 20) * np.sqrt(2) * np.sin(2 * np.pi * 440 * np.arange(n) / RATE)


def test_reference_passes_unchanged():
    samples = sine(-20).astype(np.float32)
    assert np.array_equal(screen_reference(samples, RATE).samples, samples)


def test_level_of_a_sine_is_its_rms_re_full_scale():
    assert level_dbfs(Audio(sine(-20), RATE)) == pytest.approx(-20, abs=1e-6)


@pytest.mark.parametrize(
    ("samples", "error"),
    [
        (np.zeros(0), TooShortError),
        (np.full(100, np.nan), NonFiniteError),
        (np.full(100, 1.5), OutOfRangeError),
        (np.zeros(100), TooShortError),
        (np.zeros(1600), SilentSignalError),
        (np.full(1600, 0.1), SilentSignalError),
        (sine(-70.1), SilentSignalError),
        (np.zeros(100, dtype=np.int16), AudioFormatError),
        (np.zeros((100, 2)), AudioFormatError),
    ],
)
def test_refuses_bad_reference(samples, error):
    with pytest.raises(error):
        screen_reference(samples, RATE)


def test_quiet_reference_above_the_threshold_is_content():
    assert screen_reference(sine(-69.9), RATE).n_samples == RATE


@pytest.fixture
def reference() -> Audio:
    return Audio(sine(-20), RATE)


def test_degraded_is_rounded_to_16_bit_once(reference):
    screened = screen_degraded(sine(-20), RATE, reference=reference)
    steps = screened.audio.samples.astype(np.float64) * 32768
    assert np.array_equal(steps, np.rint(steps))
    assert np.abs(screened.audio.samples - reference.samples).max() <= 0.5 / 32768 + 1e-9
    assert screened.clipped_share == 0
    assert screened.length_difference == 0


def test_clipping_is_recorded(reference):
    samples = sine(-20)
    samples[:160] = 2.0
    screened = screen_degraded(samples, RATE, reference=reference)
    assert screened.clipped_share == pytest.approx(0.01)
    assert screened.audio.samples.max() <= 1.0


@pytest.mark.parametrize("difference", [-320, -1, 1, 320])
def test_one_frame_more_or_less_is_fitted_and_recorded(reference, difference):
    samples = sine(-20, RATE + difference)
    screened = screen_degraded(samples, RATE, reference=reference, frame_samples=320)
    assert screened.audio.n_samples == RATE
    assert screened.length_difference == difference
    if difference < 0:
        assert not screened.audio.samples[difference:].any()


@pytest.mark.parametrize("difference", [-321, 321])
def test_more_than_one_frame_is_a_wrong_length(reference, difference):
    with pytest.raises(SignalMismatchError, match="320"):
        screen_degraded(sine(-20, RATE + difference), RATE, reference=reference, frame_samples=320)


def test_silence_is_judged_after_rounding(reference):
    # A peak of half a 16-bit step: nothing is left after rounding.
    with pytest.raises(SilentSignalError):
        screen_degraded(sine(-20) * 1e-4, RATE, reference=reference)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_refuses_nonfinite_degraded(reference, bad):
    samples = sine(-20)
    samples[1000] = bad
    with pytest.raises(NonFiniteError):
        screen_degraded(samples, RATE, reference=reference)


def test_degraded_comes_to_the_rate_of_the_reference(reference):
    n = 48000
    samples = 0.1 * np.sqrt(2) * np.sin(2 * np.pi * 440 * np.arange(n) / 48000)
    screened = screen_degraded(samples, 48000, reference=reference)
    middle = slice(1000, -1000)
    assert screened.audio.sample_rate == RATE
    difference = screened.audio.samples[middle] - reference.samples[middle]
    assert np.abs(difference).max() < 1e-4


def test_reasons_name_whose_fault_it_is():
    assert reference_reason(SilentSignalError()) == "silent_reference"
    assert reference_reason(NonFiniteError()) == "nonfinite_reference"
    assert reference_reason(OutOfRangeError()) == "reference_out_of_range"
    assert reference_reason(TooShortError()) == "too_short"
    assert reference_reason(AudioFormatError()) == "unreadable_reference"
    assert degraded_reason(SilentSignalError()) == "silent_degraded"
    assert degraded_reason(NonFiniteError()) == "nonfinite_degraded"
    assert degraded_reason(SignalMismatchError()) == "wrong_length"
    assert degraded_reason(MetricError("x", reason="its_own")) == "its_own"
