"""What was ever computed, by content: shared by all runs of a user."""

import json
import sqlite3
import time
from collections.abc import Iterable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import platformdirs

from codecbench.benchmark.database_faults import database_faults
from codecbench.benchmark.framing import Message
from codecbench.benchmark.objects import ObjectStore
from codecbench.benchmark.read_only import open_read_only
from codecbench.benchmark.store_schema import row_sum
from codecbench.core.errors import ResultSchemaError, RunError
from codecbench.core.whole_file import DRAFT

_SCHEMA = 2
"""2 has sums, which 1 had not."""

_WAY_OUT = "delete it, everything can be computed again"
_CHUNK = 500

CROPS = "crops"
"""Folder of parts of clips, which reading a dataset with ``crop_s`` leaves in the user's cache."""

_DRAFT_S = 3600.0
"""A draft that is older was left by a process that was killed."""


def default_cache_folder() -> Path:
    """Return the user's cache folder for codecbench."""
    return Path(platformdirs.user_cache_dir("codecbench"))


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheUsage:
    """How much lies in a cache, or was removed from it."""

    records: int
    files: int
    bytes: int


class _CachedFile(NamedTuple):
    used: float
    size: int
    path: Path


class Cache:
    """Records by key in SQLite, and the files that they name beside it."""

    def __init__(self, root: Path, *, write: bool = True) -> None:
        """Open a cache; it is made when missing.

        Args:
            root: Its folder.
            write: Whether anything may be written there; one that is missing is empty otherwise.

        Raises:
            ResultSchemaError: It is damaged or of another version.
            RunError: Nothing can be written there.
        """
        self.root = root
        self.objects = ObjectStore(root / "objects")
        self._path = root / "cache.sqlite"
        self._write = write
        if not write:
            with database_faults(self._path, _WAY_OUT):
                self._db, self._sum = _open_to_read(self._path)
            return
        self._sum = "sum"
        try:
            root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            msg = f"{root}: cannot be written ({error.strerror}); choose another with --cache"
            raise RunError(msg) from error
        with database_faults(self._path, _WAY_OUT):
            self._db = sqlite3.connect(self._path, timeout=60)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            version = self._db.execute("PRAGMA user_version").fetchone()[0]
            if version not in (0, 1, _SCHEMA):
                msg = f"{self._path}: cache version {version}, expected {_SCHEMA}; delete it"
                raise ResultSchemaError(msg)
            self._db.execute(
                "CREATE TABLE IF NOT EXISTS records"
                " (key TEXT PRIMARY KEY, body TEXT NOT NULL, used REAL NOT NULL, sum INTEGER)"
                " WITHOUT ROWID"
            )
            if version == 1:
                # What was kept before there were sums is taken as it is.
                self._db.execute("ALTER TABLE records ADD COLUMN sum INTEGER")
            self._db.execute(f"PRAGMA user_version={_SCHEMA}")
            self._db.commit()

    def get(self, keys: Iterable[str]) -> dict[str, Message]:
        """Return the records that there are; one that was altered by accident is none."""
        wanted = list(keys)
        found: dict[str, Message] = {}
        with database_faults(self._path, _WAY_OUT):
            for start in range(0, len(wanted), _CHUNK):
                part = wanted[start : start + _CHUNK]
                marks = ",".join("?" * len(part))
                found.update(
                    (key, json.loads(body))
                    for key, body, stored in self._db.execute(
                        f"SELECT key, body, {self._sum} FROM records WHERE key IN ({marks})", part
                    )
                    if stored is None or stored == row_sum((key, body))
                )
            if found and self._write:
                now = time.time()
                self._db.executemany(
                    "UPDATE records SET used=? WHERE key=?", [(now, key) for key in found]
                )
                self._db.commit()
        return found

    def put(self, records: Mapping[str, Message]) -> None:
        """Keep records.

        Raises:
            StorageError: The disk is full or fails.
        """
        now = time.time()
        bodies = [(key, json.dumps(body, allow_nan=False)) for key, body in records.items()]
        with database_faults(self._path, _WAY_OUT):
            self._db.executemany(
                "INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?)",
                [(key, body, now, row_sum((key, body))) for key, body in bodies],
            )
            self._db.commit()

    def usage(self) -> CacheUsage:
        """Count records and files: coded audio, bitstreams, and parts of clips."""
        found = self._files()
        records = self._db.execute("SELECT COUNT(*) FROM records").fetchone()[0]
        size = sum(each.size for each in found) + self._path.stat().st_size
        return CacheUsage(records=records, files=len(found), bytes=size)

    def collect(self, *, max_bytes: int, only_plan: bool = False) -> CacheUsage:
        """Remove the files that were used longest ago until the rest fits; records stay.

        A record whose files are gone is coded again when its audio is needed; parts of clips are
        cut again when the data is read; scores that are known stay known.

        Args:
            max_bytes: What the files may take.
            only_plan: Whether to say what would be removed, and leave it.

        Returns:
            What was removed, or would be.
        """
        entries = self._files()
        total = sum(each.size for each in entries)
        removed = freed = 0
        for each in sorted(entries):
            if total - freed <= max_bytes:
                break
            if not only_plan:
                each.path.unlink(missing_ok=True)
            removed += 1
            freed += each.size
        return CacheUsage(records=0, files=removed, bytes=freed)

    def _files(self) -> list[_CachedFile]:
        """Return every file that can be made again."""
        found = []
        for folder in (self.objects.root, self.root / CROPS):
            for path in folder.rglob("*"):
                # Another process may write or remove files meanwhile.
                with suppress(FileNotFoundError):
                    state = path.stat()
                    is_draft = path.name.startswith(DRAFT)
                    if not path.is_file() or (is_draft and time.time() - state.st_mtime < _DRAFT_S):
                        continue
                    # Reading counts as use where the file system notes it.
                    used = max(state.st_atime, state.st_mtime)
                    found.append(_CachedFile(used, state.st_size, path))
        return found

    def close(self) -> None:
        """Close the database."""
        with closing(self._db):
            self._db.commit()


def _open_to_read(path: Path) -> tuple[sqlite3.Connection, str]:
    """Open a cache that stays as it is; return it with the column that has the sums."""
    if not path.is_file():
        db = sqlite3.connect(":memory:")
        db.execute("CREATE TABLE records (key TEXT PRIMARY KEY, body TEXT, sum INTEGER)")
        return db, "sum"
    db = open_read_only(path)
    version = db.execute("PRAGMA user_version").fetchone()[0]
    return db, "NULL" if version == 1 else "sum"
