"""A store that is cut off, altered, old or out of reach: what is intact is kept and used."""

import shutil
import sqlite3
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from codecbench.benchmark.cache import Cache
from codecbench.benchmark.events import Event, StageStarted, StoreSalvaged
from codecbench.benchmark.reading import read_results
from codecbench.benchmark.runner import RunOptions, run_suite
from codecbench.benchmark.store import RunStore
from codecbench.benchmark.suite import Suite
from codecbench.core.audio import Audio
from codecbench.core.audio_file import write_audio
from codecbench.core.errors import DamagedStoreError, ResultSchemaError
from codecbench.reports.export import csv_bytes

PLANTED = Path(__file__).parent / "planted.py"
OLD = Path(__file__).parent / "old_stores"
POINTS = tuple(range(3, 13))
CELLS = 4 * len(POINTS)
DROP_TIMES = {"compute_s": np.nan}


@dataclass(frozen=True)
class Finished:
    """A finished run with its cache, which tests copy before they break it."""

    folder: Path
    clips: Path
    export: bytes

    def copy(self, to: Path) -> Path:
        shutil.copytree(self.folder / "run", to / "run")
        return to / "run"

    def again(self, out: Path, cache: Path) -> tuple[list[Event], bytes]:
        """Run the same suite; return what it told and what it found, times aside."""
        suite = Suite(
            codecs=(f"{PLANTED}:CoarseCodec:bits={'|'.join(map(str, POINTS))}",),
            data=str(self.clips),
            metrics=(f"{PLANTED}:Counting",),
        )
        events = list(run_suite(suite, out, options=RunOptions(jobs=1, cache=cache)))
        return events, csv_bytes(read_results(out).frame.assign(**DROP_TIMES))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    folder = tmp_path_factory.mktemp("finished")
    rng = np.random.default_rng(0)
    for number in range(4):
        noise = 0.2 * rng.standard_normal(1600 + number).clip(-4, 4)
        write_audio(folder / f"clips/clip{number}.wav", Audio(noise, 16000))
    made = Finished(folder=folder, clips=folder / "clips", export=b"")
    _, export = made.again(folder / "run", folder / "cache")
    return Finished(folder=folder, clips=folder / "clips", export=export)


@pytest.fixture
def steps() -> Callable[[list[Event]], int]:
    """Count what had to be computed."""
    return lambda events: sum(each.steps for each in events if isinstance(each, StageStarted))


def salvaged(events: list[Event]) -> list[StoreSalvaged]:
    return [event for event in events if isinstance(event, StoreSalvaged)]


def cut(share: float) -> Callable[[Path], None]:
    def damage(store: Path) -> None:
        data = store.read_bytes()
        store.write_bytes(data[: int(len(data) * share)])

    return damage


def overwrite_a_page(store: Path) -> None:
    data = bytearray(store.read_bytes())
    start = len(data) // 2 // 4096 * 4096
    data[start : start + 4096] = b"\xa5" * 4096
    store.write_bytes(data)


def replace_all(store: Path) -> None:
    store.write_bytes(b"no database" * 999)


def flip_one_score(store: Path) -> None:
    """Change the last bit of a score where it lies; SQLite itself cannot notice."""
    with sqlite3.connect(store) as db:
        (value,) = db.execute("SELECT value FROM cells LIMIT 1 OFFSET 7").fetchone()
    db.close()
    data = store.read_bytes()
    old = struct.pack(">d", value)
    assert data.count(old) == 1
    store.write_bytes(data.replace(old, old[:-1] + bytes([old[-1] ^ 1])))


