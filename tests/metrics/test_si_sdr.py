import json

import numpy as np
import pytest

from codecbench.core.audio import Audio
from codecbench.core.errors import SilentSignalError
from codecbench.metrics.si_sdr import SiSdr, SiSdrAligned, si_sdr


def score(metric, reference: Audio, degraded: Audio) -> float:
    return metric.score(metric.prepare(reference), degraded)[metric.name]


def delayed(samples: np.ndarray, delay: float) -> np.ndarray:
    """Delay by any fraction with zeros around, by the definition of the Fourier transform."""
    n = samples.size + 8192
    spectrum = np.fft.fft(np.concatenate([samples, np.zeros(8192)]))
    return np.fft.ifft(spectrum * np.exp(-2j * np.pi * np.fft.fftfreq(n) * delay)).real[
        : samples.size
    ]


# Values by the formula in exact terms: last section of conformance.md.
def test_two_noises_as_tabled(lcg):
    assert si_sdr(0.1 * lcg(32000, 1), 0.1 * lcg(32000, 2)) == pytest.approx(-65.4112, abs=1e-4)


def test_impulse_one_sample_late_as_tabled():
    impulse = np.zeros(32000)
    impulse[16000] = 0.9
    assert si_sdr(impulse, np.roll(impulse, 1)) == pytest.approx(-90.1027, abs=1e-4)


@pytest.mark.parametrize("gain", [1.0, 0.5, -1.0])
def test_identity_up_to_gain_and_sign_is_the_limit(lcg, gain):
    x = 0.1 * lcg(32000, 1)
    assert si_sdr(x, gain * x) == 100.0


@pytest.mark.parametrize("name", ["000", "013", "033"])
def test_agrees_with_the_official_code_on_speech(shared, pair, name):
    values = json.loads((shared / "metrics" / "mel_sisdr_reference.json").read_text())
    assert score(SiSdr(), *pair(name)) == pytest.approx(
        values[f"pair{name}"]["dac_sisdr_dB"], abs=1e-5
    )


def test_known_noise_gives_its_ratio():
    n = 16000
    t = np.arange(n) / n
    x, orthogonal = np.sin(2 * np.pi * 100 * t), np.sin(2 * np.pi * 250 * t)
    assert si_sdr(x, x + 0.1 * orthogonal) == pytest.approx(20.0, abs=1e-9)


def test_offset_does_not_count():
    x = np.sin(np.arange(1000))
    y = x + 0.1 * np.cos(3 * np.arange(1000))
    assert si_sdr(x + 0.2, y - 0.3) == pytest.approx(si_sdr(x, y), abs=1e-9)


@pytest.mark.parametrize("constant", [0.0, 0.25])
def test_constant_degraded_is_an_error(speech, constant):
    flat = Audio(np.full(speech.n_samples, constant), 16000)
    for metric in (SiSdr(), SiSdrAligned()):
        with pytest.raises(SilentSignalError, match="degraded"):
            score(metric, speech, flat)


@pytest.mark.parametrize("delay", [1, 4, 16, 320, -3, -320, 3000])
def test_whole_delay_is_taken_out(pair, delay):
    reference, degraded = pair("013")
    moved = Audio(delayed(degraded.samples.astype(np.float64), delay).clip(-1, 1), 16000)
    plain, base = score(SiSdr(), reference, moved), score(SiSdr(), reference, degraded)
    aligned = score(SiSdrAligned(), reference, moved)
    assert plain < base - 10
    # Scored over the overlap, so not exactly the same.
    assert aligned == pytest.approx(base, abs=0.5)


@pytest.mark.parametrize("delay", [0.25, 0.5, 2.0625, -7.75])
def test_fraction_of_a_sample_is_taken_out(pair, delay):
    reference, degraded = pair("013")
    moved = Audio(delayed(degraded.samples.astype(np.float64), delay).clip(-1, 1), 16000)
    base = score(SiSdr(), reference, degraded)
    assert score(SiSdr(), reference, moved) < base - 3
    assert score(SiSdrAligned(), reference, moved) == pytest.approx(base, abs=0.2)


@pytest.mark.parametrize("name", ["000", "010", "011", "024"])
def test_aligned_is_never_below_plain(pair, name):
    reference, degraded = pair(name)
    assert score(SiSdrAligned(), reference, degraded) >= score(SiSdr(), reference, degraded)


def test_what_does_not_correlate_is_not_shifted(speech):
    noise = Audio.clip(0.1 * np.random.default_rng(5).standard_normal(speech.n_samples), 16000)
    assert score(SiSdrAligned(), speech, noise) == score(SiSdr(), speech, noise)
