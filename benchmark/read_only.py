"""Opening a database of ours where nothing may be written."""

import sqlite3
from pathlib import Path
from urllib.parse import quote


def open_read_only(path: Path) -> sqlite3.Connection:
    """Open a database that may lie where nothing can be written.

    Args:
        path: A file that exists.

    Raises:
        sqlite3.DatabaseError: It cannot be read.
    """
    name = quote(str(path.absolute()))
    journal = path.with_name(f"{path.name}-wal")
    # SQLite wants to make a file beside the database, unless it is told that nobody writes.
    # Where a journal lies there, that would be a lie.
    has_journal = journal.exists() and journal.stat().st_size > 0
    modes = ("mode=ro",) if has_journal else ("mode=ro", "immutable=1")
    for mode in modes:
        db = sqlite3.connect(f"file:{name}?{mode}", timeout=60, uri=True)
        try:
            db.execute("PRAGMA user_version").fetchone()
        except BaseException as error:
            db.close()
            if isinstance(error, sqlite3.OperationalError) and mode != modes[-1]:
                continue
            raise
        break
    return db
