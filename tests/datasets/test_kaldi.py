"""Kaldi data folders."""

import pytest
import soundfile

from codecbench.core.errors import DatasetError
from codecbench.datasets.registry import get_dataset


@pytest.fixture
def folder(tmp_path, make_sound, monkeypatch):
    make_sound(tmp_path / "wav" / "a b.wav", seconds=1.0)
    make_sound(tmp_path / "wav" / "c.wav", seconds=0.5, seed=1)
    data = tmp_path / "data"
    data.mkdir()
    (data / "wav.scp").write_text(f"utt1 {tmp_path}/wav/a b.wav\nutt2 wav/c.wav\n")
    (data / "utt2spk").write_text("utt1 spk1\nutt2 spk2\n")
    (data / "spk2gender").write_text("spk1 f\nspk2 m\n")
    (data / "text").write_text("utt1 HELLO THERE\nutt2\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return data


def test_reads_recordings_with_their_companions(folder):
    dataset = get_dataset(f"kaldi:path={folder},language=en")
    assert [clip.id for clip in dataset.clips] == ["utt1", "utt2"]
    assert dataset.clips[0].tags == {
        "speaker": "spk1",
        "sex": "F",
        "language": "en",
        "text": "HELLO THERE",
    }
    assert all(not clip.problem for clip in dataset.clips)
    assert get_dataset(f"kaldi:{folder}/wav.scp").clips[1].id == "utt2"


def test_relative_paths_start_from_base(folder, monkeypatch):
    monkeypatch.chdir("/")
    assert get_dataset(f"kaldi:{folder}").clips[1].problem
    assert not get_dataset(f"kaldi:path={folder},base={folder.parent}").clips[1].problem


def test_segments_are_clips_of_their_own(folder):
    (folder / "segments").write_text("seg1 utt1 0.25 0.75\nseg2 utt1 0.5 1.0\n")
    first, second = get_dataset(f"kaldi:{folder}").clips
    samples, _ = soundfile.read(folder.parent / "wav" / "a b.wav", dtype="float32")
    kept, rate = soundfile.read(first.path, dtype="float32")
    assert (first.id, first.seconds, rate) == ("seg1", 0.5, 16000)
    assert (kept == samples[4000:12000]).all()
    assert first.sha256 != second.sha256


def test_a_segment_past_the_end_is_a_clip_with_a_problem(folder):
    (folder / "segments").write_text("seg1 utt1 0.9 1.1\n")
    (clip,) = get_dataset(f"kaldi:{folder}").clips
    assert "ends at 1 s, before 1.1 s" in clip.problem


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("wav.scp", "utt1 sph2pipe -f wav x.sph |\n", "is a command, not a file"),
        ("wav.scp", "utt1 raw_wav.ark:1234\n", "lies in an archive"),
        ("wav.scp", "utt1\n", "has no path"),
        ("wav.scp", "utt1 a\nutt1 b\n", "stands twice"),
        ("wav.scp", "\n", "holds no entries"),
        ("segments", "seg1 utt1 0.5\n", "expected 'utterance recording start end'"),
        ("segments", "seg1 utt9 0 1\n", "'utt9' is not in wav.scp"),
        ("segments", "seg1 utt1 1 0.5\n", "ends before it begins"),
        ("segments", "seg1 utt1 nan 0.5\n", "ends before it begins"),
        ("segments", "s utt1 0 1\ns utt1 0 1\n", "stands twice"),
    ],
)
def test_refuses_what_cannot_be_right(folder, name, text, words):
    (folder / name).write_text(text)
    with pytest.raises(DatasetError, match=words):
        get_dataset(f"kaldi:{folder}")


def test_runs_no_command(folder, tmp_path):
    (folder / "wav.scp").write_text(f"utt1 touch {tmp_path}/ran |\n")
    with pytest.raises(DatasetError):
        get_dataset(f"kaldi:{folder}")
    assert not (tmp_path / "ran").exists()
