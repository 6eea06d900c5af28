"""What SQLite says when a disk is full or a file is damaged, in errors of ours."""

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from codecbench.core.errors import DamagedStoreError, RunError, StorageError

_DISK = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_IOERR: "the disk is full or fails",
}
_REFUSED = {
    sqlite3.SQLITE_READONLY: "it is read-only",
    sqlite3.SQLITE_CANTOPEN: "nothing can be written beside it",
    sqlite3.SQLITE_BUSY: "another process has been writing to it for a minute",
}
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_OTHER_SCHEMA = ("no such column", "no such table")
"""Of a store whose tables must be there: a byte of their definition has changed."""
_PRIMARY = 0xFF  # the lowest byte of a result code; the others say more of the same


@contextmanager
def database_faults(path: Path, way_out: str) -> Generator[None, None, None]:
    """Turn what SQLite raises within the context into errors with a way out.

    Args:
        path: The database.
        way_out: What to do where it is damaged.

    Raises:
        StorageError: The disk is full or failing.
        RunError: It may not be written.
        DamagedStoreError: The file is damaged.
    """
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY
        if code in _DISK:
            why = f"cannot be written, {_DISK[code]} ({error})"
            msg = f"{path}: {why}; make room, then the same command goes on from here"
            raise StorageError(msg) from error
        if code in _REFUSED:
            msg = f"{path}: cannot be written, {_REFUSED[code]} ({error}); choose another folder"
            raise RunError(msg) from error
        # Neither text that cannot be decoded nor a schema that is another has a code of its own.
        told = str(error)
        if code in _DAMAGED or "Could not decode" in told or told.startswith(_OTHER_SCHEMA):
            msg = f"{path}: damaged ({error}); {way_out}"
            raise DamagedStoreError(msg) from error
        raise
