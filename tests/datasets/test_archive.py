"""Unpacking: plain files come out, and everything else leaves nothing behind."""

import gzip
import hashlib
import io
import stat
import tarfile
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codecbench.core.errors import DatasetError
from codecbench.datasets.archive import unpack


def tar_gz(path, members):
    """Write members (name, content or None for a folder, or a whole TarInfo)."""
    with tarfile.open(path, "w:gz") as tar:
        for name, content in members:
            info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            if content is None and not isinstance(name, tarfile.TarInfo):
                info.type = tarfile.DIRTYPE
            info.size = len(content or b"")
            tar.addfile(info, io.BytesIO(content or b""))
    return path


def zipped(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in members:
            package.writestr(name, content or b"")
    return path


def special(name, kind, target=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def zip_special(name, mode):
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = mode << 16
    return info


def refused(archive, target):
    before = sorted(path for path in archive.parent.rglob("*"))
    with pytest.raises(DatasetError) as caught:
        unpack(archive, target)
    assert sorted(path for path in archive.parent.rglob("*")) == before
    assert "\n" not in str(caught.value)
    return str(caught.value)


FILES = [("a", None), ("a/b.wav", b"sound"), ("c/d/e.txt", b"words"), ("._b", b"")]


@pytest.mark.parametrize("suffix", [".tar.gz", ".tgz", ".zip"])
def test_unpacks_plain_files_with_their_hashes(tmp_path, suffix):
    path = tmp_path / f"x{suffix}"
    if suffix == ".zip":
        zipped(path, [("a/" if content is None else name, content) for name, content in FILES])
    else:
        tar_gz(path, FILES)
    files = unpack(path, tmp_path / "out")
    assert [(file.path, file.size) for file in files] == [
        ("a/b.wav", 5),
        ("c/d/e.txt", 5),
        ("._b", 0),
    ]
    assert files[0].sha256 == hashlib.sha256(b"sound").hexdigest()
    assert (tmp_path / "out" / "c" / "d" / "e.txt").read_bytes() == b"words"


ESCAPES = ["../x.wav", "/etc/x.wav", "a/../../x.wav", "a\\..\\x.wav", "C:/x.wav", ".."]


@pytest.mark.parametrize("name", ESCAPES)
def test_refuses_names_that_lead_out_of_the_folder(tmp_path, name):
    for archive in (
        tar_gz(tmp_path / "x.tar.gz", [("good.wav", b"1"), (name, b"2")]),
        zipped(tmp_path / "x.zip", [("good.wav", b"1"), (name, b"2")]),
    ):
        assert "refused" in refused(archive, tmp_path / "out")


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (tarfile.SYMTYPE, "is a link"),
        (tarfile.LNKTYPE, "is a link"),
        (tarfile.CHRTYPE, "is a device"),
        (tarfile.BLKTYPE, "is a device"),
        (tarfile.FIFOTYPE, "is a device"),
    ],
)
def test_refuses_links_and_devices_in_tar(tmp_path, kind, words):
    member = special("x", kind, target="good.wav")
    archive = tar_gz(tmp_path / "x.tar.gz", [("good.wav", b"1"), (member, None)])
    assert words in refused(archive, tmp_path / "out")


@pytest.mark.parametrize(
    ("mode", "words"), [(stat.S_IFLNK, "is a link"), (stat.S_IFIFO, "is no plain file")]
)
def test_refuses_links_and_pipes_in_zip(tmp_path, mode, words):
    member = zip_special("x", mode | 0o777)
    archive = zipped(tmp_path / "x.zip", [("good.wav", b"1"), (member, b"/etc/passwd")])
    assert words in refused(archive, tmp_path / "out")


