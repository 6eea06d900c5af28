"""Files that others wrote run nothing, write nowhere else, and command no terminal."""

import csv
import io
import shutil
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import tomli_w

import codecbench
from codecbench.benchmark.store import RunStore
from codecbench.cli import group
from codecbench.cli.exit_codes import run_group
from codecbench.core.cell import Cell

Call = Callable[..., int]
PLUGIN = """
from pathlib import Path
Path({trap!r}).touch()

from codecbench.adapters.reference.pcm import PcmCodec
from codecbench.benchmark.conditions.lowpass import LowpassCondition
from codecbench.datasets.folder import FolderSource
from codecbench.metrics.si_sdr import SiSdr

class Evil(PcmCodec): ...
class EvilMetric(SiSdr): ...
class EvilSource(FolderSource): ...
class EvilCondition(LowpassCondition): ...
"""
PROGRAM = """
name = "evil"
programs = ["touch"]
version = ["touch", {trap!r}]
sample_rate = 16000
frame_samples = 160
encode = ["touch", {trap!r}]
decode = ["touch", {trap!r}]
bits = "file"
bitstream = "a.bin"
[[points]]
name = "1"
nominal_bps = 1
"""


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Call:
    """The command line in this process, with caches of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def run(*arguments: object) -> int:
        monkeypatch.setattr("sys.argv", ["codecbench", *map(str, arguments)])
        return run_group(group)

    return run


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    """A file that exists once foreign code has run; beside it a plug-in and a program."""
    trap = tmp_path / "trap"
    (tmp_path / "evil.py").write_text(PLUGIN.format(trap=str(trap)))
    (tmp_path / "evil.toml").write_text(PROGRAM.format(trap=str(trap)).replace("'", '"'))
    (tmp_path / "evil.sh").write_text(f"#!/bin/sh\ntouch {trap}\n")
    (tmp_path / "evil.sh").chmod(0o755)
    (tmp_path / "pool.toml").write_text(
        'title = "x"\n[[parts]]\nname = "a"\ndata = "evil.py:EvilSource:path=."\n'
    )
    return trap


def write_suite(folder: Path, line: str) -> None:
    lines = {"codecs": 'codecs = ["pcm"]', "data": 'data = "demo"', "metrics": 'metrics = ["lsd"]'}
    lines[line.partition(" ")[0]] = line
    (folder / "suite.toml").write_text("\n".join(lines.values()) + "\n")


@pytest.mark.parametrize(
    "line",
    [
        'codecs = ["evil.py:Evil"]',
        'codecs = ["command:program=evil.toml"]',
        'codecs = ["env:python=./evil.sh,codec=pcm"]',
        'metrics = ["evil.py:EvilMetric"]',
        'data = "evil.py:EvilSource:path=."',
        'data = "pool:parts=\\"demo|evil.py:EvilSource\\""',
        'data = "pool:name=pool.toml"',
        'conditions = ["evil.py:EvilCondition=3000"]',
        'conditions = ["tandem=evil.py:Evil"]',
        'conditions = ["tandem=command:program=evil.toml"]',
    ],
)
def test_a_suite_runs_nothing_that_the_user_has_not_named(
    call: Call,
    trap: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    line: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    write_suite(tmp_path, line)
    assert call("run", "suite.toml", "-o", "out") == 2
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    assert "evil" in said
    assert not trap.exists()
    assert not (tmp_path / "out").exists()


def test_codecs_beside_come_under_the_same_rule(
    call: Call, trap: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_suite(tmp_path, 'codecs = ["evil.py:Evil"]')
    assert call("run", "-c", "pcm", "--with", "suite.toml", "-d", "demo", "-o", "out") == 2
    assert not trap.exists()


def test_what_is_named_runs_and_is_said(
    call: Call,
    trap: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    write_suite(tmp_path, 'codecs = ["evil.py:Evil:bits=16"]')
    run = ["run", "suite.toml", "-d", "demo:n=1", "-o", "out", "-j", "1"]
    assert call(*run, "--plugin", "./evil.py") == 0
    assert "runs code that is not codecbench's own: evil.py\n" in capsys.readouterr().err
    assert trap.exists()


@pytest.fixture(scope="module")
def foreign_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder as somebody might send it: its texts name code, and its names are hostile."""
    folder = tmp_path_factory.mktemp("foreign")
    codecbench.run("pcm:bits=8|16", "demo:n=2", out=folder / "run", metrics="lsd", jobs=1)
    return folder / "run"


