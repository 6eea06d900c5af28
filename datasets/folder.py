"""All sound files below a folder, or those that its manifest names."""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from codecbench.core.audio_file import AUDIO_SUFFIXES
from codecbench.core.errors import DatasetError
from codecbench.datasets.manifest import ManifestSource
from codecbench.datasets.source import ClipEntry, DatasetSource

MANIFEST_NAMES = ("manifest.csv", "manifest.jsonl")


class FolderSource(DatasetSource):
    """A folder of sound files.

    A file ``manifest.csv`` or ``manifest.jsonl`` in the folder says which files are clips, with
    their tags. Without it every sound file at any depth is one.
    """

    main_option = "path"

    def __init__(self, *, path: str) -> None:
        """Remember the folder.

        Args:
            path: Its path.
        """
        self.path = Path(path).expanduser().absolute()

    def entries(self) -> Sequence[ClipEntry]:
        """List the clips, sorted by path, or in the order of the manifest.

        Raises:
            DatasetError: There is no such folder, nothing in it, two manifests, or two files that
                differ only in their suffix.
        """
        manifests = [self.path / name for name in MANIFEST_NAMES if (self.path / name).is_file()]
        if len(manifests) > 1:
            msg = f"{self.path}: holds {' and '.join(MANIFEST_NAMES)}; name the one that is meant"
            raise DatasetError(msg)
        if manifests:
            return ManifestSource(path=str(manifests[0])).entries()
        files = sound_files(self.path)
        if not files:
            msg = f"{self.path}: holds no sound files ({', '.join(AUDIO_SUFFIXES)})"
            raise DatasetError(msg)
        return [
            ClipEntry(id=clip_id, path=path) for clip_id, path in by_stem(self.path, files).items()
        ]


def sound_files(folder: Path) -> list[Path]:
    """Return every sound file at any depth below a folder, sorted part by part.

    Hidden files and folders are left out (macOS leaves ``._*`` companions that are no sound);
    links to folders are followed, each folder once.

    Raises:
        DatasetError: There is no such folder, or it cannot be listed.
    """
    if not folder.is_dir():
        msg = f"{folder}: no such folder"
        raise DatasetError(msg)
    try:
        found = list(_walk(folder))
    except OSError as error:
        msg = f"{error.filename or folder}: cannot be listed ({error.strerror or error})"
        raise DatasetError(msg) from error
    return sorted(found, key=lambda path: path.relative_to(folder).parts)


def _walk(folder: Path) -> Iterator[Path]:
    seen: set[str] = set()
    for where, folders, files in os.walk(folder, onerror=_raise, followlinks=True):
        real = os.path.realpath(where)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        # Sorted, so that of two ways to one folder the same one is taken everywhere.
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in files:
            if not name.startswith(".") and name.lower().endswith(AUDIO_SUFFIXES):
                yield Path(where) / name


def _raise(error: OSError) -> None:
    raise error


def by_stem(folder: Path, files: Iterable[Path]) -> dict[str, Path]:
    """Name files by their path below a folder without the suffix.

    Raises:
        DatasetError: Two files would have one name.
    """
    named: dict[str, Path] = {}
    for path in files:
        relative = path.relative_to(folder)
        name = relative.with_suffix("").as_posix()
        if name in named:
            msg = (
                f"{folder}: {named[name].name} and {path.name} would both be the clip '{name}'; "
                "move one away or name the clips in a manifest.csv"
            )
            raise DatasetError(msg)
        named[name] = path
    return named
