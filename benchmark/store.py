"""The run folder's database: what was planned and what became of it. Only the parent writes."""

import fcntl
import json
import sqlite3
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Protocol

from codecbench.benchmark.database_faults import database_faults
from codecbench.benchmark.framing import Message
from codecbench.benchmark.read_only import open_read_only
from codecbench.benchmark.results import MetricFacts, PointFacts, SystemFacts
from codecbench.benchmark.store_schema import (
    COLUMNS,
    STORE_VERSION,
    bring_up,
    row_sum,
    stored_version,
)
from codecbench.core.cell import Cell, Status
from codecbench.core.errors import DamagedStoreError, ResultSchemaError, RunError
from codecbench.core.fingerprint import Json
from codecbench.datasets.base import Clip

FILE = "results.sqlite"

_WAY_OUT = "'codecbench run' with the same suite and folder keeps what is intact"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where in a run something stands."""

    codec: str
    point: str
    condition: str
    clip: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodingRow:
    """What became of one clip at one point.

    Attributes:
        place: Where.
        key: Coding key.
        status: As for cells.
        reason: As for cells.
        detail: For people.
        record: What the coding step measured; empty unless ok.
    """

    place: Place
    key: str
    status: Status
    reason: str = ""
    detail: str = ""
    record: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class CellRow:
    """One cell with its place, key and cost."""

    place: Place
    metric: str
    key: str
    cell: Cell
    compute_s: float = 0.0


class StageStore(Protocol):
    """What the stages of a run need of a store."""

    def encodings(self) -> dict[Place, EncodingRow]:
        """Return every encoding by its place."""

    def cells(self) -> dict[tuple[Place, str], CellRow]:
        """Return every cell by its place and metric."""

    def put(self, encodings: Iterable[EncodingRow] = (), cells: Iterable[CellRow] = ()) -> None:
        """Keep rows."""

    def forget(self, encodings: Iterable[Place], cells: Iterable[tuple[Place, str]]) -> None:
        """Remove rows that are no part of the plan any more."""


class RunStore:
    """The database of one run folder, opened for reading or locked for writing."""

    def __init__(self, folder: Path, *, write: bool = False) -> None:
        """Open the store of a run folder.

        Args:
            folder: The run folder; made when writing.
            write: Whether to lock it and write.

        Raises:
            ResultSchemaError: No run there, or one of a later version.
            DamagedStoreError: It is damaged.
            RunError: Another process writes to it, or nothing can be written there.
        """
        self.folder = folder
        self.path = folder / FILE
        self._lock: IO[str] | None = None
        self._ahead: dict[str, list[tuple[Any, ...]]] = {}
        if write:
            self._lock = _take_lock(folder)
        elif not self.path.is_file():
            msg = f"{folder}: no run there; 'codecbench run -o {folder}' makes one"
            raise ResultSchemaError(msg)
        try:
            with database_faults(self.path, _WAY_OUT):
                self._db, self._version = _open(self.path, write=write)
        except BaseException:
            self._release()
            raise

    def check(self) -> None:
        """Read everything, so that what is damaged is known before anything is added.

        What was read is handed out by the next call of `encodings` and `cells`.

        Raises:
            DamagedStoreError: Something is.
        """
        with database_faults(self.path, _WAY_OUT):
            (found,) = self._db.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise self._damaged(str(found))
        self._ahead = {table: self._rows(table) for table in COLUMNS}

    def stamp(self) -> str:
        """Return a short text that changes with anything that is stored."""
        with database_faults(self.path, _WAY_OUT):
            return " ".join(
                "{}:{}".format(
                    *self._db.execute(f"SELECT COUNT(*), SUM(sum) FROM {table}").fetchone()
                )
                for table in COLUMNS
            )

    def facts(self) -> dict[str, Json]:
        """Return everything that is kept by name: the plan's name, the suite, the environment."""
        return {key: json.loads(body) for key, body in self._rows("facts")}

    def write_plan(
        self,
        *,
        facts: dict[str, Json],
        clips: Sequence[Clip],
        systems: Sequence[SystemFacts],
        metrics: Sequence[MetricFacts],
    ) -> None:
        """Replace the plan; cells and encodings stay."""
        rows: dict[str, list[tuple[object, ...]]] = {
            "facts": [(key, json.dumps(value)) for key, value in facts.items()],
            "clips": [
                (i, clip.id, json.dumps(asdict(clip) | {"path": str(clip.path)}))
                for i, clip in enumerate(clips)
            ],
            "systems": [(i, s.codec, json.dumps(asdict(s))) for i, s in enumerate(systems)],
            "metrics": [(i, m.name, json.dumps(asdict(m))) for i, m in enumerate(metrics)],
        }
        with self._writing() as db:
            for table, new in rows.items():
                self._ahead.pop(table, None)
                db.execute(f"DELETE FROM {table}")
                _insert(db, table, new)

    def clips(self) -> list[Clip]:
        """Return the clips in the order of the dataset."""
        found = []
        for _, _, body in sorted(self._rows("clips")):
            table = json.loads(body)
            found.append(Clip(**(table | {"path": Path(table["path"])})))
        return found

    def systems(self) -> list[SystemFacts]:
        """Return the systems in the order asked for."""
        found = []
        for _, _, body in sorted(self._rows("systems")):
            table = json.loads(body)
            points = tuple(PointFacts(**point) for point in table.pop("points"))
            found.append(SystemFacts(points=points, **table))
        return found

    def metrics(self) -> list[MetricFacts]:
        """Return the metric outputs in the order asked for."""
        found = []
        for _, _, body in sorted(self._rows("metrics")):
            table = json.loads(body)
            low, high = table.pop("range")
            found.append(MetricFacts(range=(float(low), float(high)), **table))
        return found

    def encodings(self) -> dict[Place, EncodingRow]:
        """Return every encoding by its place."""
        rows = map(encoding_of, self._rows("encodings"))
        return {row.place: row for row in rows}

    def cells(self) -> dict[tuple[Place, str], CellRow]:
        """Return every cell by its place and metric."""
        rows = map(cell_of, self._rows("cells"))
        return {(row.place, row.metric): row for row in rows}

    def put(self, encodings: Iterable[EncodingRow] = (), cells: Iterable[CellRow] = ()) -> None:
        """Write rows in one transaction."""
        self._ahead.clear()
        with self._writing() as db:
            _insert(db, "encodings", (_encoding_columns(row) for row in encodings))
            _insert(db, "cells", (_cell_columns(row) for row in cells))

    def forget(self, encodings: Iterable[Place], cells: Iterable[tuple[Place, str]]) -> None:
        """Remove rows that are no part of the plan any more."""
        self._ahead.clear()
        where = "codec=? AND point=? AND condition=? AND clip=?"
        with self._writing() as db:
            db.executemany(
                f"DELETE FROM encodings WHERE {where}",
                [_place_columns(place) for place in encodings],
            )
            db.executemany(
                f"DELETE FROM cells WHERE {where} AND metric=?",
                [(*_place_columns(place), metric) for place, metric in cells],
            )

    def close(self) -> None:
        """Close the database and give the lock back."""
        self._db.close()
        self._release()

    def __enter__(self) -> "RunStore":
        """Return itself."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Close."""
        self.close()

    @contextmanager
    def _writing(self) -> Generator[sqlite3.Connection, None, None]:
        with database_faults(self.path, _WAY_OUT), self._db as db:
            yield db

    def _rows(self, table: str) -> list[tuple[Any, ...]]:
        # Any: SQLite's columns have the types that the schema gives them.
        if table in self._ahead:
            return self._ahead.pop(table)
        columns = COLUMNS[table]
        wanted = columns if self._version < 3 else (*columns, "sum")
        with database_faults(self.path, _WAY_OUT):
            rows = self._db.execute(f"SELECT {', '.join(wanted)} FROM {table}").fetchall()
        if wanted == columns:
            return rows
        if wrong := sum(row_sum(row[:-1]) != row[-1] for row in rows):
            raise self._damaged(f"{wrong} of {len(rows)} rows of {table} are not as written")
        return [row[:-1] for row in rows]

    def stream(self, table: str) -> Iterator[tuple[Any, ...]]:
        """Hand out the rows of a table one by one, without their sums, in the table's order.

        Raises:
            DamagedStoreError: Rows are not as written; said after the last one.
        """
        # Any: SQLite's columns have the types that the schema gives them.
        columns = COLUMNS[table]
        summed = self._version >= 3
        wanted = (*columns, "sum") if summed else columns
        wrong = total = 0
        with database_faults(self.path, _WAY_OUT):
            for row in self._db.execute(f"SELECT {', '.join(wanted)} FROM {table}"):
                total += 1
                wrong += summed and row_sum(row[:-1]) != row[-1]
                yield row[:-1] if summed else row
        if wrong:
            raise self._damaged(f"{wrong} of {total} rows of {table} are not as written")

    def _damaged(self, what: str) -> DamagedStoreError:
        return DamagedStoreError(f"{self.path}: damaged ({' '.join(what.split())}); {_WAY_OUT}")

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def _place_columns(place: Place) -> tuple[str, str, str, str]:
    return (place.codec, place.point, place.condition, place.clip)


