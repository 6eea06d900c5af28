"""A damaged store is moved aside, and every row of it that is as it was written is kept."""

import json
from collections.abc import Iterable, Iterator
from itertools import count, islice
from pathlib import Path
from typing import TypeVar

from codecbench.benchmark.carving import Value, intact_rows
from codecbench.benchmark.events import StoreSalvaged
from codecbench.benchmark.store import FILE, RunStore, cell_of, encoding_of
from codecbench.core.cell import Status
from codecbench.core.errors import DamagedStoreError

Row = TypeVar("Row")

_BESIDE = ("", "-wal", "-shm")
"""Endings of a database and of what SQLite keeps beside it."""

_BATCH = 10_000


def open_or_salvage(folder: Path) -> tuple[RunStore, StoreSalvaged | None]:
    """Open a run folder for writing; a store that is damaged is replaced by what it still holds.

    Only values are kept, and what a reference decides; what failed is tried again in any case.

    Args:
        folder: The run folder.

    Returns:
        The store, and what was salvaged where it was damaged.

    Raises:
        ResultSchemaError: It is of a later version.
        RunError: Another process writes to it, or nothing can be written there.
    """
    try:
        return _checked(folder), None
    except DamagedStoreError as error:
        why = str(error).partition(";")[0]
    damaged = _move_aside(folder)
    store = RunStore(folder, write=True)
    try:
        encodings, cells = _copy(damaged, store)
    except BaseException:
        store.close()
        raise
    return store, StoreSalvaged(why=why, damaged=damaged, encodings=encodings, cells=cells)


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


def _copy(damaged: Path, store: RunStore) -> tuple[int, int]:
    """Put what is intact into a new store; return the numbers of its encodings and cells."""
    final = (Status.OK.value, Status.UNDEFINED.value)
    rows = [row for row in intact_rows(damaged) if row[0] == "facts" or _status(row) in final]
    # Says which suite it was.
    facts = {str(key): json.loads(str(body)) for key, body in _of("facts", rows)}
    store.write_plan(facts=facts, clips=[], systems=[], metrics=[])
    for encodings in _batches(map(encoding_of, _of("encodings", rows))):
        store.put(encodings=encodings)
    for cells in _batches(map(cell_of, _of("cells", rows))):
        store.put(cells=cells)
    return len(store.encodings()), len(store.cells())


def _status(row: tuple[str, tuple[Value, ...]]) -> Value:
    table, values = row
    return values[5] if table == "encodings" else values[6]


def _of(table: str, rows: Iterable[tuple[str, tuple[Value, ...]]]) -> Iterator[tuple[Value, ...]]:
    return (values for name, values in rows if name == table)


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while batch := list(islice(rows, _BATCH)):
        yield batch
