"""Fetching corpora from a server on this machine, one that misbehaves on demand."""

import hashlib
import io
import json
import logging
import tarfile
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from codecbench.core.errors import ChecksumError, DatasetError, UnknownNameError
from codecbench.datasets.catalogue import PACKAGES, Archive, Package
from codecbench.datasets.download import available, fetch, fetched, verify
from codecbench.datasets.receipt import receipt_path
from codecbench.datasets.registry import DATASETS, get_dataset


def sound(seed):
    buffer = io.BytesIO()
    samples = 0.1 * np.random.default_rng(seed).standard_normal(8000)
    soundfile.write(buffer, samples, 16000, format="FLAC")
    return buffer.getvalue()


def tar_gz(members):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


MEMBERS = {
    "LibriSpeech/SPEAKERS.TXT": b"84 | F | test-clean | 8.02 | A Name\n",
    "LibriSpeech/test-clean/84/1/84-1-0000.flac": sound(0),
    "LibriSpeech/test-clean/84/1/84-1-0001.flac": sound(1),
}


@pytest.fixture
def package(site):
    return serve(site, tar_gz(MEMBERS))


def serve(site, data, file_name="test-clean.tar.gz", **changes):
    site.files[f"/{file_name}"] = data
    archive = Archive(
        url=f"{site.url}/{file_name}", md5=hashlib.md5(data).hexdigest(), size=len(data)
    )
    return Package(
        **{
            "name": "librispeech:test-clean",
            "title": "A miniature",
            "licence": "CC-BY-4.0",
            "licence_url": "https://creativecommons.org/licenses/by/4.0/",
            "homepage": site.url,
            "archives": (archive,),
        }
        | changes
    )


def get(package, root, **options):
    return fetch(package, root, pause_s=0.0, **options)


def leftovers(root):
    return sorted(
        path.name for path in root.rglob("*") if path.is_file() and path.suffix != ".lock"
    )


def test_fetches_what_the_dataset_of_that_name_reads(package, tmp_path, caplog):
    seen = []
    with caplog.at_level(logging.INFO):
        receipt = get(package, tmp_path, progress=lambda *step: seen.append(step))
    assert "licence CC-BY-4.0" in caplog.text
    dataset = get_dataset(f'librispeech:split=test-clean,root="{tmp_path}"')
    assert [clip.id for clip in dataset.clips] == ["84-1-0000", "84-1-0001"]
    assert dataset.clips[0].tags["sex"] == "F"
    size = package.archives[0].size
    assert seen[-1] == ("test-clean.tar.gz", size, size)
    assert leftovers(tmp_path / ".codecbench") == ["librispeech-test-clean.json"]
    assert receipt.sources[0].verified
    assert receipt.sources[0].sha256 == hashlib.sha256(tar_gz(MEMBERS)).hexdigest()


def test_records_the_licence_and_lists_what_is_there(package, tmp_path):
    assert fetched(tmp_path) == []
    receipt = get(package, tmp_path)
    assert fetched(tmp_path) == [receipt]
    record = json.loads(receipt_path(tmp_path, package.name).read_text("utf-8"))
    assert record["licence"] == "CC-BY-4.0"
    assert record["licence_url"].startswith("https://creativecommons.org/")
    assert record["fetched"].endswith("+00:00")


def test_a_second_fetch_asks_for_nothing(package, tmp_path, site):
    first = get(package, tmp_path)
    n_requests = len(site.requests)
    assert get(package, tmp_path) == first
    assert len(site.requests) == n_requests


def test_a_lost_file_is_fetched_again(package, tmp_path):
    get(package, tmp_path)
    lost = tmp_path / "LibriSpeech/test-clean/84/1/84-1-0001.flac"
    lost.unlink()
    get(package, tmp_path)
    assert lost.read_bytes() == sound(1)


def test_goes_on_where_a_connection_broke(package, tmp_path, site):
    site.cut_after = [1000, 500]
    get(package, tmp_path)
    assert site.requests == ["", "bytes=1000-", "bytes=1500-"]
    assert verify(tmp_path, package.name).is_intact


def test_goes_on_in_another_run(package, tmp_path, site):
    site.cut_after = [1000]
    with pytest.raises(DatasetError, match="after 1000 bytes; run the same again to go on"):
        get(package, tmp_path, tries=1)
    get(package, tmp_path, tries=1)
    assert site.requests == ["", "bytes=1000-"]


def test_starts_anew_where_the_server_knows_no_ranges(package, tmp_path, site):
    site.cut_after, site.ranges = [1000], False
    get(package, tmp_path)
    assert verify(tmp_path, package.name).is_intact


