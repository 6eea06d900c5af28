"""Making clips from files of every kind, readable or not."""

import hashlib
import sys

import numpy as np
import pytest
import soundfile

from codecbench.datasets.clip_reading import read_clip, read_clips
from codecbench.datasets.source import ClipEntry


def entry(path, **tags):
    return ClipEntry(id=path.stem, path=path, tags=tags)


def test_hash_is_of_rate_and_mono_float32_samples(tmp_path):
    # By hand: three 16-bit samples over 32768 are exact in float32.
    path = tmp_path / "a.wav"
    soundfile.write(path, np.array([0, 16384, -32768], dtype=np.int16), 8000)
    expected = hashlib.sha256(b"8000:" + np.array([0, 0.5, -1.0], dtype="<f4").tobytes())
    clip = read_clip(entry(path, speaker="x"))
    assert clip.sha256 == expected.hexdigest()
    assert (clip.sample_rate, clip.seconds, clip.channels) == (8000, 3 / 8000, 1)
    assert clip.problem == ""
    assert clip.tags == {"speaker": "x"}


def test_mixes_stereo_down_by_the_mean_and_records_it(tmp_path):
    stereo, mono = tmp_path / "stereo.wav", tmp_path / "mono.wav"
    soundfile.write(stereo, np.array([[8192, 0], [0, -16384]], dtype=np.int16), 16000)
    soundfile.write(mono, np.array([4096, -8192], dtype=np.int16), 16000)
    first, second = read_clips([entry(stereo), entry(mono)])
    assert first.sha256 == second.sha256
    assert (first.channels, second.channels) == (2, 1)


def test_equal_content_in_wav_and_flac_has_one_hash(tmp_path):
    samples = (1000 * np.random.default_rng(1).standard_normal(4000)).astype(np.int16)
    for name in ("a.wav", "a.flac"):
        soundfile.write(tmp_path / name, samples, 44100)
    wav, flac = read_clips([entry(tmp_path / "a.wav"), entry(tmp_path / "a.flac")])
    assert wav.sha256 == flac.sha256
    assert flac.sample_rate == 44100
    assert flac.seconds == pytest.approx(4000 / 44100)


@pytest.mark.parametrize("suffix", ["mp3", "ogg"])
def test_reads_lossy_formats(tmp_path, make_sound, suffix):
    clip = read_clip(entry(make_sound(tmp_path / f"a.{suffix}", seconds=0.5, sample_rate=44100)))
    assert clip.problem == ""
    assert clip.sample_rate == 44100
    assert clip.seconds == pytest.approx(0.5, abs=0.06)


def test_silence_nan_and_nothing_are_left_to_screening(tmp_path):
    for name, samples in (
        ("silent.wav", np.zeros(100)),
        ("nan.wav", np.full(100, np.nan)),
        ("empty.wav", np.zeros(0)),
    ):
        soundfile.write(tmp_path / name, samples, 16000, subtype="FLOAT")
        clip = read_clip(entry(tmp_path / name))
        assert clip.problem == ""
        assert len(clip.sha256) == 64


@pytest.mark.parametrize("content", [b"", b"RIFF", b"RIFF\xff\xff\xff\xffWAVEfmt ", b"fLaC" * 40])
def test_what_is_no_sound_is_a_clip_with_a_problem(tmp_path, content):
    path = tmp_path / "broken.wav"
    path.write_bytes(content)
    clip = read_clip(entry(path))
    assert "broken.wav" in clip.problem
    assert (clip.sample_rate, clip.seconds, clip.sha256) == (0, 0.0, "")


@pytest.mark.parametrize("name", ["absent.wav", "x" * 5000 + ".wav", "folder.wav"])
def test_what_is_not_there_is_a_clip_with_a_problem(tmp_path, name):
    (tmp_path / "folder.wav").mkdir()
    assert read_clip(ClipEntry(id="x", path=tmp_path / name)).problem


def test_order_is_kept_over_threads(tmp_path, make_sound):
    entries = [
        entry(make_sound(tmp_path / f"{n}.wav", seconds=(40 - n) / 40, seed=n)) for n in range(40)
    ]
    previous = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        clips = read_clips(entries)
    finally:
        sys.setswitchinterval(previous)
    assert [clip.id for clip in clips] == [item.id for item in entries]
    assert clips == tuple(read_clip(item) for item in entries)
