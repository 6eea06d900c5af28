"""Sound files: what comes back, what is refused, and that nothing half-written stays."""

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from codecbench.core import audio_file
from codecbench.core.audio import Audio
from codecbench.core.audio_file import read_audio, read_signal, write_audio
from codecbench.core.errors import AudioFormatError, NonFiniteError, OutOfRangeError

LOSSLESS = [".wav", ".flac", ".aiff", ".aif", ".au", ".w64"]


@pytest.mark.parametrize("suffix", LOSSLESS)
def test_lossless_formats_give_back_the_16_bit_signal(tmp_path: Path, speech: Audio, suffix: str):
    path = tmp_path / f"speech{suffix}"
    write_audio(path, speech)
    assert read_audio(path) == speech.quantize_16bit()


@given(values=st.lists(st.integers(-32768, 32767), min_size=1, max_size=60))
@settings(max_examples=30)
def test_every_16_bit_value_survives(tmp_path_factory, values):
    path = tmp_path_factory.getbasetemp() / "values.wav"
    audio = Audio(np.array(values, dtype=np.float32) / 32768, 8000)
    write_audio(path, audio)
    assert read_audio(path) == audio


@pytest.mark.parametrize(
    ("suffix", "coding"), [(".ogg", "VORBIS"), (".oga", "VORBIS"), (".opus", "OPUS")]
)
def test_lossy_formats_come_back_alike(tmp_path: Path, speech: Audio, suffix: str, coding: str):
    path = tmp_path / f"speech{suffix}"
    write_audio(path, speech)
    assert soundfile.info(path).subtype == coding
    back = read_audio(path)
    assert back.sample_rate == speech.sample_rate
    assert back.n_samples == speech.n_samples
    assert np.corrcoef(back.samples, speech.samples)[0, 1] > 0.8


def test_mp3_can_be_written_and_read(tmp_path: Path, speech: Audio):
    path = tmp_path / "speech.mp3"
    write_audio(path, speech)
    assert soundfile.info(path).format == "MP3"
    assert read_audio(path).duration_s == pytest.approx(speech.duration_s, abs=0.1)


def test_float_subtype_is_exact(tmp_path: Path, speech: Audio):
    path = tmp_path / "speech.wav"
    write_audio(path, speech, subtype="FLOAT")
    assert read_audio(path) == speech


def test_a_signal_without_samples_can_be_kept_as_wav(tmp_path: Path):
    empty = Audio(np.zeros(0, dtype=np.float32), 16000)
    write_audio(tmp_path / "empty.wav", empty)
    assert read_audio(tmp_path / "empty.wav") == empty


@pytest.mark.parametrize("suffix", [".flac", ".mp3"])
def test_a_format_that_cannot_hold_nothing_says_so(tmp_path: Path, suffix: str):
    empty = Audio(np.zeros(0, dtype=np.float32), 16000)
    with pytest.raises(AudioFormatError, match="without samples"):
        write_audio(tmp_path / f"empty{suffix}", empty)
    assert list(tmp_path.iterdir()) == []


def test_stereo_is_mixed_down_by_the_mean_and_recorded(tmp_path: Path):
    path = tmp_path / "stereo.wav"
    left, right = np.array([1000, -2000, 3000]), np.array([3000, 2000, -1000])
    soundfile.write(path, np.stack([left, right], axis=1).astype(np.int16), 16000)
    raw = read_signal(path)
    assert raw.channels == 2
    assert (raw.samples * 32768).tolist() == [2000, 0, 1000]


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_24", "PCM_32", "DOUBLE", "ULAW"])
def test_other_sample_formats_are_read_in_full_scale(tmp_path: Path, subtype: str):
    path = tmp_path / "x.wav"
    soundfile.write(path, np.array([0.0, 0.5, -0.5]), 16000, subtype=subtype)
    # u-law is the coarsest: its steps at half scale are 1/64.
    np.testing.assert_allclose(read_audio(path).samples, [0.0, 0.5, -0.5], atol=1 / 64)


def test_raw_reading_does_not_judge(tmp_path: Path):
    path = tmp_path / "odd.wav"
    soundfile.write(path, np.array([np.nan, 2.0]), 16000, subtype="FLOAT")
    assert np.isnan(read_signal(path).samples[0])
    assert read_signal(path).samples[1] == 2.0


@pytest.mark.parametrize(("value", "error"), [(np.nan, NonFiniteError), (1.5, OutOfRangeError)])
def test_refused_signals_are_named_by_their_file(tmp_path: Path, value: float, error):
    path = tmp_path / "odd.wav"
    soundfile.write(path, np.array([0.0, value]), 16000, subtype="FLOAT")
    with pytest.raises(error, match=r"odd\.wav"):
        read_audio(path)


