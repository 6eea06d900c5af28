"""Unpacking archives of strangers: plain files below the target folder, or nothing at all."""

import gzip
import hashlib
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from codecbench.core.errors import DatasetError

ARCHIVE_SUFFIXES = (".tar.gz", ".tgz", ".zip")
GROWTH_LIMIT = 20
"""An archive may grow to so many times its size: packed PCM grows threefold, text tenfold."""
GROWTH_FLOOR = 64 * 2**20
"""Growth that is always allowed, in bytes."""
_BLOCK = 2**20
_BROKEN = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,  # also gzip.BadGzipFile, and a full disk
    ValueError,  # header fields that are no numbers
    RuntimeError,  # also NotImplementedError: encrypted, or an unknown compression
    struct.error,
    MemoryError,  # a header that promises a name of gigabytes
)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnpackedFile:
    """One file that came out of an archive.

    Attributes:
        path: Below the target folder, with slashes.
        size: In bytes.
        sha256: Of its content.
    """

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class _Member:
    name: str
    is_folder: bool
    refusal: str
    stream: IO[bytes] | None


def unpack(archive: Path, target: Path) -> list[UnpackedFile]:
    """Unpack an archive into a folder that does not exist yet.

    Links, devices, and names that lead out of the folder or stand twice are refused, and so is an
    archive that is truncated, damaged, or grows beyond reason. After an error the folder is gone.

    Args:
        archive: A ``.tar.gz``, ``.tgz`` or ``.zip`` file.
        target: Made by this function.

    Returns:
        Every file, in the order of the archive.

    Raises:
        DatasetError: The archive is refused, or the folder cannot be written.
    """
    try:
        target.mkdir(parents=True)
    except OSError as error:
        msg = f"{target}: cannot be made ({error.strerror})"
        raise DatasetError(msg) from error
    try:
        return _unpack(archive, target)
    except _BROKEN as error:
        shutil.rmtree(target, ignore_errors=True)
        why = " ".join(str(error).split()) or type(error).__name__
        msg = f"{archive.name}: cannot be unpacked (truncated, damaged, or no room): {why}"
        raise DatasetError(msg) from error
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise


def _unpack(archive: Path, target: Path) -> list[UnpackedFile]:
    members = _zip_members if archive.name.endswith(".zip") else _tar_members
    if not archive.name.endswith(ARCHIVE_SUFFIXES):
        msg = f"{archive.name}: not one of {', '.join(ARCHIVE_SUFFIXES)}"
        raise DatasetError(msg)
    room = GROWTH_FLOOR + GROWTH_LIMIT * archive.stat().st_size
    files: dict[str, UnpackedFile] = {}
    for member in members(archive):
        path = _safe_path(archive, member)
        if path is None:
            continue
        place = target / path
        if member.is_folder:
            place.mkdir(parents=True, exist_ok=True)
            continue
        name = path.as_posix()
        if name in files or member.stream is None:
            msg = f"{archive.name}: refused, '{name}' stands twice"
            raise DatasetError(msg)
        place.parent.mkdir(parents=True, exist_ok=True)
        size, sha256 = _copy(member.stream, place, room)
        if size > room:
            msg = f"{archive.name}: refused, it grows to over {GROWTH_LIMIT} times its size"
            raise DatasetError(msg)
        room -= size
        files[name] = UnpackedFile(path=name, size=size, sha256=sha256)
    if not files:
        msg = f"{archive.name}: holds no files"
        raise DatasetError(msg)
    return list(files.values())


def _safe_path(archive: Path, member: _Member) -> PurePosixPath | None:
    """Return where a member goes below the target; None for the target folder itself."""
    name = member.name
    path = PurePosixPath(name)
    if member.refusal:
        why = member.refusal
    elif path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name:
        why = "leads out of the folder"
    elif ":" in path.parts[0] if path.parts else False:
        why = "names a drive"
    else:
        return path if path.parts else None
    msg = f"{archive.name}: refused, '{ascii(name)[1:-1]}' {why}; nothing was unpacked"
    raise DatasetError(msg)


def _tar_members(archive: Path) -> Iterator[_Member]:
    with gzip.open(archive, "rb") as plain:
        with tarfile.open(fileobj=plain, mode="r|") as tar:
            for info in tar:
                ordinary = info.isdir() or (info.isreg() and not info.issparse())
                refusal = "" if ordinary else f"is {_tar_kind(info)}"
                stream = tar.extractfile(info) if ordinary and not info.isdir() else None
                yield _Member(info.name, info.isdir(), refusal, stream)
        # To the end, where gzip keeps its checksum: a cut between two members shows only here.
        while plain.read(_BLOCK):
            pass


def _tar_kind(info: tarfile.TarInfo) -> str:
    if info.issym() or info.islnk():
        return "a link"
    return "a device" if info.isdev() else "no plain file"


def _zip_members(archive: Path) -> Iterator[_Member]:
    with zipfile.ZipFile(archive) as package:
        for info in package.infolist():
            kind = stat.S_IFMT(info.external_attr >> 16)
            name = info.orig_filename
            if stat.S_ISLNK(kind):
                yield _Member(name, False, "is a link", None)
            elif kind and not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):
                yield _Member(name, False, "is no plain file", None)
            elif info.is_dir():
                yield _Member(name, True, "", None)
            else:
                with package.open(info) as stream:
                    yield _Member(name, False, "", stream)


def _copy(stream: IO[bytes], place: Path, room: int) -> tuple[int, str]:
    """Write a stream to a new file, stopping soon after `room` bytes; return size and sha256."""
    digest = hashlib.sha256()
    size = 0
    with place.open("xb") as file:
        while size <= room and (block := stream.read(_BLOCK)):
            digest.update(block)
            size += file.write(block)
    return size, digest.hexdigest()
