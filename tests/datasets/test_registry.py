"""From a spec to clips: names, paths, lists, plug-ins."""

import pytest

from codecbench.core.errors import ConfigError, DatasetError, UnknownNameError
from codecbench.datasets.registry import DATASETS, get_dataset

PLUGIN = '''
from pathlib import Path
from codecbench.datasets.source import ClipEntry, DatasetSource

class Corpus(DatasetSource):
    """All takes below a folder."""

    def __init__(self, *, root: str, take: int = 1) -> None:
        self.root, self.take = Path(root), take

    def entries(self):
        files = sorted(self.root.glob(f"*_{self.take}.wav"))
        return [ClipEntry(id=f.stem, path=f, tags={"speaker": f.stem[0]}) for f in files]
'''


@pytest.fixture
def takes(tmp_path, make_sound):
    for name in ("a_1", "b_1", "c_1", "a_2"):
        make_sound(tmp_path / "takes" / f"{name}.wav")
    return tmp_path / "takes"


def ids(spec):
    return [clip.id for clip in get_dataset(spec).clips]


def test_demo_is_a_name_with_options():
    assert len(ids("demo")) == 12
    assert len(ids("demo:n=3,seed=0")) == 3
    assert get_dataset("demo:seed=0,n=3").name == "demo:n=3,seed=0"


@pytest.mark.parametrize(
    ("form", "name"),
    [
        ("folder:path={}/takes,n=1", "folder:n=1,path=takes"),
        ("folder:{}/takes?n=1", "folder:n=1,path=takes"),
        ('pool:parts="demo|{0}/takes|folder:path={0}/takes"', "demo|takes|folder:path=takes"),
    ],
)
def test_names_say_nothing_of_where_data_lies(tmp_path, make_sound, form: str, name: str) -> None:
    # They end up in reports and bundles, which go around.
    make_sound(tmp_path / "takes" / "a.wav")
    found = get_dataset(form.format(tmp_path)).name
    assert name in found
    assert str(tmp_path) not in found


def test_a_dataset_passes_through():
    dataset = get_dataset("demo:n=1")
    assert get_dataset(dataset) is dataset


def test_a_folder_with_options_has_a_name_too(takes):
    assert ids(f'folder:path="{takes}",n=4') == ["a_1", "a_2", "b_1", "c_1"]
    assert len(ids(f'folder:path="{takes}",n=2,seed=3')) == 2


def test_paths_give_the_clips_of_folder_manifest_and_file(takes):
    (takes.parent / "list.csv").write_text("file\ntakes/b_1.wav\n")
    assert ids(takes) == ids(str(takes)) == ["a_1", "a_2", "b_1", "c_1"]
    assert get_dataset(takes).name == "takes"
    assert ids(takes.parent / "list.csv") == ["takes/b_1"]
    assert get_dataset(takes.parent / "list.csv").name == "list"
    assert ids(takes / "c_1.wav") == ["c_1"]


def test_a_list_of_files_keeps_its_order(takes, tmp_path, make_sound):
    other = make_sound(tmp_path / "x.wav")
    assert ids([takes / "b_1.wav", str(takes / "a_1.wav"), other]) == [
        "takes/b_1",
        "takes/a_1",
        "x",
    ]


def test_paths_are_relative_to_the_current_folder(takes, monkeypatch):
    monkeypatch.chdir(takes.parent)
    dataset = get_dataset("takes")
    assert all(clip.path.is_absolute() for clip in dataset.clips)
    monkeypatch.chdir(takes)
    assert ids("a_1.wav") == ["a_1"]


def test_a_name_wins_over_a_folder_of_that_name(takes, monkeypatch):
    takes.rename(takes.parent / "demo")
    monkeypatch.chdir(takes.parent)
    assert len(ids("demo")) == 12
    assert len(ids("./demo")) == 4


def test_the_fingerprint_does_not_depend_on_the_place(takes, tmp_path):
    before = get_dataset(takes).fingerprint
    takes.rename(tmp_path / "moved")
    assert get_dataset(tmp_path / "moved").fingerprint == before


def test_a_class_in_a_file_is_a_dataset(takes, tmp_path):
    file = tmp_path / "corpus.py"
    file.write_text(PLUGIN)
    assert ids(f"{file}:Corpus:root={takes}") == ["a_1", "b_1", "c_1"]
    assert ids(f"{file}:Corpus:root={takes},take=2") == ["a_2"]
    assert len(ids(f"{file}:Corpus:root={takes},speakers=2,seed=1")) == 2


def test_other_packages_register_by_entry_point(takes, tmp_path, monkeypatch):
    site = tmp_path / "site"
    info = site / "acme_corpus-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "acme_corpus.py").write_text(PLUGIN)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-corpus\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[codecbench.datasets]\nacme = acme_corpus:Corpus\n")
    monkeypatch.syspath_prepend(str(site))
    assert "acme" in DATASETS.names()
    assert ids(f"acme:root={takes},take=2") == ["a_2"]


@pytest.mark.parametrize(
    ("spec", "error", "words"),
    [
        ("demmo", UnknownNameError, "did you mean demo?"),
        ("demo:m=3", UnknownNameError, "unknown option of 'demo' 'm'"),
        ("demo:per_speeker=3", UnknownNameError, "did you mean per_speaker"),
        ("demo:n=x", ConfigError, "must be int"),
        ("demo:n=1|2", ConfigError, "one value"),
        ("demo:n=99", ConfigError, "which has 12"),
        ("demo:", ConfigError, "ends with ':'"),
        ("demo@16000", ConfigError, "no choice of sample rate"),
        ("folder", ConfigError, "option 'path' of 'folder' must be given"),
        ("", ConfigError, "no dataset given"),
        ([], DatasetError, "empty list"),
    ],
)
def test_refuses_specs_with_a_way_out(spec, error, words):
    with pytest.raises(error) as caught:
        get_dataset(spec)
    assert words in str(caught.value)


def test_hints_at_the_path_that_was_meant(takes, monkeypatch):
    with pytest.raises(DatasetError, match=f"did you mean {takes}"):
        get_dataset(takes.parent / "tokes")
    with pytest.raises(DatasetError, match=f"{takes} exists"):
        get_dataset(takes / "x" / "y.csv")
    with pytest.raises(DatasetError, match=r"did you mean .*a_1\.wav"):
        get_dataset([takes / "a-1.wav"])
    monkeypatch.chdir(takes.parent)
    with pytest.raises(DatasetError, match=f"did you mean {takes}"):
        get_dataset("tekes")


def test_refuses_what_is_no_dataset(takes):
    (takes / "notes.txt").write_text("x")
    with pytest.raises(DatasetError, match="neither a folder nor a manifest nor a sound file"):
        get_dataset(takes / "notes.txt")
    with pytest.raises(DatasetError, match="a list holds sound files only"):
        get_dataset([takes])


def test_the_short_form_means_the_long_one(takes):
    assert get_dataset("demo?n=3&seed=1") == get_dataset("demo:n=3,seed=1")
    assert ids(f"folder:{takes}?n=1") == ids(f'folder:path="{takes}",n=1')
    with pytest.raises(ConfigError, match="'demo' has no use for 'x'"):
        get_dataset("demo:x")
    with pytest.raises(UnknownNameError, match="unknown option of 'demo' 'm'"):
        get_dataset("demo?m=1")