@pytest.mark.parametrize(
    "content",
    [b"", b"abcd", b"RIFF\x24\x00\x00\x00WAVEfmt ", b"fLaC" + b"\x00" * 30, b"\x00" * 999],
)
@pytest.mark.parametrize("suffix", [".wav", ".flac", ".mp3", ".raw"])
def test_damaged_files_are_refused_in_one_line(tmp_path: Path, content: bytes, suffix: str):
    path = tmp_path / f"bad{suffix}"
    path.write_bytes(content)
    with pytest.raises(AudioFormatError, match="bad") as caught:
        read_audio(path)
    assert "\n" not in str(caught.value)


def test_missing_files_and_folders_are_refused(tmp_path: Path):
    for path in (tmp_path / "none.wav", tmp_path):
        with pytest.raises(AudioFormatError, match="no such file"):
            read_audio(path)


def test_a_file_that_is_too_long_is_refused_before_it_is_read(tmp_path: Path, monkeypatch):
    path = tmp_path / "long.wav"
    soundfile.write(path, np.zeros(200, dtype=np.int16), 100)
    monkeypatch.setattr(audio_file, "MAX_SECONDS", 1.9)
    with pytest.raises(AudioFormatError, match=r"longer than 1\.9 s"):
        read_audio(path)


@pytest.mark.parametrize("name", ["x", "x.txt", "x.raw", "x.xyz"])
def test_unknown_formats_are_refused_and_leave_nothing(tmp_path: Path, speech: Audio, name: str):
    with pytest.raises(AudioFormatError, match=r"use \.wav or \.flac"):
        write_audio(tmp_path / name, speech)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["x.mp3", "x.opus"])
def test_a_rate_that_the_format_lacks_is_refused(tmp_path: Path, name: str):
    odd = Audio(np.zeros(100), 12345)
    with pytest.raises(AudioFormatError, match="sample rates") as caught:
        write_audio(tmp_path / name, odd)
    assert "NamedTemporaryFile" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_folders_are_made(tmp_path: Path, speech: Audio):
    write_audio(tmp_path / "a/b/c.wav", speech)
    assert read_audio(tmp_path / "a/b/c.wav").n_samples == speech.n_samples


def test_a_file_in_place_of_a_folder_is_named(tmp_path: Path, speech: Audio):
    (tmp_path / "a").write_text("not a folder")
    with pytest.raises(AudioFormatError, match="no folder"):
        write_audio(tmp_path / "a/b.wav", speech)


def test_an_interrupted_write_keeps_the_old_file(tmp_path: Path, speech: Audio, monkeypatch):
    path = tmp_path / "x.wav"
    write_audio(path, speech)
    before = path.read_bytes()

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", stop)
    with pytest.raises(KeyboardInterrupt):
        write_audio(path, Audio(np.zeros(10), 16000))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_real_speech_is_read_at_its_own_rate(shared: Path):
    for path in sorted((shared / "metrics/pairs").glob("*.flac"))[:2]:
        audio = read_audio(path)
        # reference_signals.md: 16 kHz, 5 s.
        assert (audio.sample_rate, audio.n_samples) == (16000, 80000)


@pytest.mark.parametrize("kind", ["wav", "aiff", "au", "w64", "flac"])
def test_a_file_that_was_cut_off_is_not_taken_for_a_shorter_one(tmp_path: Path, kind: str):
    # libsndfile reads six tenths of all but FLAC as if they were the whole.
    whole, cut = tmp_path / f"whole.{kind}", tmp_path / f"cut.{kind}"
    noise = 0.1 * np.random.default_rng(0).standard_normal(16000)
    soundfile.write(whole, noise, 16000)
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
    assert read_signal(whole).samples.size == 16000
    with pytest.raises(AudioFormatError, match=r"the end is missing \(40% |not a readable"):
        read_signal(cut)


def test_a_header_that_was_written_to_a_pipe_promises_nothing(tmp_path: Path):
    path = tmp_path / "piped.wav"
    soundfile.write(path, np.zeros(1000, dtype=np.int16), 16000)
    data = bytearray(path.read_bytes())
    data[40:44] = b"\xff\xff\xff\xff"  # the size of the chunk "data", after 36 bytes and its name
    path.write_bytes(data)
    assert read_signal(path).samples.size == 1000


def test_a_header_cannot_ask_for_more_than_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "wide.wav"
    soundfile.write(path, np.zeros((10, 30)), 16000)
    monkeypatch.setattr("codecbench.core.audio_file.MAX_VALUES", 299)
    with pytest.raises(AudioFormatError, match="30 channels of 10 samples"):
        read_signal(path)
