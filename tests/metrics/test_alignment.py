import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codecbench.core.audio import Audio
from codecbench.core.errors import SignalMismatchError, SilentSignalError
from codecbench.metrics.alignment import measure_alignment

RATE = 16000


def coloured(seed: int, n: int = RATE) -> np.ndarray:
    """Noise with a low-pass spectrum and slow syllables, whose correlation has one clear peak."""
    rng = np.random.default_rng(seed)
    noise = np.convolve(rng.standard_normal(n), np.ones(5) / 5, mode="same")
    return 0.1 * noise * (0.2 + np.abs(np.sin(np.arange(n) * 9 / RATE)))


def shifted(samples: np.ndarray, delay: int) -> np.ndarray:
    out = np.zeros_like(samples)
    if delay >= 0:
        out[delay:] = samples[: samples.size - delay]
    else:
        out[:delay] = samples[-delay:]
    return out


def measure(reference: np.ndarray, degraded: np.ndarray):
    return measure_alignment(Audio(reference, RATE), Audio(degraded, RATE))


def test_identity_lies_where_it_should(speech):
    found = measure_alignment(speech, Audio(speech.samples, RATE))
    assert (found.delay_samples, found.method, found.polarity) == (0.0, "waveform", 1)
    assert found.correlation == pytest.approx(1.0)
    assert found.gain_db == pytest.approx(0.0, abs=1e-9)
    assert found.dc_offset == 0.0
    assert found.half_delays == (0.0, 0.0)
    assert not found.has_drift


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 1000),
    delay=st.integers(-3000, 3000),
    gain=st.sampled_from([1.0, 0.5, -1.0, -0.25]),
)
def test_finds_delay_gain_and_polarity(seed, delay, gain):
    x = coloured(seed)
    found = measure(x, gain * shifted(x, delay))
    assert found.delay_samples == delay
    assert found.method == "waveform"
    assert found.polarity == np.sign(gain)
    # What has moved out of the file is missing from the level; its mean, too, hence 0.01 dB.
    centred = x - x.mean()
    kept = centred[: x.size - delay] if delay > 0 else centred[-delay:]
    expected = abs(gain) * (kept @ kept) / (centred @ centred)
    assert found.gain_db == pytest.approx(20 * np.log10(expected), abs=0.01)


@pytest.mark.parametrize("delay", [0.25, -0.5, 3.125, -20.6875])
def test_finds_fractions_of_a_sample(delay):
    x = coloured(1)
    spectrum = np.fft.rfft(x, 2 * RATE)
    turned = spectrum * np.exp(-2j * np.pi * np.arange(spectrum.size) / (2 * RATE) * delay)
    assert measure(x, np.fft.irfft(turned)[:RATE]).delay_samples == delay


def test_reports_a_small_offset():
    x = coloured(2)
    found = measure(x, x + 0.05)
    assert found.dc_offset == pytest.approx(0.05, abs=1e-6)
    assert found.delay_samples == 0.0


def test_halves_reveal_a_drifting_clock():
    x = coloured(3, 5 * RATE)
    # 100 ppm over 5 s are 8 samples; the middles of the halves lie 4 samples apart.
    stretched = np.interp(np.arange(x.size) * (1 - 1e-4), np.arange(x.size), x)
    found = measure(x, stretched)
    assert found.has_drift
    assert found.drift_samples == pytest.approx(4.0, abs=1.0)


def test_a_jump_in_the_middle_is_seen():
    x = coloured(4, 4 * RATE)
    y = np.concatenate([x[: 2 * RATE], shifted(x[2 * RATE :], 40)])
    assert measure(x, y).drift_samples == 40.0


def test_falls_back_on_the_envelope():
    rng = np.random.default_rng(6)
    syllables = np.repeat(rng.uniform(0.001, 1.0, 100), 480)
    x, y = (0.1 * syllables * rng.uniform(-1, 1, syllables.size) for _ in range(2))
    found = measure(x, shifted(y, 320))
    assert found.method == "envelope"
    # Steps of 1 ms; expect 2 ms.
    assert found.delay_samples == pytest.approx(320, abs=32)
    assert found.polarity == 0


def test_says_so_when_nothing_correlates():
    rng = np.random.default_rng(7)
    x, y = (0.1 * rng.uniform(-1, 1, 2 * RATE) for _ in range(2))
    found = measure(x, y)
    assert (found.method, found.delay_samples, found.half_delays) == ("none", 0.0, None)
    assert found.correlation < 0.1


def test_does_not_look_beyond_200_ms():
    x = coloured(8, 2 * RATE)
    assert measure(x, shifted(x, 4000)).delay_samples != 4000


@pytest.mark.parametrize("n", [1, 2, 10, 100])
def test_very_short_signals_do_not_crash(n):
    if n == 1:
        with pytest.raises(SilentSignalError):
            measure(np.ones(1) * 0.5, np.ones(1) * 0.5)
        return
    x = 0.5 * np.random.default_rng(n).uniform(-1, 1, n)
    assert measure(x, x).delay_samples == 0.0


def test_refuses_another_length_or_rate(speech):
    with pytest.raises(SignalMismatchError):
        measure_alignment(speech, Audio(speech.samples[1:], RATE))
    with pytest.raises(SignalMismatchError):
        measure_alignment(speech, Audio(speech.samples, 8000))


def test_one_degraded_signal_against_two_references(speech):
    degraded = Audio(shifted(speech.samples, 5), RATE)
    other = Audio(shifted(speech.samples, 9), RATE)
    assert measure_alignment(speech, degraded).delay_samples == 5.0
    assert measure_alignment(other, degraded).delay_samples == -4.0
