"""The tables of a run store, the sum that each row carries, and the way up from older versions."""

import sqlite3
import zlib
from collections.abc import Mapping, Sequence

from codecbench.core.errors import ResultSchemaError

STORE_VERSION = 3
READABLE_VERSIONS = (1, 2, 3)
"""1 has no conditions but ``clean``, 2 has them, 3 has a sum in each row; the columns are alike."""

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "facts": ("key", "body"),
    "clips": ("position", "id", "body"),
    "systems": ("position", "codec", "body"),
    "metrics": ("position", "name", "body"),
    "encodings": (
        *("codec", "point", "condition", "clip"),
        *("key", "status", "reason", "detail", "body"),
    ),
    "cells": (
        *("codec", "point", "condition", "clip", "metric"),
        *("key", "status", "value", "reason", "detail", "compute_s"),
    ),
}
"""Columns of each table, without the sum that follows them."""

_TABLES = """
CREATE TABLE IF NOT EXISTS facts (
    key TEXT PRIMARY KEY, body TEXT NOT NULL, sum INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS clips (
    position INTEGER, id TEXT PRIMARY KEY, body TEXT NOT NULL, sum INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS systems (
    position INTEGER, codec TEXT PRIMARY KEY, body TEXT NOT NULL, sum INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS metrics (
    position INTEGER, name TEXT PRIMARY KEY, body TEXT NOT NULL, sum INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS encodings (
    codec TEXT, point TEXT, condition TEXT, clip TEXT,
    key TEXT NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL,
    body TEXT NOT NULL, sum INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (codec, point, condition, clip)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS cells (
    codec TEXT, point TEXT, condition TEXT, clip TEXT, metric TEXT,
    key TEXT NOT NULL, status TEXT NOT NULL, value REAL, reason TEXT NOT NULL,
    detail TEXT NOT NULL, compute_s REAL NOT NULL, sum INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (codec, point, condition, clip, metric)) WITHOUT ROWID;
"""


def row_sum(row: Sequence[object]) -> int:
    """Return the CRC-32 over a row as SQLite gives it back; damage of a disk does not go unseen."""
    return zlib.crc32("\x1f".join(map(str, row)).encode())


def stored_version(db: sqlite3.Connection, path: object) -> int:
    """Return the version of a store; 0 for an empty file.

    Raises:
        ResultSchemaError: It is of a later version than is known here.
    """
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    if version not in (0, *READABLE_VERSIONS):
        msg = (
            f"{path}: schema {version}, this codecbench reads {READABLE_VERSIONS[0]} to "
            f"{STORE_VERSION}; a later codecbench has written it: pip install -U codecbench"
        )
        raise ResultSchemaError(msg)
    return version


def bring_up(db: sqlite3.Connection, version: int) -> None:
    """Make the tables of a new store, or bring those of an older one to the present version.

    Args:
        db: Opened for writing.
        version: The version that it has; 0 for none.
    """
    if 0 < version < STORE_VERSION:
        db.create_function("row_sum", -1, lambda *row: row_sum(row), deterministic=True)
        with db:
            db.execute("BEGIN IMMEDIATE")
            for table, columns in COLUMNS.items():
                db.execute(f"ALTER TABLE {table} ADD COLUMN sum INTEGER NOT NULL DEFAULT 0")
                db.execute(f"UPDATE {table} SET sum = row_sum({', '.join(columns)})")
            db.execute(f"PRAGMA user_version={STORE_VERSION}")
        return
    db.executescript(_TABLES)
    db.execute(f"PRAGMA user_version={STORE_VERSION}")
    db.commit()
