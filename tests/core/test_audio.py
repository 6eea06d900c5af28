"""What `Audio` refuses, keeps and promises."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from codecbench.core.audio import Audio, round_to_int16
from codecbench.core.errors import AudioFormatError, NonFiniteError, OutOfRangeError

SAMPLES = hnp.arrays(
    np.float32, st.integers(0, 50), elements=st.floats(-1, 1, width=32, allow_nan=False)
)


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.uint8, np.bool_, np.complex64])
def test_refuses_what_is_not_floating_point_and_says_how_to_convert(dtype):
    with pytest.raises(AudioFormatError, match="samples / 32768"):
        Audio(np.zeros(4, dtype=dtype), 16000)


@pytest.mark.parametrize("shape", [(), (2, 8), (8, 2), (1, 8, 1)])
def test_refuses_other_shapes_and_says_how_to_mix_down(shape):
    with pytest.raises(AudioFormatError, match=r"samples\.mean"):
        Audio(np.zeros(shape, dtype=np.float32), 16000)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_refuses_what_is_not_finite_and_names_the_sample(bad):
    samples = np.zeros(10, dtype=np.float32)
    samples[7] = bad
    with pytest.raises(NonFiniteError, match="sample 7"):
        Audio(samples, 16000)


@pytest.mark.parametrize("peak", [1.001, -1.001, 32767.0])
def test_refuses_what_lies_outside_full_scale(peak):
    with pytest.raises(OutOfRangeError, match=r"Audio\.clip"):
        Audio(np.array([0.0, peak]), 16000)


def test_full_scale_itself_is_fine():
    assert Audio(np.array([-1.0, 1.0]), 16000).n_samples == 2


@pytest.mark.parametrize(
    "rate", [0, -8000, 16000.5, True, "16000", None, float("nan"), float("inf"), [16000]]
)
def test_refuses_what_is_no_sample_rate(rate):
    with pytest.raises(AudioFormatError, match="sample_rate"):
        Audio(np.zeros(1), rate)


@pytest.mark.parametrize("rate", [16000, 16000.0, np.int64(16000), np.float32(16000)])
def test_whole_rates_of_any_type_become_int(rate):
    found = Audio(np.zeros(1), rate).sample_rate
    assert found == 16000
    assert type(found) is int


def test_samples_are_float32_contiguous_and_read_only():
    source = np.linspace(-0.5, 0.5, 20).reshape(10, 2)[:, 1]
    audio = Audio(source, 8000)
    assert audio.samples.dtype == np.float32
    assert audio.samples.flags.c_contiguous
    with pytest.raises(ValueError, match="read-only"):
        audio.samples[0] = 0.1


def test_later_changes_of_the_source_do_not_reach_the_audio():
    source = np.zeros(4, dtype=np.float32)
    audio = Audio(source, 8000)
    source[0] = 0.5
    assert audio.samples[0] == 0.0


def test_length_and_duration():
    audio = Audio(np.zeros(24000), 16000)
    assert audio.n_samples == 24000
    assert audio.duration_s == 1.5


def test_empty_audio_is_audio():
    audio = Audio(np.zeros(0, dtype=np.float32), 16000)
    assert audio.duration_s == 0.0
    assert audio.quantize_16bit() == audio


def test_clip_limits_and_records_the_share():
    audio = Audio.clip(np.array([0.5, 2.0, -3.0, 1.0]), 16000)
    assert audio.samples.tolist() == [0.5, 1.0, -1.0, 1.0]
    assert audio.clipped_share == 0.5


def test_clip_leaves_what_fits_alone():
    assert Audio.clip(np.array([0.5, -1.0]), 16000).clipped_share == 0.0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_clip_does_not_hide_what_is_not_finite(bad):
    with pytest.raises(NonFiniteError):
        Audio.clip(np.array([2.0, bad]), 16000)


@pytest.mark.parametrize("make", [Audio, Audio.clip])
def test_a_signalling_nan_is_refused_without_a_warning(make):
    samples = np.array([0, 0x7FA00000, 0], dtype=np.uint32).view(np.float32)
    with pytest.raises(NonFiniteError, match="sample 1"):
        make(samples, 16000)


def test_what_is_rounded_has_no_negative_zero_and_is_read_only():
    rounded = Audio(np.array([-1e-6, -0.0, 1.0, -1.0]), 16000).quantize_16bit()
    assert rounded.samples.tolist() == [0.0, 0.0, 32767 / 32768, -1.0]
    assert not np.signbit(rounded.samples[:2]).any()
    assert not rounded.samples.flags.writeable
    assert rounded.samples.dtype == np.float32


@pytest.mark.parametrize("bad", [np.zeros(3, dtype=np.int16), np.zeros((2, 3))])
def test_clip_refuses_wrong_types_like_the_constructor(bad):
    with pytest.raises(AudioFormatError):
        Audio.clip(bad, 16000)


def test_rounding_to_16_bit_is_half_to_even_and_limited():
    # By hand: 0.5/32768 → 0, 1.5/32768 → 2, 2.5/32768 → 2; 1.0 has no 16-bit code above 32767.
    scaled = np.array([0.5, 1.5, 2.5, -0.5, -1.5, 32768.0, -32768.0]) / 32768
    assert round_to_int16(scaled).tolist() == [0, 2, 2, 0, -2, 32767, -32768]


@given(SAMPLES)
def test_quantizing_twice_is_quantizing_once(samples):
    once = Audio(samples, 16000).quantize_16bit()
    assert once.quantize_16bit() == once
    assert np.abs(once.samples - samples).max(initial=0) <= 1 / 32768


def test_quantizing_keeps_the_clipped_share():
    assert Audio.clip(np.array([0.5, 2.0]), 16000).quantize_16bit().clipped_share == 0.5


@given(SAMPLES)
def test_equal_signals_have_equal_hashes(samples):
    audio, twin = Audio(samples, 16000), Audio(samples + np.float32(0), 16000)
    assert audio == twin
    assert hash(audio) == hash(twin)
    assert audio.sha256 == twin.sha256


def test_other_samples_or_rates_are_other_signals(speech: Audio):
    other_rate = Audio(speech.samples, 8000)
    changed = speech.samples.copy()
    changed[5] += np.float32(1e-4)
    others = [other_rate, Audio(changed, speech.sample_rate), Audio(speech.samples[:-1], 16000)]
    assert all(other != speech and other.sha256 != speech.sha256 for other in others)
    assert speech != "speech"


def test_derived_quantities_are_computed_once_for_each_key():
    audio, calls = Audio(np.zeros(4), 16000), []
    for key in ("a", "b", "a", "a"):
        assert audio.derive(key, lambda key=key: calls.append(key) or key * 2) == key * 2
    assert calls == ["a", "b"]


def test_a_derived_none_is_kept_too():
    audio, calls = Audio(np.zeros(4), 16000), []
    audio.derive("nothing", lambda: calls.append(1))
    audio.derive("nothing", lambda: calls.append(1))
    assert calls == [1]


@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy, lambda a: pickle.loads(pickle.dumps(a))])
def test_copies_are_equal_read_only_and_without_derived_quantities(how):
    audio = Audio.clip(np.array([0.25, 2.0]), 16000)
    audio.derive("function", lambda: lambda: None)  # which could not be pickled
    twin = how(audio)
    assert twin == audio
    assert twin.clipped_share == 0.5
    assert not twin.samples.flags.writeable
    assert twin.derive("function", lambda: 1) == 1
