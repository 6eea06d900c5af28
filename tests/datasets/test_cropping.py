"""Fixed-length crops with their own identity."""

import numpy as np
import pytest
import soundfile

from codecbench.core.errors import ConfigError, DatasetError
from codecbench.core.fingerprint import hash_pcm
from codecbench.datasets.registry import get_dataset


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "data"


def write(folder, name, samples, *, subtype="PCM_16", sample_rate=16000):
    folder.mkdir(exist_ok=True)
    soundfile.write(folder / name, samples, sample_rate, subtype=subtype)
    return soundfile.read(folder / name, dtype="float32")[0]


def noise(seconds, seed=0):
    return 0.1 * np.random.default_rng(seed).standard_normal(round(16000 * seconds))


def test_crops_are_consecutive_and_exact(folder):
    whole = write(folder, "a.wav", noise(1.3))
    write(folder, "short.wav", noise(0.4))
    clips = get_dataset(f'folder:path="{folder}",crop_s=0.5').clips
    assert [clip.id for clip in clips] == ["a@0-0.5s", "a@0.5-1s"]
    for number, clip in enumerate(clips):
        part = whole[8000 * number : 8000 * (number + 1)]
        kept, rate = soundfile.read(clip.path, dtype="float32")
        assert np.array_equal(kept, part)
        assert clip.sha256 == hash_pcm(part, rate)
        assert (clip.seconds, clip.sample_rate) == (0.5, 16000)
        assert clip.path.suffix == ".flac"


def test_a_file_of_exactly_the_length_is_one_crop(folder):
    write(folder, "a.wav", noise(0.7))
    (clip,) = get_dataset(f'folder:path="{folder}",crop_s=0.7').clips
    assert clip.seconds == 0.7


@pytest.mark.parametrize("subtype", ["FLOAT", "PCM_24"])
def test_what_16_bit_cannot_hold_is_kept_as_it_is(folder, subtype):
    whole = write(folder, "a.wav", noise(0.5), subtype=subtype)
    whole_nan = write(folder, "b.wav", np.full(8000, np.nan), subtype="FLOAT")
    first, second = get_dataset(f'folder:path="{folder}",crop_s=0.5').clips
    assert np.array_equal(soundfile.read(first.path, dtype="float32")[0], whole)
    assert second.sha256 == hash_pcm(whole_nan, 16000)
    assert second.problem == ""


def test_full_scale_is_kept_exactly(folder):
    extremes = np.tile(np.array([-32768, 32767], dtype=np.int16), 100)
    whole = write(folder, "a.wav", extremes)
    (clip,) = get_dataset(f'folder:path="{folder}",crop_s=0.0125').clips
    assert np.array_equal(soundfile.read(clip.path, dtype="float32")[0], whole)


def test_a_float_of_plus_one_does_not_wrap_around(folder):
    # 1.0 times 32768 is one more than 16 bit can say.
    whole = write(folder, "a.wav", np.array([1.0, -1.0, 0.5, 0.0]), subtype="FLOAT")
    (clip,) = get_dataset(f'folder:path="{folder}",crop_s=0.00025').clips
    assert np.array_equal(soundfile.read(clip.path, dtype="float32")[0], whole)


def test_stereo_is_mixed_down_before_it_is_cut(folder):
    stereo = np.stack([noise(0.5, 1), noise(0.5, 2)], axis=1)
    whole = write(folder, "a.wav", stereo)
    (clip,) = get_dataset(f'folder:path="{folder}",crop_s=0.5').clips
    assert clip.channels == 2
    kept = soundfile.read(clip.path, dtype="float32")[0]
    assert np.allclose(kept, whole.mean(axis=1), atol=1e-7)


def test_samples_are_drawn_from_the_crops(folder):
    write(folder, "a.wav", noise(3.0))
    clips = get_dataset(f'folder:path="{folder}",crop_s=0.5,n=2,seed=1').clips
    assert len(clips) == 2
    assert {clip.seconds for clip in clips} == {0.5}


def test_an_unreadable_file_stays_visible(folder):
    write(folder, "a.wav", noise(0.5))
    (folder / "b.wav").write_bytes(b"nothing")
    clips = get_dataset(f'folder:path="{folder}",crop_s=0.5').clips
    assert [bool(clip.problem) for clip in clips] == [False, True]


def test_equal_content_is_kept_once(folder, tmp_path):
    write(folder, "a.wav", noise(0.5))
    spec = f'folder:path="{folder}",crop_s=0.5'
    before = get_dataset(spec)
    stamp = before.clips[0].path.stat().st_mtime_ns
    assert get_dataset(spec) == before
    assert before.clips[0].path.stat().st_mtime_ns == stamp
    assert [path.name[:1] for path in (tmp_path / "cache").rglob("*.*")] != ["."]


def test_refuses_lengths_that_leave_nothing(folder):
    write(folder, "a.wav", noise(0.5))
    with pytest.raises(DatasetError, match="lower crop_s"):
        get_dataset(f'folder:path="{folder}",crop_s=10')
    with pytest.raises(ConfigError, match="crop_s must be positive"):
        get_dataset(f'folder:path="{folder}",crop_s=0')
