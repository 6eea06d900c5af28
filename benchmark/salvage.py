"""A damaged store is moved aside, and every row of it that is as it was written is kept."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from itertools import count, islice
from pathlib import Path
from typing import Any, TypeVar

from codecbench.benchmark.events import StoreSalvaged
from codecbench.benchmark.plan import Plan
from codecbench.benchmark.store import (
    FILE,
    CellRow,
    EncodingRow,
    Place,
    RunStore,
    cell_of,
    encoding_of,
    open_to_read,
)
from codecbench.benchmark.store_schema import COLUMNS, row_sum
from codecbench.core.errors import DamagedStoreError, ResultSchemaError

Row = TypeVar("Row", EncodingRow, CellRow)

_BESIDE = ("", "-wal", "-shm")
"""Endings of a database and of what SQLite keeps beside it."""

_BATCH = 10_000


def open_or_salvage(folder: Path, plan: Plan) -> tuple[RunStore, StoreSalvaged | None]:
    """Open a run folder for writing; a store that is damaged is replaced by what it still holds.

    Rows are looked for one by one, by the places of the plan, so that a page that cannot be read
    costs the rows on it and no others.

    Args:
        folder: The run folder.
        plan: What may stand in it.

    Returns:
        The store, and what was salvaged where it was damaged.

    Raises:
        ResultSchemaError: It is of a later version.
        RunError: Another process writes to it, or nothing can be written there.
    """
    try:
        return _checked(folder), None
    except DamagedStoreError as error:
        why = str(error)
    damaged = _move_aside(folder)
    store = RunStore(folder, write=True)
    try:
        encodings = _copy_encodings(damaged, plan, store)
        cells = _copy_cells(damaged, plan, store)
    except BaseException:
        store.close()
        raise
    found = StoreSalvaged(why=why, damaged=damaged, encodings=encodings, cells=cells)
    return store, found


def _checked(folder: Path) -> RunStore:
    store = RunStore(folder, write=True)
    try:
        store.check()
    except BaseException:
        store.close()
        raise
    return store


def _move_aside(folder: Path) -> Path:
    stem = FILE.removesuffix(".sqlite")
    names = (folder / f"{stem}.damaged-{number}.sqlite" for number in count(1))
    target = next(name for name in names if not name.exists())
    for ending in _BESIDE:
        path = folder / f"{FILE}{ending}"
        if path.exists():
            path.rename(f"{target}{ending}")
    return target


def _places(plan: Plan) -> Iterator[Place]:
    for system in plan.systems:
        for point in system.facts.points:
            for condition in plan.conditions:
                for clip in plan.dataset.clips:
                    yield Place(
                        codec=system.facts.codec,
                        point=point.name,
                        condition=condition.name,
                        clip=clip.id,
                    )


def _copy_encodings(damaged: Path, plan: Plan, store: RunStore) -> int:
    keys = ((p.codec, p.point, p.condition, p.clip) for p in _places(plan))
    total = 0
    for batch in _batches(_intact(damaged, "encodings", keys, encoding_of)):
        store.put(encodings=batch)
        total += len(batch)
    return total


def _copy_cells(damaged: Path, plan: Plan, store: RunStore) -> int:
    names = [output.name for metric in plan.metrics for output in metric.outputs]
    keys = ((p.codec, p.point, p.condition, p.clip, name) for p in _places(plan) for name in names)
    total = 0
    for batch in _batches(_intact(damaged, "cells", keys, cell_of)):
        store.put(cells=batch)
        total += len(batch)
    return total


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while batch := list(islice(rows, _BATCH)):
        yield batch


def _intact(
    damaged: Path,
    table: str,
    keys: Iterator[tuple[str, ...]],
    convert: Callable[[Sequence[Any]], Row],  # Any: what SQLite gives back
) -> Iterator[Row]:
    """Hand out the rows of some keys that are there and as they were written."""
    try:
        db, version = open_to_read(damaged)
    except (ResultSchemaError, sqlite3.DatabaseError):
        return
    columns = COLUMNS[table]
    wanted = columns if version < 3 else (*columns, "sum")
    with closing(db):
        for key in keys:
            where = " AND ".join(f"{column}=?" for column in columns[: len(key)])
            query = f"SELECT {', '.join(wanted)} FROM {table} WHERE {where}"
            # ValueError, TypeError: what a row without a sum holds may be anything.
            with suppress(sqlite3.DatabaseError, ResultSchemaError, ValueError, TypeError):
                row = db.execute(query, key).fetchone()
                if row is not None and (wanted == columns or row_sum(row[:-1]) == row[-1]):
                    yield convert(row[: len(columns)])