def test_writes_nothing_through_a_link_of_the_archive(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    members = [(special("door", tarfile.SYMTYPE, str(outside)), None), ("door/x.wav", b"1")]
    refused(tar_gz(tmp_path / "x.tar.gz", members), tmp_path / "out")
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("make", [tar_gz, zipped])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_refuses_a_name_that_stands_twice(tmp_path, make):
    archive = make(
        tmp_path / ("x.zip" if make is zipped else "x.tgz"), [("a", b"1"), ("./a", b"2")]
    )
    assert "'a' stands twice" in refused(archive, tmp_path / "out")


def test_refuses_a_file_where_a_folder_is(tmp_path):
    archive = tar_gz(tmp_path / "x.tar.gz", [("a", b"1"), ("a/b", b"2")])
    assert "cannot be unpacked" in refused(archive, tmp_path / "out")


def content(seed, size):
    return b"".join(hashlib.sha256(b"%d:%d" % (seed, n)).digest() for n in range(size // 32))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("make", [tar_gz, zipped])
def test_refuses_truncated_archives(tmp_path, make, share):
    path = tmp_path / ("x.zip" if make is zipped else "x.tar.gz")
    make(path, [(f"{n}.wav", content(n, 40_000)) for n in range(5)])
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    assert "cannot be unpacked" in refused(path, tmp_path / "out")


def test_refuses_a_tar_that_is_cut_between_members_inside_good_gzip_blocks(tmp_path):
    path = tar_gz(tmp_path / "x.tar.gz", [("a.wav", content(1, 4096)), ("b.wav", b"2")])
    plain = gzip.decompress(path.read_bytes())
    # Header and content of the first member, then the gzip trailer is missing.
    path.write_bytes(gzip.compress(plain[: 512 + 4096])[:-4])
    assert "cannot be unpacked" in refused(path, tmp_path / "out")


@pytest.mark.parametrize("make", [tar_gz, zipped])
def test_refuses_tampered_archives(tmp_path, make):
    path = tmp_path / ("x.zip" if make is zipped else "x.tar.gz")
    make(path, [("a.wav", content(1, 100_000))])
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x10
    path.write_bytes(bytes(data))
    assert "cannot be unpacked" in refused(path, tmp_path / "out")


def test_refuses_an_archive_that_grows_beyond_reason(tmp_path):
    archive = zipped(tmp_path / "x.zip", [("a.wav", bytes(80 * 2**20))])
    assert "grows to over 20 times" in refused(archive, tmp_path / "out")


@pytest.mark.parametrize("name", ["x.zip", "x.tar.gz", "x.rar"])
@pytest.mark.parametrize("data", [b"", b"nothing", b"PK\3\4", b"\x1f\x8b"])
def test_refuses_what_is_no_archive(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    assert name in refused(tmp_path / name, tmp_path / "out")


def test_refuses_an_empty_archive_and_a_taken_folder(tmp_path):
    archive = tar_gz(tmp_path / "x.tar.gz", [("a", None)])
    assert "holds no files" in refused(archive, tmp_path / "out")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("keep")
    assert "cannot be made" in refused(archive, tmp_path / "out")
    assert (tmp_path / "out" / "mine").read_text() == "keep"


@settings(max_examples=150, deadline=None)
@given(data=st.data(), suffix=st.sampled_from([".zip", ".tar.gz"]))
def test_damage_anywhere_gives_the_files_or_an_error(tmp_path_factory, data, suffix):
    folder = tmp_path_factory.mktemp("fuzz")
    path = folder / f"x{suffix}"
    members = [("a/b.wav", content(3, 3200)), ("c.txt", b"words " * 20)]
    (zipped if suffix == ".zip" else tar_gz)(path, members)
    raw = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(bytes(raw))
    target = folder / "out"
    try:
        files = unpack(path, target)
    except DatasetError:
        assert not target.exists()
    else:
        found = {p.relative_to(target).as_posix() for p in target.rglob("*") if p.is_file()}
        assert found == {file.path for file in files}
        # Names may differ, the checksums do not cover them everywhere; content may not.
        assert {file.size for file in files} <= {3200, 120}
