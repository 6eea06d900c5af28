"""Miniatures of AISHELL-1, MLS, DAPS and EARS, odd entries included."""

import json

import pytest

from codecbench.core.errors import ConfigError, DatasetError, UnknownNameError
from codecbench.datasets.registry import get_dataset


def clips(spec):
    return {clip.id: clip.tags for clip in get_dataset(spec).clips}


@pytest.fixture
def aishell(tmp_path, make_sound):
    base = tmp_path / "data_aishell"
    for name in ("BAC009S0764W0121", "BAC009S0764W0122"):
        make_sound(base / "wav" / "test" / "S0764" / f"{name}.wav")
    transcript = base / "transcript" / "aishell_transcript_v0.8.txt"
    transcript.parent.mkdir()
    transcript.write_text("BAC009S0764W0121 甚至 出现 交易\n", "utf-8")
    info = tmp_path / "resource_aishell" / "speaker.info"
    info.parent.mkdir()
    info.write_text("0763 M\n0764 F\n")
    return tmp_path


def test_aishell_reads_text_where_there_is_one(aishell):
    found = clips(f'aishell:split=test,root="{aishell}"')
    assert found["BAC009S0764W0121"]["text"] == "甚至出现交易"
    assert "text" not in found["BAC009S0764W0122"]
    assert {tags["speaker"] for tags in found.values()} == {"S0764"}
    assert {tags["sex"] for tags in found.values()} == {"F"}
    assert {tags["language"] for tags in found.values()} == {"zh"}


def test_aishell_does_without_the_list_of_speakers(aishell):
    (aishell / "resource_aishell" / "speaker.info").write_text("S0764 M\n")
    assert {tags["sex"] for tags in clips(f'aishell:root="{aishell}"').values()} == {"M"}
    (aishell / "resource_aishell" / "speaker.info").unlink()
    assert all("sex" not in tags for tags in clips(f'aishell:root="{aishell}"').values())


def test_aishell_says_when_its_inner_archives_are_packed(tmp_path):
    wav = tmp_path / "data_aishell" / "wav"
    wav.mkdir(parents=True)
    (wav / "S0002.tar.gz").write_bytes(b"")
    with pytest.raises(DatasetError, match=r"S0002\.tar\.gz, are still packed"):
        clips(f'aishell:root="{tmp_path}"')


@pytest.fixture
def mls(tmp_path, make_sound):
    base = tmp_path / "mls_german"
    for split, name in (("test", "1724_1600_000000"), ("train", "252_1_000009")):
        speaker, book, _ = name.split("_")
        make_sound(base / split / "audio" / speaker / book / f"{name}.flac")
        (base / split / "transcripts.txt").write_text(f"{name}\tguten tag\n")
    limited = base / "train" / "limited_supervision" / "9hr"
    limited.mkdir(parents=True)
    (limited / "handles.txt").write_text("252_1_000009\n")
    (base / "metainfo.txt").write_text(
        " SPEAKER   |   GENDER   | PARTITION  |  MINUTES   |  BOOK ID\n"
        "   1724    |     M      |    test    |   5.1      |   1600\n"
        "    252    |     F      |   train    |   3.1      |   1\n"
    )
    return tmp_path


def test_mls_reads_a_language_with_speakers(mls):
    found = clips(f'mls:language=german,root="{mls}"')
    assert found["1724_1600_000000"] == {
        "corpus": "MLS",
        "licence": "CC-BY-4.0",
        "split": "test",
        "language": "de",
        "speaker": "1724",
        "sex": "M",
        "book": "1600",
        "text": "guten tag",
    }
    assert len(clips(f'mls:language=german,split=train+test,root="{mls}"')) == 2


def test_mls_refuses_the_lossy_edition(mls, monkeypatch):
    (mls / "mls_german").rename(mls / "mls_german_opus")
    monkeypatch.setenv("CODECBENCH_DATA", str(mls))
    with pytest.raises(DatasetError, match="lossy and no reference"):
        clips("mls:german")


def test_mls_refuses_lossy_files_under_the_usual_name(mls):
    flac = mls / "mls_german" / "test" / "audio" / "1724" / "1600" / "1724_1600_000000.flac"
    flac.rename(flac.with_suffix(".opus"))
    with pytest.raises(DatasetError, match="lossy and no reference"):
        clips(f'mls:language=german,root="{mls}"')