@pytest.mark.parametrize(
    ("damage", "least", "why"),
    [
        pytest.param(cut(0.7), CELLS // 2, "damaged", id="cut"),
        pytest.param(overwrite_a_page, CELLS, "damaged", id="page"),
        pytest.param(flip_one_score, 2 * CELLS - 1, "1 of 40 rows of cells", id="bit"),
        pytest.param(cut(0.0), 0, "", id="empty", marks=pytest.mark.slow),
        pytest.param(replace_all, 0, "not a database", id="other", marks=pytest.mark.slow),
    ],
)
def test_what_is_intact_of_a_damaged_store_is_kept(
    finished: Finished,
    steps: Callable[[list[Event]], int],
    tmp_path: Path,
    damage: Callable[[Path], None],
    least: int,
    why: str,
) -> None:
    run = finished.copy(tmp_path)
    damage(run / "results.sqlite")
    with pytest.raises(DamagedStoreError, match="keeps what is intact") as caught:
        read_results(run)
    assert "\n" not in str(caught.value)
    assert why in str(caught.value)
    # An empty cache: whatever is known comes from the damaged file.
    events, export = finished.again(run, tmp_path / "cache")
    assert export == finished.export
    kept = sum(each.encodings + each.cells for each in salvaged(events))
    assert kept >= least
    # Audio is gone with the cache, so that a cell that is lost costs its coding too.
    assert steps(events) <= 2 * (2 * CELLS - kept)
    if why:
        (found,) = salvaged(events)
        assert found.damaged.is_file()
        assert "that are intact" in str(found)
    assert read_results(run).frame["value"].notna().all()


def test_the_cache_makes_a_lost_store_good(
    finished: Finished, steps: Callable[[list[Event]], int], tmp_path: Path
) -> None:
    run = finished.copy(tmp_path)
    cut(0.3)(run / "results.sqlite")
    events, export = finished.again(run, finished.folder / "cache")
    assert steps(events) == 0
    assert export == finished.export


def test_a_store_with_an_altered_schema_is_damaged(finished: Finished, tmp_path: Path) -> None:
    # One byte of the definition of a table is enough; SQLite has no code for what follows.
    out = finished.copy(tmp_path)
    with sqlite3.connect(out / "results.sqlite") as db:
        db.execute("ALTER TABLE clips RENAME COLUMN position TO positiom")
    db.close()
    with pytest.raises(DamagedStoreError, match="no such column"):
        read_results(out)


def test_an_altered_record_of_the_cache_is_none(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.put({"a": {"value": 0.25}, "b": {"value": 0.5}})
    cache.close()
    path = tmp_path / "cache.sqlite"
    path.write_bytes(path.read_bytes().replace(b'{"value": 0.25}', b'{"value": 0.75}'))
    cache = Cache(tmp_path)
    assert cache.get(["a", "b"]) == {"b": {"value": 0.5}}
    cache.close()


def test_a_cache_without_sums_is_taken_over(tmp_path: Path) -> None:
    # The layout of version 1, as its first release wrote it.
    db = sqlite3.connect(tmp_path / "cache.sqlite")
    db.execute(
        "CREATE TABLE records (key TEXT PRIMARY KEY, body TEXT NOT NULL, used REAL NOT NULL)"
        " WITHOUT ROWID"
    )
    db.execute("INSERT INTO records VALUES ('a', '{\"value\": 1.5}', 0.0)")
    db.execute("PRAGMA user_version=1")
    db.commit()
    db.close()
    cache = Cache(tmp_path)
    cache.put({"b": {"value": 2.5}})
    assert cache.get(["a", "b"]) == {"a": {"value": 1.5}, "b": {"value": 2.5}}
    cache.close()


def old_run(folder: Path, version: int) -> Path:
    """Build the store that codecbench wrote at an older version; see the head of the file."""
    run = folder / "run"
    shutil.copytree(OLD / f"schema{version}", run)
    db = sqlite3.connect(run / "results.sqlite")
    db.executescript((run / "results.sql").read_text())
    db.close()
    return run


@pytest.mark.parametrize("version", [1, 2])
def test_older_runs_are_read_and_brought_up(tmp_path: Path, version: int) -> None:
    run = old_run(tmp_path, version)
    before = read_results(run).frame
    # What the older codecbench printed of this run: two transparent clips, and two at -4.7 dB.
    values = before.set_index(["codec", "point", "clip"]).sort_index()["value"]
    assert values["pcm@16000", "16"].tolist() == [100.0, 100.0]
    assert values["lowpass@16000", "2000"].round(1).tolist() == [-4.7, -4.8]
    with RunStore(run, write=True) as store:
        store.check()
        assert len(store.cells()) == 6
        assert len(store.encodings()) == 6
    db = sqlite3.connect(run / "results.sqlite")
    assert db.execute("PRAGMA user_version").fetchone() == (3,)
    assert all(0 < number < 2**32 for (number,) in db.execute("SELECT sum FROM cells"))
    db.close()
    assert read_results(run).frame.equals(before)


def test_a_run_of_an_older_schema_goes_on(
    finished: Finished, steps: Callable[[list[Event]], int], tmp_path: Path
) -> None:
    run = finished.copy(tmp_path)
    db = sqlite3.connect(run / "results.sqlite")
    for table in ("facts", "clips", "systems", "metrics", "encodings", "cells"):
        db.execute(f"ALTER TABLE {table} DROP COLUMN sum")
    db.execute("PRAGMA user_version=2")
    db.commit()
    db.close()
    events, export = finished.again(run, tmp_path / "cache")
    assert steps(events) == 0
    assert export == finished.export


@pytest.mark.parametrize("write", [False, True])
def test_a_later_schema_is_refused_in_one_line(tmp_path: Path, write: bool) -> None:
    RunStore(tmp_path, write=True).close()
    db = sqlite3.connect(tmp_path / "results.sqlite")
    db.execute("PRAGMA user_version=4")
    db.close()
    before = (tmp_path / "results.sqlite").read_bytes()
    with pytest.raises(ResultSchemaError, match="schema 4, this codecbench reads 1 to 3") as caught:
        RunStore(tmp_path, write=write)
    assert "\n" not in str(caught.value)
    assert not isinstance(caught.value, DamagedStoreError)
    assert (tmp_path / "results.sqlite").read_bytes() == before


@pytest.fixture
def frozen(tmp_path: Path) -> Iterator[Callable[[Path], Path]]:
    """Make a folder that nobody can write to, not even root."""
    import subprocess

    mounted: list[Path] = []

    def freeze(folder: Path) -> Path:
        done = subprocess.run(
            ["mount", "--bind", "-o", "ro", str(folder), str(folder)],
            capture_output=True,
            check=False,
        )
        if done.returncode:
            pytest.skip("not here: nobody may mount")
        mounted.append(folder)
        return folder

    yield freeze
    for folder in mounted:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_run_on_a_medium_that_cannot_be_written_is_read(
    finished: Finished, tmp_path: Path, frozen: Callable[[Path], Path]
) -> None:
    run = frozen(finished.copy(tmp_path))
    with pytest.raises(OSError, match="Read-only"):
        (run / "x").touch()
    frame = read_results(run).frame.assign(**DROP_TIMES)
    assert csv_bytes(frame) == finished.export