def test_does_not_join_parts_of_two_versions(tmp_path, site):
    first, second = tar_gz(MEMBERS), tar_gz({"first.flac": sound(9)} | MEMBERS)
    package = serve(site, first)
    unchecked = replace(package, archives=(Archive(url=package.archives[0].url),))
    site.cut_after = [1000]
    with pytest.raises(DatasetError):
        get(unchecked, tmp_path, tries=1)
    site.files["/test-clean.tar.gz"], site.tag = second, '"two"'
    receipt = get(unchecked, tmp_path)
    assert receipt.sources[0].sha256 == hashlib.sha256(second).hexdigest()
    assert not receipt.sources[0].verified


def test_without_tag_and_checksum_nothing_is_continued(tmp_path, site):
    package = serve(site, tar_gz(MEMBERS))
    unchecked = replace(package, archives=(Archive(url=package.archives[0].url),))
    site.tag, site.cut_after = "", [1000]
    get(unchecked, tmp_path)
    assert site.requests == ["", ""]


def test_a_part_that_was_whole_already_is_used(package, tmp_path, site):
    downloads = tmp_path / ".codecbench" / "downloads" / "librispeech-test-clean"
    downloads.mkdir(parents=True)
    (downloads / "test-clean.tar.gz.part").write_bytes(tar_gz(MEMBERS))
    get(package, tmp_path, tries=1)
    assert site.requests == [f"bytes={package.archives[0].size}-"]


def test_tries_again_when_the_server_is_busy(package, tmp_path, site):
    site.status = [503, 500]
    get(package, tmp_path)
    assert len(site.requests) == 3


def test_gives_up_at_once_when_there_is_no_such_file(package, tmp_path, site):
    site.files.clear()
    with pytest.raises(DatasetError, match="the server answers 404"):
        get(package, tmp_path)
    assert len(site.requests) == 1
    assert leftovers(tmp_path) == []


def test_gives_up_when_there_is_no_server(package, tmp_path):
    nowhere = replace(package, archives=(Archive(url="http://127.0.0.1:9/x.zip"),))
    with pytest.raises(DatasetError, match="run the same again to go on"):
        get(nowhere, tmp_path, tries=2)


@pytest.mark.parametrize("field_name", ["md5", "size"])
def test_refuses_an_archive_that_is_not_what_was_published(package, tmp_path, field_name):
    (archive,) = package.archives
    wrong = {"md5": "0" * 32} if field_name == "md5" else {"size": archive.size - 1, "md5": ""}
    with pytest.raises(ChecksumError, match=r"published is .*the file was deleted"):
        get(replace(package, archives=(replace(archive, **wrong),)), tmp_path)
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize(
    "data",
    [
        tar_gz(MEMBERS)[:-500],
        tar_gz(MEMBERS | {"../escaped.txt": b"x"}),
        b"no archive at all",
    ],
)
def test_a_bad_archive_leaves_nothing_behind(tmp_path, site, data):
    root = tmp_path / "data"
    with pytest.raises(DatasetError, match=r"test-clean\.tar\.gz: "):
        get(serve(site, data), root)
    assert leftovers(tmp_path) == []


def test_unpacks_nested_archives_in_place(tmp_path, site):
    inner = {
        f"{split}/{s}/B{s}.flac": sound(2) for split, s in (("train", "S0002"), ("dev", "S0724"))
    }
    data = tar_gz(
        {
            "data_aishell/wav/S0002.tar.gz": tar_gz(
                {k: v for k, v in inner.items() if "S0002" in k}
            ),
            "data_aishell/wav/S0724.tar.gz": tar_gz(
                {k: v for k, v in inner.items() if "S0724" in k}
            ),
        }
    )
    package = serve(
        site, data, "data_aishell.tgz", name="aishell", nested="data_aishell/wav/*.tar.gz"
    )
    receipt = get(package, tmp_path)
    assert sorted(file.path for file in receipt.files) == [
        f"data_aishell/wav/{name}" for name in sorted(inner)
    ]
    assert verify(tmp_path, "aishell").is_intact
    assert [c.id for c in get_dataset(f'aishell:split=dev,root="{tmp_path}"').clips] == ["BS0724"]


def test_refuses_a_nested_archive_that_escapes(tmp_path, site):
    data = tar_gz({"data_aishell/wav/S1.tar.gz": tar_gz({"../../x.flac": b"1"})})
    package = serve(site, data, "data_aishell.tgz", nested="data_aishell/wav/*.tar.gz")
    with pytest.raises(DatasetError, match="leads out of the folder"):
        get(package, tmp_path / "data")
    assert leftovers(tmp_path) == []