HOSTILE = "=cmd|' /C calc'!A0\x1b[2J<script>alert(1)</script>\\input{/etc/passwd}|`x`"


CONDITIONS = ("clean", "evil.py:EvilCondition=3000,reference=treated", "tandem=evil.py:Evil")


@pytest.fixture
def poisoned(foreign_run: Path, tmp_path: Path, trap: Path) -> Path:
    """A run with a hostile name of a clip and of its speaker, and conditions that are code."""
    folder = shutil.copytree(foreign_run, tmp_path / "run")
    suite = tomllib.loads((folder / "suite.toml").read_text()) | {"conditions": list(CONDITIONS)}
    (folder / "suite.toml").write_text(tomli_w.dumps(suite))
    with RunStore(folder, write=True) as store:
        first, *rest = store.clips()
        hostile = replace(first, id=HOSTILE, tags={"speaker": HOSTILE})
        store.write_plan(
            facts=store.facts(),
            clips=[hostile, *rest],
            systems=store.systems(),
            metrics=store.metrics(),
        )
        encodings = [row for row in store.encodings().values() if row.place.clip == first.id]
        failed = Cell.failed(HOSTILE, HOSTILE)
        cells = [row for row in store.cells().values() if row.place.clip == first.id]
        store.put(
            encodings=[replace(row, place=replace(row.place, clip=HOSTILE)) for row in encodings],
            cells=[
                replace(row, place=replace(row.place, clip=HOSTILE), cell=failed) for row in cells
            ],
        )
    return folder


@pytest.mark.slow
def test_a_run_from_elsewhere_runs_nothing_and_its_names_stay_text(
    call: Call,
    trap: Path,
    poisoned: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.rglob("*"))
    assert call("report", "run", "-o", "out/report") == 0
    assert call("report", "run", "--site", "out/site") == 0
    for kind in ("csv", "jsonl", "versa", "compressai"):
        assert call("export", "run", "--to", kind, "-o", f"out/{kind}") == 0
    assert call("compare", "run", "run", "-o", "out/compare") in (0, 3)
    assert not trap.exists()
    said = capsys.readouterr()
    assert "\x1b" not in said.out + said.err
    written = [path for path in set(tmp_path.rglob("*")) - before if path.is_file()]
    assert {path.relative_to(tmp_path).parts[0] for path in written} <= {"out", "cache", "run"}
    shown = {suffix: 0 for suffix in (".html", ".tex", ".md", ".csv")}
    for path in written:
        if path.suffix not in shown:
            continue
        text = path.read_text(encoding="utf-8")
        shown[path.suffix] += "alert(1)" in text
        assert "<script>alert" not in text or path.suffix in (".csv", ".tex")
        assert "\\input{" not in text or path.suffix != ".tex"
        if path.suffix == ".csv":
            cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
            assert not [cell for cell in cells if cell.startswith(("=", "@"))]
    assert all(shown.values()), shown


def test_a_run_from_elsewhere_is_not_measured_again_with_its_code(
    call: Call,
    trap: Path,
    poisoned: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call("export", "run", "-o", "cells.csv") == 0  # which only reads
    assert call("compare", "run", "pcm:bits=8", "-o", "out") == 2
    assert "evil.py would be run, which only a file names" in capsys.readouterr().err
    assert not trap.exists()
