"""The run folder's database: what was planned and what became of it. Only the parent writes."""

import fcntl
import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from codecbench.benchmark.framing import Message
from codecbench.benchmark.results import (
    READABLE_VERSIONS,
    SCHEMA_VERSION,
    MetricFacts,
    PointFacts,
    SystemFacts,
)
from codecbench.core.cell import Cell, Status
from codecbench.core.errors import ResultSchemaError, RunError
from codecbench.core.fingerprint import Json
from codecbench.datasets.base import Clip

FILE = "results.sqlite"

_TABLES = """
CREATE TABLE IF NOT EXISTS facts (key TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS clips (position INTEGER, id TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS systems (position INTEGER, codec TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS metrics (position INTEGER, name TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS encodings (
    codec TEXT, point TEXT, condition TEXT, clip TEXT,
    key TEXT NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (codec, point, condition, clip)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS cells (
    codec TEXT, point TEXT, condition TEXT, clip TEXT, metric TEXT,
    key TEXT NOT NULL, status TEXT NOT NULL, value REAL, reason TEXT NOT NULL,
    detail TEXT NOT NULL, compute_s REAL NOT NULL,
    PRIMARY KEY (codec, point, condition, clip, metric)) WITHOUT ROWID;
"""


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


class RunStore:
    """The database of one run folder, opened for reading or locked for writing."""

    def __init__(self, folder: Path, *, write: bool = False) -> None:
        """Open the store of a run folder.

        Args:
            folder: The run folder; made when writing.
            write: Whether to lock it and write.

        Raises:
            ResultSchemaError: No run there, damaged, or of another version.
            RunError: Another process writes to it.
        """
        self.folder = folder
        self._lock: IO[str] | None = None
        path = folder / FILE
        if write:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = _take_lock(folder / "lock")
        elif not path.is_file():
            msg = f"{folder}: no run there; 'codecbench run -o {folder}' makes one"
            raise ResultSchemaError(msg)
        try:
            target = str(path) if write else f"file:{path}?mode=ro"
            self._db = sqlite3.connect(target, timeout=60, uri=not write)
            if write:
                self._db.execute("PRAGMA journal_mode=WAL")
                self._db.execute("PRAGMA synchronous=NORMAL")
            version = int(self._db.execute("PRAGMA user_version").fetchone()[0])
            if version not in ((0, *READABLE_VERSIONS) if write else READABLE_VERSIONS):
                msg = f"{path}: schema {version}, this codecbench reads {SCHEMA_VERSION}"
                raise ResultSchemaError(msg)
            if write:
                self._db.executescript(_TABLES)
                self._db.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
                self._db.commit()
        except sqlite3.DatabaseError as error:
            self._release()
            msg = f"{path}: damaged ({error}); move it away and run again, the cache keeps values"
            raise ResultSchemaError(msg) from error

    def facts(self) -> dict[str, Json]:
        """Return everything that is kept by name: the plan's name, the suite, the environment."""
        return {key: json.loads(body) for key, body in self._rows("SELECT key, body FROM facts")}

    def write_plan(
        self,
        *,
        facts: dict[str, Json],
        clips: Sequence[Clip],
        systems: Sequence[SystemFacts],
        metrics: Sequence[MetricFacts],
    ) -> None:
        """Replace the plan; cells and encodings stay."""
        with self._db as db:
            for table in ("facts", "clips", "systems", "metrics"):
                db.execute(f"DELETE FROM {table}")
            db.executemany(
                "INSERT INTO facts VALUES (?, ?)", [(k, json.dumps(v)) for k, v in facts.items()]
            )
            db.executemany(
                "INSERT INTO clips VALUES (?, ?, ?)",
                [
                    (i, c.id, json.dumps(asdict(c) | {"path": str(c.path)}))
                    for i, c in enumerate(clips)
                ],
            )
            db.executemany(
                "INSERT INTO systems VALUES (?, ?, ?)",
                [(i, s.codec, json.dumps(asdict(s))) for i, s in enumerate(systems)],
            )
            db.executemany(
                "INSERT INTO metrics VALUES (?, ?, ?)",
                [(i, m.name, json.dumps(asdict(m))) for i, m in enumerate(metrics)],
            )

    def clips(self) -> list[Clip]:
        """Return the clips in the order of the dataset."""
        found = []
        for (body,) in self._rows("SELECT body FROM clips ORDER BY position"):
            table = json.loads(body)
            found.append(Clip(**(table | {"path": Path(table["path"])})))
        return found

    def systems(self) -> list[SystemFacts]:
        """Return the systems in the order asked for."""
        found = []
        for (body,) in self._rows("SELECT body FROM systems ORDER BY position"):
            table = json.loads(body)
            points = tuple(PointFacts(**point) for point in table.pop("points"))
            found.append(SystemFacts(points=points, **table))
        return found

    def metrics(self) -> list[MetricFacts]:
        """Return the metric outputs in the order asked for."""
        found = []
        for (body,) in self._rows("SELECT body FROM metrics ORDER BY position"):
            table = json.loads(body)
            low, high = table.pop("range")
            found.append(MetricFacts(range=(float(low), float(high)), **table))
        return found

    def encodings(self) -> dict[Place, EncodingRow]:
        """Return every encoding by its place."""
        rows = self._rows(
            "SELECT codec, point, condition, clip, key, status, reason, detail, body FROM encodings"
        )
        found: dict[Place, EncodingRow] = {}
        for codec, point, condition, clip, key, status, reason, detail, body in rows:
            place = Place(codec=codec, point=point, condition=condition, clip=clip)
            found[place] = EncodingRow(
                place=place,
                key=key,
                status=Status(status),
                reason=reason,
                detail=detail,
                record=json.loads(body),
            )
        return found

    def cells(self) -> dict[tuple[Place, str], CellRow]:
        """Return every cell by its place and metric."""
        rows = self._rows(
            "SELECT codec, point, condition, clip, metric, key, status, value, reason, detail,"
            " compute_s FROM cells"
        )
        found: dict[tuple[Place, str], CellRow] = {}
        for codec, point, condition, clip, metric, key, status, value, why, detail, took in rows:
            place = Place(codec=codec, point=point, condition=condition, clip=clip)
            cell = Cell(status=Status(status), value=value, reason=why, detail=detail)
            found[place, metric] = CellRow(
                place=place, metric=metric, key=key, cell=cell, compute_s=took
            )
        return found

    def put(self, encodings: Iterable[EncodingRow] = (), cells: Iterable[CellRow] = ()) -> None:
        """Write rows in one transaction."""
        with self._db as db:
            db.executemany(
                "INSERT OR REPLACE INTO encodings VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        *_place_columns(row.place),
                        row.key,
                        row.status.value,
                        row.reason,
                        row.detail,
                        json.dumps(row.record, allow_nan=False),
                    )
                    for row in encodings
                ],
            )
            db.executemany(
                "INSERT OR REPLACE INTO cells VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        *_place_columns(row.place),
                        row.metric,
                        row.key,
                        row.cell.status.value,
                        row.cell.value,
                        row.cell.reason,
                        row.cell.detail,
                        row.compute_s,
                    )
                    for row in cells
                ],
            )

    def forget(self, encodings: Iterable[Place], cells: Iterable[tuple[Place, str]]) -> None:
        """Remove rows that are no part of the plan any more."""
        where = "codec=? AND point=? AND condition=? AND clip=?"
        with self._db as db:
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

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        # Any: SQLite's columns have the types that the schema above gives them.
        try:
            return self._db.execute(query).fetchall()
        except sqlite3.DatabaseError as error:
            msg = f"{self.folder / FILE}: damaged ({error}); run again, the cache keeps values"
            raise ResultSchemaError(msg) from error

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def _place_columns(place: Place) -> tuple[str, str, str, str]:
    return (place.codec, place.point, place.condition, place.clip)


def _take_lock(path: Path) -> IO[str]:
    file = path.open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        msg = f"{path.parent}: another run writes here; wait for it or choose another folder"
        raise RunError(msg) from error
    return file
