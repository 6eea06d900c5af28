"""Low-pass anchors against scipy's filter design and by their spectrum."""

import numpy as np
import pytest

from codecbench.adapters.reference.lowpass import LowpassCodec, filter_centred, lowpass_taps
from codecbench.core.audio import Audio


@pytest.mark.parametrize("cutoff", [3500.0, 7000.0])
def test_taps_are_those_of_scipy(cutoff: float) -> None:
    """scipy.signal.firwin: the same definition by other authors."""
    signal = pytest.importorskip("scipy.signal")
    wanted = signal.firwin(1001, cutoff, window=("kaiser", 10.06), fs=16000)
    np.testing.assert_allclose(lowpass_taps(cutoff / 16000), wanted, atol=1e-15)


@pytest.mark.parametrize("size", [1, 100, 1000, 5000])
def test_filtering_is_plain_convolution_without_its_delay(size: int) -> None:
    signal = np.random.default_rng(0).uniform(-1, 1, size)
    taps = lowpass_taps(0.2)
    wanted = np.convolve(signal, taps)[500 : 500 + size]
    np.testing.assert_allclose(filter_centred(signal, taps), wanted, atol=1e-12)


@pytest.mark.parametrize(("frequency", "gain_db"), [(1000, 0.0), (3300, 0.0), (3500, -6.02)])
def test_passes_tones_below_the_cutoff_in_phase(frequency: int, gain_db: float) -> None:
    t = np.arange(16000) / 16000
    tone = 0.5 * np.sin(2 * np.pi * frequency * t)
    codec = LowpassCodec(cutoff=3500)
    audio = Audio(tone.astype(np.float32), 16000)
    out = codec.decode(codec.encode(audio, codec.points[0])).samples[1000:-1000]
    wanted = 10 ** (gain_db / 20) * tone[1000:-1000]
    np.testing.assert_allclose(out, wanted, atol=2e-4)


def test_removes_tones_above_the_cutoff() -> None:
    """Down to the rounding to 16 bit: less than one step."""
    tone = (0.9 * np.sin(2 * np.pi * 3750 * np.arange(16000) / 16000)).astype(np.float32)
    codec = LowpassCodec(cutoff=3500)
    out = codec.decode(codec.encode(Audio(tone, 16000), codec.points[0])).samples[1000:-1000]
    assert np.abs(out).max() <= 1 / 32768


def test_bits_are_those_of_16_bit_pcm(speech: Audio) -> None:
    codec = LowpassCodec()
    assert codec.info.kind == "anchor"
    assert [point.name for point in codec.points] == ["3500", "7000"]
    for point in codec.points:
        assert codec.encode(speech, point).payload_bits == 16 * speech.n_samples
