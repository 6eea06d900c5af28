"""Manifests of one's own and of strangers."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codecbench.core.errors import DatasetError
from codecbench.datasets.base import Dataset
from codecbench.datasets.manifest import ManifestSource
from codecbench.datasets.registry import get_dataset


def entries(path):
    return ManifestSource(path=str(path)).entries()


def test_every_other_column_is_a_tag(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text("speaker,file,licence,sex\np1,x/a.wav,CC0-1.0,F\np2,b.flac,MIT,\n")
    first, second = entries(path)
    assert (first.id, first.path) == ("x/a", tmp_path / "x" / "a.wav")
    assert first.tags == {"speaker": "p1", "licence": "CC0-1.0", "sex": "F"}
    assert second.tags == {"speaker": "p2", "licence": "MIT"}


def test_json_lines_with_path_and_id(tmp_path):
    path = tmp_path / "m.jsonl"
    path.write_text('{"path": "a.wav", "id": "one", "take": 1}\n')
    (entry,) = entries(path)
    assert (entry.id, entry.path.name, entry.tags) == ("one", "a.wav", {"take": "1"})


def test_missing_and_broken_files_become_clips_with_problems(tmp_path, make_sound):
    make_sound(tmp_path / "good.wav")
    (tmp_path / "broken.wav").write_bytes(b"nothing")
    path = tmp_path / "m.csv"
    path.write_text("file\ngood.wav\nabsent.wav\nbroken.wav\n")
    clips = get_dataset(path).clips
    assert [bool(clip.problem) for clip in clips] == [False, True, True]
    assert "no such file" in clips[1].problem
    assert "not a readable sound file" in clips[2].problem


def test_paths_out_of_the_folder_are_followed_where_they_exist(tmp_path, make_sound):
    sound = make_sound(tmp_path / "sounds" / "a.wav")
    path = tmp_path / "lists" / "m.csv"
    path.parent.mkdir()
    path.write_text(f"file,id\n../sounds/a.wav,\n{sound},absolute\n")
    first, second = entries(path)
    assert first.id == "sounds/a"
    assert first.path.samefile(sound)
    assert second.path == sound


@pytest.mark.parametrize("name", ["../absent.wav", "/absent/b.wav", "x/../../absent.wav"])
def test_paths_out_of_the_folder_must_exist(tmp_path, name):
    path = tmp_path / "m.csv"
    path.write_text(f"file\n{name}\n")
    with pytest.raises(DatasetError, match="line 2: no such file"):
        entries(path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name,speaker\na.wav,x\n", "no value for 'file' or 'path'; found name, speaker"),
        ("file,path\na.wav,b.wav\n", "both 'file' and 'path'"),
        ("file\na.wav\nb/../a.flac\n", "line 3: id 'a' stands twice"),
        ("file,id\na.wav,1\nb.wav,1\n", "id '1' stands twice"),
        ("file,speaker\n,x\n", "no value for 'file'"),
    ],
)
def test_refuses_malformed_manifests_in_one_line(tmp_path, text, words):
    path = tmp_path / "m.csv"
    path.write_text(text)
    with pytest.raises(DatasetError) as caught:
        entries(path)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_reads_a_manifest_of_real_speech(shared):
    dataset = get_dataset(shared / "speech" / "eval")
    # Facts of the set: speech/README.md of the fixtures.
    assert len(dataset.clips) == 64
    assert {clip.sample_rate for clip in dataset.clips} == {16000}
    assert all(clip.channels == 1 and not clip.problem for clip in dataset.clips)
    assert len({clip.tags["speaker"] for clip in dataset.clips}) == 39
    assert sum(clip.tags["language"] == "en" for clip in dataset.clips) == 43
    assert sum(clip.tags["licence"] == "CC-BY-4.0" for clip in dataset.clips) == 32
    for clip in dataset.clips:
        assert clip.seconds == pytest.approx(float(clip.tags["seconds"]), abs=5e-4)


def fuzz_values():
    return st.one_of(
        st.sampled_from(["a.wav", "../a.wav", "/", ".", "..", "", "~", "a" * 300 + ".wav"]),
        st.text(max_size=20),
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.lists(st.integers(), max_size=2),
    )


def fuzz_tables():
    columns = st.sampled_from(["file", "path", "id", "speaker", "", "licence"])
    objects = st.dictionaries(columns, fuzz_values(), max_size=4).map(json.dumps)
    lines = st.lists(st.one_of(objects, st.text(max_size=30)), max_size=5).map("\n".join)
    cells = st.lists(st.text(alphabet='a.w/,"\n\r\t é\x00\ud800', max_size=8), max_size=4)
    csv_lines = st.lists(cells.map(",".join), max_size=5)
    tables = st.tuples(st.sampled_from(["file", "file,id", "path,x,y", "x"]), csv_lines).map(
        lambda parts: "\n".join([parts[0], *parts[1]])
    )
    texts = st.one_of(lines, tables).map(lambda text: text.encode("utf-8", "surrogatepass"))
    return st.one_of(texts, st.binary(max_size=60))


@settings(max_examples=400, deadline=None)
@given(content=fuzz_tables(), suffix=st.sampled_from([".csv", ".jsonl"]))
def test_any_bytes_give_a_dataset_or_a_dataset_error(tmp_path_factory, content, suffix):
    folder = tmp_path_factory.getbasetemp() / "fuzz"
    folder.mkdir(exist_ok=True)
    (folder / "a.wav").write_bytes(b"no sound")
    path = folder / f"m{suffix}"
    path.write_bytes(content)
    try:
        dataset = get_dataset(path)
    except DatasetError as error:
        assert "\n" not in str(error)  # noqa: PT017  (either outcome is right)
    else:
        assert isinstance(dataset, Dataset)
        for clip in dataset.clips:
            assert clip.id.encode("utf-8").strip()