def encoding_of(values: Sequence[Any]) -> EncodingRow:
    """Return the encoding that stands in a row of its table, without the sum."""
    codec, point, condition, clip, key, status, reason, detail, body = values
    return EncodingRow(
        place=Place(codec=codec, point=point, condition=condition, clip=clip),
        key=key,
        status=Status(status),
        reason=reason,
        detail=detail,
        record=json.loads(body),
    )


def cell_of(values: Sequence[Any]) -> CellRow:
    """Return the cell that stands in a row of its table, without the sum."""
    codec, point, condition, clip, metric, key, status, value, reason, detail, took = values
    return CellRow(
        place=Place(codec=codec, point=point, condition=condition, clip=clip),
        metric=metric,
        key=key,
        cell=Cell(status=Status(status), value=value, reason=reason, detail=detail),
        compute_s=took,
    )


def _encoding_columns(row: EncodingRow) -> tuple[object, ...]:
    record = json.dumps(row.record, allow_nan=False)
    what = (row.key, row.status.value, row.reason, row.detail, record)
    return (*_place_columns(row.place), *what)


def _cell_columns(row: CellRow) -> tuple[object, ...]:
    cell = row.cell
    # SQLite keeps no sign of a zero, and gives whole numbers back as floats.
    value = None if cell.value is None else float(cell.value) + 0.0
    what = (row.key, cell.status.value, value, cell.reason, cell.detail, float(row.compute_s))
    return (*_place_columns(row.place), row.metric, *what)


