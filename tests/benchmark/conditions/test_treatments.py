"""Treatments do what their names say, the same for every system, and are drawn by clip."""

import numpy as np
import pytest

from codecbench.adapters.bitstream import Encoded
from codecbench.adapters.registry import get_codec
from codecbench.benchmark.conditions.base import Draw
from codecbench.benchmark.conditions.spec import parse_condition
from codecbench.benchmark.conditions.speech_level import active_speech_level
from codecbench.core.audio import Audio


def treat(text: str, audio: Audio, draw: Draw) -> Audio:
    return parse_condition(text).treat(audio, draw).audio


def rms_db(samples: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(samples.astype(np.float64) ** 2)))


def test_the_level_of_a_steady_tone_is_its_power() -> None:
    tone = 0.25 * np.sin(2 * np.pi * 440 * np.arange(64000) / 16000)
    # An amplitude of 1/4 has -12.04 - 3.01 dBov. The envelope needs its first 0.1 s to rise.
    assert active_speech_level(tone, 16000) == pytest.approx(-15.05, abs=0.15)


def test_pauses_do_not_count() -> None:
    """One second of tone in every four: P.56 counts it, with 0.2 s of hangover and the decay."""
    tone = 0.25 * np.sin(2 * np.pi * 440 * np.arange(16 * 16000) / 16000)
    tone[(np.arange(tone.size) // 16000) % 4 > 0] = 0.0
    whole = rms_db(tone)
    assert whole == pytest.approx(-15.05 - 6.02, abs=0.01)
    found = active_speech_level(tone, 16000)
    assert whole + 4.5 < found < -15.05


def test_silence_has_no_level() -> None:
    assert active_speech_level(np.zeros(16000), 16000) == -np.inf


def test_level_is_met(speech: Audio, draw: Draw) -> None:
    for level in (-16.0, -36.0):
        found = treat(f"level={level}", speech, draw)
        assert active_speech_level(found.samples, 16000) == pytest.approx(level, abs=0.3)


def test_gain_is_undone_only_against_clean(speech: Audio, draw: Draw) -> None:
    clean = parse_condition("level=-46").treat(speech, draw)
    assert np.allclose(clean.audio.samples / clean.gain, speech.samples, atol=1e-6)
    assert parse_condition("level=-46,reference=treated").treat(speech, draw).gain == 1.0


@pytest.mark.parametrize("noise", ["white", "babble"])
def test_the_ratio_is_met(noise: str, speech: Audio, draw: Draw) -> None:
    for snr in (0, 20):
        added = treat(f"noise={noise},snr={snr}", speech, draw).samples - speech.samples
        level = active_speech_level(speech.samples, 16000)
        assert level - rms_db(added) == pytest.approx(snr, abs=0.1)


def test_a_clip_has_its_own_noise_the_same_at_every_ratio(speech: Audio, draw: Draw) -> None:
    def added(snr: float, seat: Draw) -> np.ndarray:
        return treat(f"noise=babble,snr={snr}", speech, seat).samples - speech.samples

    one, louder = added(20, draw), added(10, draw)
    assert np.corrcoef(one, louder)[0, 1] > 0.9999
    other = added(20, Draw(sha256=draw.sha256, clip="speaker/two"))
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.2
    assert np.array_equal(one, added(20, draw))


def test_a_file_is_noise(tmp_path, speech: Audio, draw: Draw) -> None:
    from codecbench.core.audio_file import write_audio

    hum = 0.1 * np.sin(2 * np.pi * 1000 * np.arange(8000) / 16000)
    write_audio(tmp_path / "hum.wav", Audio(hum, 16000))
    added = treat(f'noise="{tmp_path}/hum.wav",snr=10', speech, draw).samples - speech.samples
    spectrum = np.abs(np.fft.rfft(added))
    assert np.argmax(spectrum) * 16000 / added.size == pytest.approx(1000, abs=1)


def test_lowpass_takes_the_upper_band_and_no_time(speech: Audio, draw: Draw) -> None:
    before, after = speech.samples, treat("lowpass=2000", speech, draw).samples
    share = np.abs(np.fft.rfft(after)) ** 2
    above = np.arange(share.size) * 16000 / after.size > 2200
    assert share[above].sum() < 1e-6 * share.sum()
    lag = np.argmax(np.correlate(after, before, "full")) - before.size + 1
    assert lag == 0


def test_tandem_is_the_other_codec(speech: Audio, draw: Draw) -> None:
    codec = get_codec("g711")
    found = treat("tandem=g711:law=mulaw", speech, draw)
    assert found.n_samples == speech.n_samples
    from codecbench.core.resampling import resample

    encoded = codec.encode(resample(speech, 8000), codec.points[0])
    decoded = codec.decode(Encoded.from_bytes(encoded.to_bytes()))
    assert found == resample(decoded, 16000)


def test_parts_follow_one_another(speech: Audio, draw: Draw) -> None:
    both = treat("noise=white,snr=10+lowpass=2000", speech, draw)
    assert both == treat("lowpass=2000", treat("noise=white,snr=10", speech, draw), draw)
