"""From a stranger's file to contents and sounds: within bounds, and with every hash checked."""

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from codecbench.adapters.bitstream import Encoded
from codecbench.benchmark.objects import ObjectStore
from codecbench.core.audio_file import AUDIO_SUFFIXES
from codecbench.core.errors import BitstreamError, BundleError
from codecbench.core.fingerprint import hash_bytes, hash_file
from codecbench.reports.boards.consistency import check_contents, name_of
from codecbench.reports.boards.contents import (
    CELLS,
    ENCODINGS,
    FORMAT,
    MANIFEST,
    RUN,
    VERSION,
    Contents,
    Manifest,
    PackedCell,
    PackedEncoding,
    RunDescription,
    from_json,
    from_lines,
)
from codecbench.reports.boards.plain import shown

_TEXTS = (MANIFEST, RUN, ENCODINGS, CELLS)
_NAME = re.compile(
    r"(?P<folder>bits|audio|references)/(?P<digest>[0-9a-f]{64})(?P<suffix>\.[a-z0-9]{1,5})"
)
_SUFFIXES = {"bits": (".cbs",), "audio": (".flac",), "references": AUDIO_SUFFIXES}
_DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError),
    *(NotImplementedError, RuntimeError, ValueError, OverflowError),
)
_RATIO = 60
"""Text of hashes and numbers packs to a tenth; a bomb to a thousandth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How large a bundle may be.

    Attributes:
        bytes: All of it, unpacked.
        text_bytes: Each file that is read as a whole.
        files: Number of files.
    """

    bytes: int = 4 * 2**30
    text_bytes: int = 512 * 2**20
    files: int = 500_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A bundle that agrees with itself; nothing of it was computed again.

    Attributes:
        sha256: Of the file.
        manifest: What stands in front.
        contents: What the run has found.
        objects: Its bitstreams and degraded audio, not decoded yet.
        references: Its reference clips by content hash as claimed; empty where there are none.
    """

    sha256: str
    manifest: Manifest
    contents: Contents
    objects: ObjectStore
    references: dict[str, Path]


def unpack_bundle(path: Path, into: Path, bounds: Bounds | None = None) -> Bundle:
    """Unpack a bundle, and check what can be checked without decoding and scoring.

    No name in it decides where a file is written: names that are not of this format are refused,
    and those that are become the names that our own store gives.

    Args:
        path: The file.
        into: An empty folder for its sounds.
        bounds: How large it may be.

    Raises:
        BundleError: It is damaged, too large, holds something else, or contradicts itself.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = _members(archive, path, bounds or Bounds())
            manifest = _manifest(archive, members, path)
            _check_list(manifest, members)
            texts = {
                entry.name: _read(archive, members[entry.name], entry.sha256)
                for entry in manifest.files
                if entry.name in _TEXTS
            }
            contents = _contents(texts, manifest)
            check_contents(contents)
            objects = ObjectStore(into / "objects", audio_suffix=".flac")
            references = _write_sounds(archive, members, manifest, objects, into / "references")
    except OSError as error:
        msg = f"{path}: cannot be read ({error.strerror or error})"
        raise BundleError(msg) from error
    # zipfile meets damage with whatever goes wrong inside it.
    except _DAMAGE as error:
        msg = f"{path}: no bundle, or a damaged one ({shown(str(error))})"
        raise BundleError(msg) from error
    _check_sounds(contents, manifest, objects)
    return Bundle(
        sha256=hash_file(path),
        manifest=manifest,
        contents=contents,
        objects=objects,
        references=references,
    )


def _members(archive: zipfile.ZipFile, path: Path, bounds: Bounds) -> dict[str, zipfile.ZipInfo]:
    """Return the files by name, where their sizes and names can be right."""
    found: dict[str, zipfile.ZipInfo] = {}
    infos = archive.infolist()
    if len(infos) > bounds.files:
        msg = f"{len(infos)} files; at most {bounds.files} are taken"
        raise BundleError(msg)
    if sum(info.compress_size for info in infos) > path.stat().st_size:
        msg = "its files overlap"
        raise BundleError(msg)
    total = sum(info.file_size for info in infos)
    if total > bounds.bytes:
        msg = f"{total} bytes unpacked; at most {bounds.bytes} are taken, see --max-size"
        raise BundleError(msg)
    for info in infos:
        name = info.filename
        if info.orig_filename != name or not _is_ours(name):
            msg = f"'{shown(info.orig_filename)}' is no name of this format"
            raise BundleError(msg)
        if name in found:
            msg = f"'{name}' stands twice"
            raise BundleError(msg)
        if info.flag_bits & 1 or info.compress_type not in (
            zipfile.ZIP_STORED,
            zipfile.ZIP_DEFLATED,
        ):
            msg = f"'{name}' is encrypted, or packed by another method than deflate"
            raise BundleError(msg)
        if name in _TEXTS and info.file_size > bounds.text_bytes:
            msg = f"'{name}' has {info.file_size} bytes; at most {bounds.text_bytes} are taken"
            raise BundleError(msg)
        if info.file_size > _RATIO * info.compress_size + 1000:
            msg = (
                f"'{name}' unpacks from {info.compress_size} bytes to {info.file_size}; nothing "
                "that a run writes does"
            )
            raise BundleError(msg)
        found[name] = info
    return found


def _is_ours(name: str) -> bool:
    if name in _TEXTS:
        return True
    match = _NAME.fullmatch(name)
    return match is not None and match["suffix"] in _SUFFIXES[match["folder"]]


