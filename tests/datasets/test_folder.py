"""Folders of sound files, with and without a manifest."""

import pytest

from codecbench.core.errors import DatasetError
from codecbench.datasets.folder import FolderSource


def ids(folder):
    return [entry.id for entry in FolderSource(path=str(folder)).entries()]


def test_finds_files_at_any_depth_in_sorted_order(tmp_path, make_sound):
    for name in ("b.wav", "a/z.FLAC", "a/b/c.ogg", "a b.mp3"):
        make_sound(tmp_path / name)
    (tmp_path / "notes.txt").write_text("not a sound")
    # Sorted part by part, so that a folder's files stay together: "a" before "a b.mp3".
    assert ids(tmp_path) == ["a/b/c", "a/z", "a b", "b"]


def test_hidden_files_and_folders_are_left_out(tmp_path, make_sound):
    for name in ("a.wav", "._a.wav", ".cache/b.wav"):
        make_sound(tmp_path / name)
    assert ids(tmp_path) == ["a"]


def test_follows_links_to_folders_once(tmp_path, make_sound):
    make_sound(tmp_path / "elsewhere" / "a.wav")
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path / "elsewhere")
    (folder / "loop").symlink_to(folder)
    assert ids(folder) == ["link/a"]


def test_uses_the_manifest_and_only_its_clips(tmp_path, make_sound):
    for name in ("b.wav", "a.wav", "c.wav"):
        make_sound(tmp_path / name)
    (tmp_path / "manifest.csv").write_text("file,speaker\nb.wav,x\na.wav,y\n")
    assert ids(tmp_path) == ["b", "a"]


def test_refuses_two_manifests(tmp_path):
    (tmp_path / "manifest.csv").write_text("file\na.wav\n")
    (tmp_path / "manifest.jsonl").write_text('{"file": "a.wav"}\n')
    with pytest.raises(DatasetError, match=r"manifest\.csv and manifest\.jsonl"):
        ids(tmp_path)


def test_refuses_files_that_differ_only_in_suffix(tmp_path, make_sound):
    for name in ("x/a.wav", "x/a.flac"):
        make_sound(tmp_path / name)
    with pytest.raises(DatasetError, match=r"a\.flac and a\.wav would both be the clip 'x/a'"):
        ids(tmp_path)


def test_refuses_an_empty_and_a_missing_folder(tmp_path):
    with pytest.raises(DatasetError, match="holds no sound files"):
        ids(tmp_path)
    with pytest.raises(DatasetError, match="no such folder"):
        ids(tmp_path / "absent")