def test_mls_needs_a_language_that_it_has(mls):
    with pytest.raises(ConfigError, match="option 'language' of 'mls' must be given"):
        clips("mls")
    with pytest.raises(ConfigError, match="must be one of dutch, english"):
        clips("mls:klingon")


@pytest.fixture
def daps(tmp_path, make_sound):
    for name in ("f10_script4", "m10_script1", "m10_script2"):
        make_sound(
            tmp_path / "daps" / "clean" / f"{name}_clean.wav", seconds=1.05, sample_rate=44100
        )
    make_sound(tmp_path / "daps" / "ipad_balcony1" / "f5_script2_ipad_balcony1.wav")
    (tmp_path / "daps" / "clean" / "._f10_script4_clean.wav").write_bytes(b"\0\5\x16\7")
    return tmp_path


def test_daps_leaves_out_the_companions_of_macos(daps):
    found = clips(f'daps:root="{daps}"')
    assert list(found) == ["f10_script4_clean", "m10_script1_clean", "m10_script2_clean"]
    tags = found["f10_script4_clean"]
    assert (tags["speaker"], tags["sex"], tags["script"]) == ("f10", "F", "4")
    assert tags["licence"] == "CC-BY-NC-4.0"


def test_daps_reads_versions_with_underscores(daps):
    (tags,) = clips(f'daps:version=ipad_balcony1,root="{daps}"').values()
    assert (tags["version"], tags["speaker"]) == ("ipad_balcony1", "f5")


def test_daps_refuses_names_of_another_version(daps, make_sound):
    make_sound(daps / "daps" / "clean" / "f1_script1_produced.wav")
    with pytest.raises(DatasetError, match="expected <speaker>_script<n>_clean"):
        clips(f'daps:root="{daps}"')


def test_daps_by_the_usual_test_speakers(daps):
    assert len(clips(f'daps:root="{daps}",speaker=f10+m10')) == 3
    assert list(clips(f'daps:root="{daps}",speaker=f10')) == ["f10_script4_clean"]
    with pytest.raises(UnknownNameError, match="unknown speaker of 'daps' 'm11'; did you mean m10"):
        clips(f'daps:root="{daps}",speaker=f10+m11')


@pytest.fixture
def ears(tmp_path, make_sound):
    base = tmp_path / "EARS"
    for name in (
        "p102/emo_adoration_sentences",
        "p102/vegetative_sneezing",
        "p001/rainbow_01_fast",
    ):
        make_sound(base / f"{name}.wav", sample_rate=48000)
    (base / "speaker_statistics.json").write_text(
        json.dumps({"p102": {"age": "36-45", "gender": "female"}, "p001": {"gender": "male"}})
    )
    (base / "transcripts.json").write_text(json.dumps({"emo_adoration_sentences": "You're just."}))
    return tmp_path


def test_ears_takes_speech_of_the_benchmark_split(ears):
    found = clips(f'ears:root="{ears}"')
    assert list(found) == ["p102/emo_adoration_sentences"]
    assert found["p102/emo_adoration_sentences"] == {
        "corpus": "EARS",
        "licence": "CC-BY-NC-4.0",
        "split": "test",
        "language": "en",
        "speaker": "p102",
        "sex": "F",
        "style": "emo_adoration_sentences",
        "text": "You're just.",
    }
    assert list(clips(f'ears:split=all,style=any,root="{ears}"')) == [
        "p001/rainbow_01_fast",
        "p102/emo_adoration_sentences",
        "p102/vegetative_sneezing",
    ]


def test_ears_names_the_speakers_that_are_there(ears):
    with pytest.raises(DatasetError, match=r"none of p100–p101 in .*only p001–p102"):
        clips(f'ears:split=valid,root="{ears}"')


def test_ears_does_without_its_lists_but_not_with_broken_ones(ears):
    (ears / "EARS" / "speaker_statistics.json").unlink()
    assert "sex" not in clips(f'ears:root="{ears}"')["p102/emo_adoration_sentences"]
    (ears / "EARS" / "transcripts.json").write_text("[")
    with pytest.raises(DatasetError, match=r"transcripts\.json: cannot be read"):
        clips(f'ears:root="{ears}"')