def _manifest(
    archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], path: Path
) -> Manifest:
    if MANIFEST not in members:
        msg = f"{path}: no bundle, since it has no {MANIFEST}; 'codecbench bundle' makes one"
        raise BundleError(msg)
    manifest = from_json(Manifest, _read(archive, members[MANIFEST], ""), MANIFEST)
    if (manifest.format, manifest.version) != (FORMAT, VERSION):
        msg = (
            f"{path}: {shown(manifest.format)}, version {manifest.version}; this codecbench reads "
            f"{FORMAT}, version {VERSION}"
        )
        raise BundleError(msg)
    return manifest


def _check_list(manifest: Manifest, members: dict[str, zipfile.ZipInfo]) -> None:
    listed = {entry.name: entry for entry in manifest.files}
    missing = sorted((listed.keys() | {RUN, ENCODINGS, CELLS}) - members.keys())
    if missing:
        msg = f"{len(missing)} files are missing, the first is '{shown(missing[0])}'"
        raise BundleError(msg)
    unlisted = sorted(members.keys() - listed.keys() - {MANIFEST})
    if unlisted:
        msg = f"'{shown(unlisted[0])}' is not in the manifest"
        raise BundleError(msg)
    for name, entry in listed.items():
        if members[name].file_size != entry.bytes:
            msg = f"'{name}': {members[name].file_size} bytes, the manifest says {entry.bytes}"
            raise BundleError(msg)


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo, sha256: str) -> bytes:
    with archive.open(info) as file:
        data = file.read(info.file_size + 1)
    if len(data) != info.file_size:
        msg = f"'{info.filename}' is not as long as it says"
        raise BundleError(msg)
    if sha256 and hash_bytes(data) != sha256:
        msg = f"'{info.filename}' is not what the manifest says: SHA-256 {hash_bytes(data)[:16]}…"
        raise BundleError(msg)
    return data


def _contents(texts: dict[str, bytes], manifest: Manifest) -> Contents:
    described = from_json(RunDescription, texts[RUN], RUN)
    stated = (manifest.run, manifest.dataset, manifest.dataset_fingerprint)
    if stated != (described.name, described.dataset, described.dataset_fingerprint):
        msg = f"{MANIFEST} and {RUN} are of different runs or datasets"
        raise BundleError(msg)
    return Contents(
        description=described,
        encodings=tuple(from_lines(PackedEncoding, texts[ENCODINGS].splitlines(), ENCODINGS)),
        cells=tuple(from_lines(PackedCell, texts[CELLS].splitlines(), CELLS)),
    )


def _write_sounds(
    archive: zipfile.ZipFile,
    members: dict[str, zipfile.ZipInfo],
    manifest: Manifest,
    objects: ObjectStore,
    folder: Path,
) -> dict[str, Path]:
    references: dict[str, Path] = {}
    for entry in manifest.files:
        match = _NAME.fullmatch(entry.name)
        if match is None:
            continue
        digest = match["digest"]
        data = _read(archive, members[entry.name], entry.sha256)
        if match["folder"] == "bits":
            if hash_bytes(data) != digest:
                msg = f"'{entry.name}' holds other bytes than its name says"
                raise BundleError(msg)
            path = objects.bitstream_path(digest)
        elif match["folder"] == "audio":
            path = objects.audio_path(digest)
        else:
            path = folder / f"{digest}{match['suffix']}"
            references[digest] = path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return references


def _check_sounds(contents: Contents, manifest: Manifest, objects: ObjectStore) -> None:
    """Check that the sounds are those of the encodings, and the rates those of the bitstreams."""
    names = {entry.name for entry in manifest.files}
    wanted: set[str] = set()
    for encoding in contents.encodings:
        record = encoding.record
        if record is None:
            continue
        for name, part in (
            (f"bits/{record.bitstream}.cbs", "bitstreams"),
            (f"audio/{record.degraded}.flac", "audio"),
        ):
            wanted.add(name)
            if part not in manifest.left_out and name not in names:
                msg = f"{name_of(encoding)}: '{shown(name)}' is missing"
                raise BundleError(msg)
        if "bitstreams" not in manifest.left_out:
            _check_rates(encoding, objects)
    clips = {clip.sha256 for clip in contents.description.clips}
    for name in sorted(names - wanted):
        match = _NAME.fullmatch(name)
        if match and not (match["folder"] == "references" and match["digest"] in clips):
            msg = f"'{name}' belongs to no clip and no encoding"
            raise BundleError(msg)


def _check_rates(encoding: PackedEncoding, objects: ObjectStore) -> None:
    record = encoding.record
    assert record is not None  # the caller has looked
    try:
        encoded = Encoded.from_bytes(objects.bitstream_path(record.bitstream).read_bytes())
    except BitstreamError as error:
        msg = f"{name_of(encoding)}: {shown(str(error))}"
        raise BundleError(msg) from error
    for what, claimed, found in _bits(encoding, encoded):
        if claimed != found:
            msg = f"{name_of(encoding)}: {claimed} {what} claimed, {found} in the bitstream"
            raise BundleError(msg)


def _bits(
    encoding: PackedEncoding, encoded: Encoded
) -> Iterator[tuple[str, int | float | str, int | float | str]]:
    record = encoding.record
    assert record is not None  # the caller has looked
    yield "payload bits", record.payload_bits, encoded.payload_bits
    yield "bits of whole packets", record.wire_bits, encoded.wire_bits
    yield "bits with header", record.total_bits, encoded.total_bits
    yield "packets", record.packets, len(encoded.packets)
    yield "seconds", record.coded_s, encoded.duration_s
    yield "for the point", shown(encoding.point), shown(encoded.point)
