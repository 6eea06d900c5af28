"""From a run folder to one file that others can verify."""

import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from codecbench.benchmark.objects import ObjectStore
from codecbench.core.audio_file import AUDIO_SUFFIXES, encode_audio, read_audio
from codecbench.core.errors import BundleError, ConfigError, SignalError
from codecbench.core.fingerprint import hash_bytes, hash_file, package_versions
from codecbench.core.whole_file import raise_storage_error
from codecbench.datasets.base import Clip
from codecbench.reports.boards.consistency import check_contents
from codecbench.reports.boards.contents import (
    FORMAT,
    MANIFEST,
    VERSION,
    Contents,
    FileEntry,
    Manifest,
    PackedEncoding,
    Part,
    from_json,
    to_json,
)
from codecbench.reports.boards.run_contents import read_contents

FREE_LICENCES = (
    *("CC0-1.0", "CC-BY-3.0", "CC-BY-4.0", "CC-BY-SA-3.0", "CC-BY-SA-4.0"),
    *("MIT", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "PDDL-1.0", "Unlicense"),
)
"""SPDX identifiers of licences under which a clip may be passed on to anybody."""
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a ZIP file can say: the same run gives the same bytes."""
_DEFLATE_LEVEL = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class BundlePlan:
    """What would be packed.

    Attributes:
        manifest: With the hash of each file.
        texts: Files that are made here, by name.
        sounds: Files that are taken from elsewhere, by name; degraded audio becomes FLAC.
    """

    manifest: Manifest
    texts: dict[str, bytes]
    sounds: dict[str, Path]

    def sizes(self) -> dict[str, tuple[int, int]]:
        """Return number and bytes of files for each folder; "results" for those in none."""
        found: dict[str, tuple[int, int]] = {}
        for entry in self.manifest.files:
            folder = entry.name.partition("/")[0] if "/" in entry.name else "results"
            count, size = found.get(folder, (0, 0))
            found[folder] = (count + 1, size + entry.bytes)
        return found


def plan_bundle(
    folder: Path,
    *,
    cache: Path,
    leave_out: Sequence[Part] = (),
    references: bool = False,
    author: str = "",
) -> BundlePlan:
    """Collect and check what belongs into the bundle of a run.

    Args:
        folder: The run folder.
        cache: Cache folder of the run, where its sounds lie.
        leave_out: What is not to be packed.
        references: Whether to pack the reference clips.
        author: Who packs it; shown on boards.

    Raises:
        BundleError: The run is not finished, is older than bundles, contradicts itself, its sounds
            are gone from the cache, or a reference may not be passed on.
        ResultSchemaError: There is no run in the folder.
        ConfigError: `leave_out` names something else.
    """
    unknown = sorted(set(leave_out) - set(get_args(Part)))
    if unknown:
        msg = f"'{unknown[0]}' cannot be left out; one of {', '.join(get_args(Part))} can"
        raise ConfigError(msg)
    contents, clips = read_contents(folder)
    check_contents(contents)
    objects = ObjectStore(cache / "objects")
    sounds: dict[str, Path] = {}
    if "bitstreams" not in leave_out:
        sounds |= _bitstreams(contents, objects)
    if "audio" not in leave_out:
        sounds |= _degraded(contents, objects)
    if references:
        sounds |= _references(clips)
    texts = contents.files()
    entries = [
        FileEntry(name=name, bytes=len(data), sha256=hash_bytes(data))
        for name, data in texts.items()
    ]
    for name, path in sounds.items():
        data = _packed(name, path)
        entries.append(FileEntry(name=name, bytes=len(data), sha256=hash_bytes(data)))
    described = contents.description
    manifest = Manifest(
        format=FORMAT,
        version=VERSION,
        codecbench=package_versions(["codecbench"])["codecbench"],
        author=author,
        run=described.name,
        dataset=described.dataset,
        dataset_fingerprint=described.dataset_fingerprint,
        left_out=tuple(sorted(set(leave_out))),
        references=references,
        files=tuple(sorted(entries, key=lambda entry: entry.name)),
    )
    from_json(Manifest, to_json(manifest), MANIFEST)
    return BundlePlan(manifest=manifest, texts=texts, sounds=sounds)


def write_bundle(plan: BundlePlan, out: Path) -> str:
    """Write a bundle: the same run gives the same bytes.

    Args:
        plan: From `plan_bundle`.
        out: The file; made whole or not at all.

    Returns:
        Its SHA-256.

    Raises:
        BundleError: A file has changed since it was planned.
        StorageError: The disk is full, read-only or failing.
    """
    writing = out.with_name(f".writing-{os.getpid()}-{out.name}")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(writing, "w") as archive:
            _add(archive, MANIFEST, to_json(plan.manifest))
            for entry in plan.manifest.files:
                text = plan.texts.get(entry.name)
                data = _packed(entry.name, plan.sounds[entry.name]) if text is None else text
                if hash_bytes(data) != entry.sha256:
                    msg = f"{plan.sounds[entry.name]}: changed while it was packed; pack again"
                    raise BundleError(msg)
                _add(archive, entry.name, data)
        digest = hash_file(writing)
        writing.replace(out)
    except OSError as error:
        raise_storage_error(error, out)
        raise
    finally:
        writing.unlink(missing_ok=True)
    return digest


def _packed(name: str, path: Path) -> bytes:
    """Return a file as it travels: degraded audio takes half the room as FLAC."""
    if not name.startswith("audio/"):
        return path.read_bytes()
    return encode_audio(read_audio(path), ".flac")


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    info = zipfile.ZipInfo(name, _EPOCH)
    info.create_system = 3  # as on Linux, wherever it is packed
    info.external_attr = 0o644 << 16
    # Sounds and bitstreams are compressed already.
    info.compress_type = zipfile.ZIP_STORED if "/" in name else zipfile.ZIP_DEFLATED
    archive.writestr(info, data, compresslevel=_DEFLATE_LEVEL)


def _bitstreams(contents: Contents, objects: ObjectStore) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for encoding in contents.encodings:
        if encoding.record is not None:
            digest = encoding.record.bitstream
            path = objects.bitstream_path(digest)
            if not path.is_file() or hash_bytes(path.read_bytes()) != digest:
                raise _gone(encoding, "bitstream", objects)
            found[f"bits/{digest}.cbs"] = path
    return found


def _degraded(contents: Contents, objects: ObjectStore) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for encoding in contents.encodings:
        if encoding.record is None or f"audio/{encoding.record.degraded}.flac" in found:
            continue
        digest = encoding.record.degraded
        path = objects.find_audio(digest)
        try:
            whole = path is not None and read_audio(path).sha256 == digest
        except SignalError:
            whole = False
        if path is None or not whole:
            raise _gone(encoding, "degraded audio", objects)
        found[f"audio/{digest}.flac"] = path
    return found


def _gone(encoding: PackedEncoding, what: str, objects: ObjectStore) -> BundleError:
    option = "bitstreams" if what == "bitstream" else "audio"
    return BundleError(
        f"the {what} of {encoding.codec} at {encoding.point}, clip '{encoding.clip}', is not in "
        f"{objects.root} any more; give the command of the run again with --rerun always, "
        f"name its cache with --cache, or leave it out with --leave-out {option}"
    )


def _references(clips: Sequence[Clip]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for clip in clips:
        if clip.problem:
            continue
        licence = clip.tags.get("licence", clip.tags.get("license", ""))
        if licence not in FREE_LICENCES:
            said = f"'{licence}'" if licence else "no licence in its tags"
            msg = (
                f"clip '{clip.id}' has {said}; references are packed where the tag licence of "
                f"each is one of {', '.join(FREE_LICENCES)}"
            )
            raise BundleError(msg)
        suffix = clip.path.suffix.lower()
        if suffix not in AUDIO_SUFFIXES or not clip.path.is_file():
            msg = f"clip '{clip.id}': {clip.path} is no sound file that is there"
            raise BundleError(msg)
        found[f"references/{clip.sha256}{suffix}"] = clip.path
    return found
