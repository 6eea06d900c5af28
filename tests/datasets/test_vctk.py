"""Miniatures of VCTK 0.92 and 0.80, odd entries included."""

import pytest

from codecbench.core.errors import DatasetError
from codecbench.datasets.registry import get_dataset

INFO_092 = """ID  AGE  GENDER  ACCENTS  REGION COMMENTS
p225  23  F    English    Southern  England
p280  25  F    French     France (mic2 files unavailable)
p315  18  M    American   New England (mic2 files unavailable)
p376  22  M    Indian
s5  F British
"""
INFO_080 = "ID  AGE  GENDER  ACCENTS  REGION\n225  23  F    English    Southern  England\n"


@pytest.fixture
def vctk_092(tmp_path, make_sound):
    base = tmp_path / "VCTK-Corpus-0.92"
    names = ["p225_001_mic1", "p225_001_mic2", "p225_002_mic1", "p280_001_mic1", "p315_001_mic1"]
    for name in [*names, "p376_001_mic1", "p376_001_mic2", "s5_001_mic1", "s5_001_mic2"]:
        make_sound(base / "wav48_silence_trimmed" / name.split("_")[0] / f"{name}.flac")
    (base / "wav48_silence_trimmed" / "log.txt").write_text("not a sound")
    for name in ("p225_001", "p280_001"):
        path = base / "txt" / name.split("_")[0] / f"{name}.txt"
        path.parent.mkdir(parents=True)
        path.write_text("Please call Stella.\n")
    (base / "speaker-info.txt").write_text(INFO_092)
    return tmp_path


def tags(spec, name):
    return {clip.id: clip.tags.get(name) for clip in get_dataset(spec).clips}


def test_takes_the_second_microphone_and_the_first_where_that_failed(vctk_092):
    # p225_002 has no second microphone though its speaker has: it is left out, not mixed in.
    assert tags(f'vctk:root="{vctk_092}"', "microphone") == {
        "p225_001": "mic2",
        "p280_001": "mic1",
        "p315_001": "mic1",
        "p376_001": "mic2",
        "s5_001": "mic2",
    }
    assert len(tags(f'vctk:root="{vctk_092}",mic=mic1', "microphone")) == 6


def test_reads_speakers_though_columns_move(vctk_092):
    spec = f'vctk:root="{vctk_092}"'
    assert list(tags(spec, "sex").values()) == ["F", "F", "M", "M", "F"]
    assert list(tags(spec, "accent").values()) == [
        "English", "French", "American", "Indian", "British",
    ]  # fmt: skip
    assert tags(spec, "text")["p225_001"] == "Please call Stella."
    assert tags(spec, "text")["p315_001"] is None
    assert set(tags(spec, "licence").values()) == {"CC-BY-4.0"}


def test_unpacked_without_a_top_folder_it_is_found_too(vctk_092):
    assert len(tags(f'vctk:root="{vctk_092 / "VCTK-Corpus-0.92"}"', "speaker")) == 5


def test_reads_the_older_version_with_its_licence(tmp_path, make_sound):
    base = tmp_path / "VCTK-Corpus"
    make_sound(base / "wav48" / "p225" / "p225_001.wav", sample_rate=48000)
    (base / "speaker-info.txt").write_text(INFO_080)
    (clip,) = get_dataset(f'vctk:root="{tmp_path}"').clips
    assert (clip.tags["sex"], clip.tags["licence"]) == ("F", "ODC-By-1.0")
    assert "microphone" not in clip.tags


def test_refuses_a_folder_without_it(tmp_path):
    with pytest.raises(DatasetError, match=r"no VCTK-Corpus-0\.92/wav48_silence_trimmed"):
        get_dataset(f'vctk:root="{tmp_path}"')
