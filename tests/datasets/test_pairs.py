"""Pair lists and paired folders."""

import dataclasses

import pytest

from codecbench.core.errors import DatasetError
from codecbench.datasets.pairs import get_pairs, read_pair_list


@pytest.fixture
def folders(tmp_path, make_sound):
    for name in ("ref/a.wav", "ref/x/b.wav", "deg/a.flac", "deg/x/b.ogg"):
        make_sound(tmp_path / name)
    return tmp_path / "ref", tmp_path / "deg"


def test_pairs_folders_by_relative_path_without_suffix(folders):
    reference, degraded = folders
    pairs = get_pairs(reference, degraded)
    assert [pair.id for pair in pairs] == ["a", "x/b"]
    assert pairs[1].reference == reference / "x" / "b.wav"
    assert pairs[1].degraded == degraded / "x" / "b.ogg"


def test_names_what_is_unpaired_on_either_side(folders, make_sound):
    reference, degraded = folders
    make_sound(reference / "lost.wav")
    for number in range(5):
        make_sound(degraded / f"new{number}.wav")
    with pytest.raises(DatasetError) as caught:
        get_pairs(reference, degraded)
    assert f"lost only in {reference}" in str(caught.value)
    assert f"new0, new1, new2 and 2 more only in {degraded}" in str(caught.value)


def test_near_names_are_not_paired(tmp_path, make_sound):
    make_sound(tmp_path / "ref" / "clip_1.wav")
    make_sound(tmp_path / "deg" / "clip_10.wav")
    with pytest.raises(DatasetError, match="unpaired"):
        get_pairs(tmp_path / "ref", tmp_path / "deg")


def test_refuses_an_ambiguous_partner(folders, make_sound):
    reference, degraded = folders
    make_sound(degraded / "a.wav")
    with pytest.raises(DatasetError, match=r"a\.flac and a\.wav would both be the clip 'a'"):
        get_pairs(reference, degraded)


def test_refuses_empty_folders(tmp_path):
    for name in ("ref", "deg"):
        (tmp_path / name).mkdir()
    with pytest.raises(DatasetError, match="hold no sound files"):
        get_pairs(tmp_path / "ref", tmp_path / "deg")


def test_pairs_two_files(folders):
    reference, degraded = folders
    (pair,) = get_pairs(str(reference / "a.wav"), str(degraded / "a.flac"))
    assert (pair.id, pair.degraded) == ("a", degraded / "a.flac")


@pytest.mark.parametrize(
    ("second", "words"),
    [("deg", "two folders or two files"), ("absent.wav", "no such file"), ("n.txt", "no sound")],
)
def test_refuses_paths_of_different_kinds(folders, tmp_path, second, words):
    (tmp_path / "n.txt").write_text("x")
    with pytest.raises(DatasetError, match=words):
        get_pairs(folders[0] / "a.wav", tmp_path / second)


def test_list_gives_tags_and_repeats_references(folders, tmp_path):
    path = tmp_path / "pairs.csv"
    path.write_text("reference,degraded,codec\nref/a.wav,deg/a.flac,x\nref/a.wav,deg/x/b.ogg,y\n")
    pairs = get_pairs(path)
    assert [pair.id for pair in pairs] == ["deg/a", "deg/x/b"]
    assert pairs[0].reference == pairs[1].reference == folders[0] / "a.wav"
    assert pairs[1].tags == {"codec": "y"}
    with pytest.raises(dataclasses.FrozenInstanceError):
        pairs[0].id = "z"


def test_a_single_lost_output_stays_in_the_list(folders, tmp_path):
    path = tmp_path / "pairs.csv"
    path.write_text("reference,degraded\nref/a.wav,deg/a.flac\nref/x/b.wav,deg/lost.wav\n")
    assert [pair.degraded.exists() for pair in read_pair_list(path)] == [True, False]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("reference,other\nref/a.wav,x\n", "no value for 'degraded'"),
        ("reference,degraded\nref/absent.wav,deg/a.flac\n", "line 2: no such file"),
        ("reference,degraded\nref/a.wav,a.flac\n", "none of the degraded files exists"),
        ("reference,degraded\nref/a.wav,deg/a.flac\nref/a.wav,deg/a.flac\n", "stands twice"),
    ],
)
def test_refuses_malformed_lists(folders, tmp_path, text, words):
    path = tmp_path / "pairs.csv"
    path.write_text(text)
    with pytest.raises(DatasetError, match=words):
        read_pair_list(path)
