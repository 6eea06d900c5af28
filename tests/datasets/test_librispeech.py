"""A miniature of LibriSpeech and of LibriTTS, odd entries included."""

import pytest

from codecbench.core.errors import DatasetError
from codecbench.datasets.registry import get_dataset

# The header and the odd name are those of the real list.
SPEAKERS = """;
; ID  |SEX| SUBSET           |MINUTES| NAME
60    | M | train-clean-100  | 20.18 | |CBW|Simon
84    | F | dev-clean        | 8.02  | Christie Nowak
1272  | M | dev-clean        | 8.04  | John Rose
"""


@pytest.fixture
def root(tmp_path, make_sound, monkeypatch):
    base = tmp_path / "LibriSpeech"
    for speaker, chapter, count in (("84", "121123", 2), ("1272", "128104", 1)):
        folder = base / "dev-clean" / speaker / chapter
        lines = []
        for number in range(count):
            name = f"{speaker}-{chapter}-{number:04d}"
            make_sound(folder / f"{name}.flac", seed=number)
            lines.append(f"{name} THE TEXT {number}\n")
        (folder / f"{speaker}-{chapter}.trans.txt").write_text("".join(lines))
    make_sound(base / "train-clean-100" / "60" / "1" / "60-1-0000.flac")
    (base / "SPEAKERS.TXT").write_text(SPEAKERS)
    monkeypatch.setenv("CODECBENCH_DATA", str(tmp_path))
    return tmp_path


def test_reads_a_split_with_speakers_and_text(root):
    clips = get_dataset("librispeech:split=dev-clean").clips
    assert [clip.id for clip in clips] == ["1272-128104-0000", "84-121123-0000", "84-121123-0001"]
    assert clips[2].tags == {
        "corpus": "LibriSpeech",
        "licence": "CC-BY-4.0",
        "split": "dev-clean",
        "language": "en",
        "speaker": "84",
        "sex": "F",
        "chapter": "121123",
        "text": "THE TEXT 1",
    }


def test_a_name_with_the_separator_in_it_does_not_shift_the_columns(root):
    (clip,) = get_dataset("librispeech:train-clean-100").clips
    assert clip.tags["sex"] == "M"
    assert "text" not in clip.tags


def test_several_splits_and_the_short_form(root):
    long = get_dataset("librispeech:split=dev-clean+train-clean-100,n=3,seed=7")
    short = get_dataset("librispeech:dev-clean+train-clean-100?n=3&seed=7")
    assert long == short
    assert len(long.clips) == 3
    assert len(get_dataset("librispeech:dev-clean?speakers=1").clips) in (1, 2)
    assert {c.tags["speaker"] for c in get_dataset("librispeech:dev-clean?speaker=84").clips} == {
        "84"
    }


@pytest.mark.parametrize("inside", [".", "LibriSpeech"])
def test_root_is_the_corpus_or_the_folder_around_it(root, inside, monkeypatch):
    monkeypatch.setenv("CODECBENCH_DATA", "/nowhere")
    spec = f'librispeech:split=dev-clean,root="{root / inside}"'
    assert len(get_dataset(spec).clips) == 3


def test_a_missing_split_names_those_that_are_there(root):
    with pytest.raises(DatasetError, match=r"no test-clean in .*only dev-clean, train-clean-100"):
        get_dataset("librispeech")


def test_a_missing_corpus_says_where_it_was_looked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("CODECBENCH_DATA", str(tmp_path))
    with pytest.raises(DatasetError, match=r"CODECBENCH_DATA.*https://www\.openslr\.org/12/"):
        get_dataset("librispeech")


def test_without_anything_set_the_user_folder_is_looked_at(tmp_path, monkeypatch):
    monkeypatch.delenv("CODECBENCH_DATA", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    with pytest.raises(DatasetError, match=str(tmp_path / "codecbench")):
        get_dataset("librispeech")


@pytest.fixture
def libritts(tmp_path, make_sound):
    for top in ("LibriTTS", "LibriTTS_R"):
        folder = tmp_path / top / "test-clean" / "84" / "121123"
        name = "84_121123_000007_000001"
        make_sound(folder / f"{name}.wav", sample_rate=24000)
        (folder / f"{name}.normalized.txt").write_text("Doctor Who.")
        (folder / "84_121123.trans.tsv").write_text(f"{name}\tDr. Who.\tDoctor Who.\n")
    (tmp_path / "LibriTTS" / "SPEAKERS.txt").write_text(SPEAKERS)
    (tmp_path / "LibriTTS_R" / "speakers.tsv").write_text(
        "READER\tGENDER\tSUBSET\tNAME\n84\tF\tx\ty\n"
    )
    return tmp_path


@pytest.mark.parametrize(
    ("options", "corpus"), [("", "LibriTTS"), (",edition=restored", "LibriTTS-R")]
)
def test_reads_libritts_and_its_restored_edition(libritts, options, corpus):
    (clip,) = get_dataset(f'libritts:split=test-clean,root="{libritts}"{options}').clips
    assert (clip.id, clip.sample_rate) == ("84_121123_000007_000001", 24000)
    found = {key: clip.tags[key] for key in ("corpus", "speaker", "sex", "text", "chapter")}
    assert found == {
        "corpus": corpus,
        "speaker": "84",
        "sex": "F",
        "text": "Doctor Who.",
        "chapter": "121123",
    }