def test_an_archive_without_a_top_folder_gets_one(tmp_path, site):
    package = serve(site, tar_gz({"p001/a.flac": sound(3)}), "p001.tgz", into="EARS")
    receipt = get(package, tmp_path)
    assert [file.path for file in receipt.files] == ["EARS/p001/a.flac"]
    assert (tmp_path / "EARS" / "p001" / "a.flac").is_file()


def test_what_a_killed_fetch_left_is_cleared_away(package, tmp_path):
    draft = tmp_path / ".codecbench" / "unpacking" / "librispeech-test-clean"
    (draft / "0" / "LibriSpeech").mkdir(parents=True)
    (draft / "0" / "LibriSpeech" / "half.flac").write_bytes(b"half")
    get(package, tmp_path)
    assert not draft.exists()
    assert not (tmp_path / "LibriSpeech" / "half.flac").exists()


def test_splits_may_share_lists_but_not_sounds(package, tmp_path, site):
    get(package, tmp_path)
    other = tar_gz(
        {"LibriSpeech/SPEAKERS.TXT": b"newer", "LibriSpeech/dev/1/2/1-2-0.flac": sound(4)}
    )
    second = serve(site, other, "dev.tar.gz", name="librispeech:dev")
    receipt = get(second, tmp_path)
    assert [file.path for file in receipt.files] == ["LibriSpeech/dev/1/2/1-2-0.flac"]
    assert b"A Name" in (tmp_path / "LibriSpeech" / "SPEAKERS.TXT").read_bytes()
    clash = tar_gz({"LibriSpeech/dev/1/2/1-2-0.flac": sound(5)})
    with pytest.raises(DatasetError, match="another file is in the way"):
        get(serve(site, clash, "third.tar.gz", name="third"), tmp_path)
    assert verify(tmp_path, "librispeech:dev").is_intact


def test_verify_names_missing_and_changed_files(package, tmp_path):
    get(package, tmp_path)
    folder = tmp_path / "LibriSpeech" / "test-clean" / "84" / "1"
    (folder / "84-1-0000.flac").unlink()
    data = bytearray((folder / "84-1-0001.flac").read_bytes())
    data[-1] ^= 1
    (folder / "84-1-0001.flac").write_bytes(bytes(data))
    result = verify(tmp_path, package.name)
    assert not result.is_intact
    assert result.n_files == 3
    assert result.missing == ("LibriSpeech/test-clean/84/1/84-1-0000.flac",)
    assert result.changed == ("LibriSpeech/test-clean/84/1/84-1-0001.flac",)


def test_verify_needs_a_receipt_that_can_be_read(package, tmp_path):
    with pytest.raises(DatasetError, match="has no receipt"):
        verify(tmp_path, package.name)
    get(package, tmp_path)
    receipt_path(tmp_path, package.name).write_text('{"name": 1}')
    with pytest.raises(DatasetError, match="damaged receipt"):
        verify(tmp_path, package.name)


def test_two_processes_do_not_fetch_the_same(package, tmp_path, site):
    errors = []

    def second(*_):
        try:
            get(package, tmp_path)
        except DatasetError as error:
            errors.append(str(error))

    get(package, tmp_path, progress=second)
    assert errors
    assert "another process is fetching" in errors[0]


def test_refuses_other_addresses_and_too_small_a_disk(package, tmp_path):
    for url, words in (
        ("file:///etc/passwd", "only https and http"),
        ("http://x/", "names no file"),
    ):
        with pytest.raises(DatasetError, match=words):
            get(replace(package, archives=(Archive(url=url),)), tmp_path)
    huge = replace(package, archives=(replace(package.archives[0], size=10**18),))
    with pytest.raises(DatasetError, match="GB needed for librispeech:test-clean"):
        get(huge, tmp_path)


def test_every_package_has_a_licence_and_a_dataset_that_reads_it():
    names = [package.name for package in available()]
    assert len(set(names)) == len(names) == len(PACKAGES)
    for package in PACKAGES:
        assert package.licence
        assert package.licence_url.startswith("https://")
        assert package.name.partition(":")[0] in DATASETS.names()
        for archive in package.archives:
            assert archive.url.startswith("https://")
            assert archive.file_name.endswith((".tar.gz", ".tgz", ".zip"))
            assert len(archive.md5) in (0, 32)
            assert archive.md5 or package.name.partition(":")[0] in ("ears", "mls")
    with pytest.raises(UnknownNameError, match="did you mean"):
        fetch("librispeech:test-claen", "/nowhere")
