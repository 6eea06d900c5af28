"""A manifest: which files are clips, under which names, with which tags."""

import os
from collections.abc import Sequence
from pathlib import Path, PurePath

from codecbench.core.errors import DatasetError
from codecbench.datasets.source import ClipEntry, DatasetSource
from codecbench.datasets.table import Row, read_table

FILE_COLUMNS = ("file", "path")


class ManifestSource(DatasetSource):
    """A CSV or JSONL manifest.

    The column ``file`` (or ``path``) holds the sound file relative to the manifest's folder, the
    column ``id`` its name where the path without suffix will not do, and every other column is a
    tag. A file that is missing below that folder makes a clip with a problem, so that a run shows
    it; one that is missing elsewhere is taken for a wrong path and refused.
    """

    main_option = "path"

    def __init__(self, *, path: str) -> None:
        """Remember the manifest.

        Args:
            path: A ``.csv`` or ``.jsonl`` file.
        """
        self.path = Path(path).expanduser().absolute()

    def entries(self) -> Sequence[ClipEntry]:
        """List the clips in the order of the lines.

        Raises:
            DatasetError: The manifest cannot be read, has no column for the file, names an id
                twice, or names a missing file outside its folder.
        """
        folder = self.path.parent
        entries: dict[str, ClipEntry] = {}
        for row in read_table(self.path):
            entry = _entry(row, folder)
            if entry.id in entries:
                msg = f"{row.where}: id '{entry.id}' stands twice; give each line its own id"
                raise DatasetError(msg)
            entries[entry.id] = entry
        return list(entries.values())


def _entry(row: Row, folder: Path) -> ClipEntry:
    column = _file_column(row)
    name = row.fields[column]
    path = folder / name
    inside = Path(os.path.normpath(path)).is_relative_to(os.path.normpath(folder))
    if not inside and not is_file(path):
        msg = f"{row.where}: no such file {path} (paths are relative to {folder})"
        raise DatasetError(msg)
    tags = {key: value for key, value in row.fields.items() if key not in {column, "id"}}
    return ClipEntry(id=row.fields.get("id") or name_without_suffix(name), path=path, tags=tags)


def _file_column(row: Row) -> str:
    present = [column for column in FILE_COLUMNS if column in row.fields]
    if not present:
        found = ", ".join(row.fields) or "nothing"
        msg = f"{row.where}: no value for 'file' or 'path'; found {found}"
        raise DatasetError(msg)
    if len(present) > 1:
        msg = f"{row.where}: both 'file' and 'path' are given; keep one"
        raise DatasetError(msg)
    return present[0]


def is_file(path: Path) -> bool:
    """Return whether a file can be found there, False too where looking is not possible."""
    try:
        return path.is_file()
    except OSError:
        # A name too long, or a folder that may not be entered.
        return False


def name_without_suffix(name: str) -> str:
    """Return a relative path without suffix and without leading ``..`` or ``/``, as an id."""
    parts = PurePath(os.path.normpath(name)).parts
    kept = [part for part in parts if part not in {"..", os.sep, "//"}]
    return PurePath(*kept).with_suffix("").as_posix() if kept else name