def _insert(db: sqlite3.Connection, table: str, rows: Iterable[tuple[object, ...]]) -> None:
    marks = ", ".join("?" * (len(COLUMNS[table]) + 1))
    db.executemany(
        f"INSERT OR REPLACE INTO {table} VALUES ({marks})", ((*row, row_sum(row)) for row in rows)
    )


def _open(path: Path, *, write: bool) -> tuple[sqlite3.Connection, int]:
    """Open a database and return it with its version."""
    if not write:
        return _open_to_read(path)
    db = sqlite3.connect(path, timeout=60)
    try:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=NORMAL")
        bring_up(db, stored_version(db, path))
    except BaseException:
        db.close()
        raise
    return db, STORE_VERSION


def _open_to_read(path: Path) -> tuple[sqlite3.Connection, int]:
    """Open a database that may lie where nothing can be written, and return it with its version."""
    db = open_read_only(path)
    try:
        version = stored_version(db, path)
        if version == 0:
            msg = f"{path}: empty; {_WAY_OUT}"
            raise DamagedStoreError(msg)
    except BaseException:
        db.close()
        raise
    return db, version


def _take_lock(folder: Path) -> IO[str]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / "lock").open("a+")
    except OSError as error:
        msg = f"{folder}: cannot be written ({error.strerror}); choose another folder"
        raise RunError(msg) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        msg = f"{folder}: another run writes here; wait for it or choose another folder"
        raise RunError(msg) from error
    return file
