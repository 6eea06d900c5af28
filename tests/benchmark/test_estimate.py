"""What a run would do, held against what it then does."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from codecbench.benchmark.estimate import estimate_run
from codecbench.benchmark.results import RunResults
from codecbench.benchmark.runner import RunOptions
from codecbench.benchmark.suite import Suite
from codecbench.cli.run_command import command
from codecbench.core.errors import RunError

RunIt = Callable[..., RunResults]
Plugin = Callable[[str], str]

SECONDS = 1.0 + 1.5 + 2.0 + 1.2
"""Of the four clips."""


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder, but for what SQLite puts beside a file that it reads."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {
        str(path): path.read_bytes()
        for path in files
        if not path.name.endswith((".sqlite-shm", ".sqlite-wal"))
    }


def test_an_estimate_is_near_what_the_run_then_takes(
    run_it: RunIt, plugin: Plugin, clips: Path, tmp_path: Path
) -> None:
    codecs = [plugin("CoarseCodec:bits=3|4|5|6|7|8|9|10"), plugin("FaultyCodec:fault=raise")]
    metrics = [plugin("Counting:slow_s=0.05"), plugin("Uninstalled")]
    suite = Suite(codecs=tuple(codecs), data=str(clips), metrics=tuple(metrics))
    options = RunOptions(jobs=2, cache=tmp_path / "cache")
    before = contents(tmp_path)
    said = estimate_run(suite, tmp_path / "run", options=options)
    assert contents(tmp_path) == before
    assert not (tmp_path / "cache").exists()
    assert (said.cells, said.open_cells, said.workers) == (9 * 4 * 2, 9 * 4, 2)
    coarse, faulty = said.coding
    assert (coarse.steps, coarse.audio_s) == (32, pytest.approx(8 * SECONDS))
    assert coarse.origin == "measured now"
    counting, uninstalled = said.scoring
    assert uninstalled.steps == 0
    # The metric sleeps 50 ms for each signal; it was timed on the longest clip alone.
    assert counting.core_s is not None
    assert 0.05 * 36 * (SECONDS / 4) / 2.0 <= counting.core_s <= 0.2 * 36
    assert said.unknown == ()
    assert faulty.steps == 4

    run_it(codecs, metrics, jobs=1)
    stored = (tmp_path / "run" / "results.sqlite").stat().st_size
    assert 0.4 < said.store_bytes / stored < 2.0
    objects = sum(len(data) for data in contents(tmp_path / "cache" / "objects").values())
    assert 0.5 < said.object_bytes / objects < 2.0
    # The planted codec's bitstreams are larger than it says; test_keep.py has one that is honest.
    audio = sum(len(data) for data in contents(tmp_path / "cache/objects/audio").values())
    assert audio <= said.most_object_bytes

    again = estimate_run(suite, tmp_path / "run", options=options)
    # What failed is tried again; all else is known.
    assert [portion.steps for portion in (*again.coding, *again.scoring)] == [0, 1, 1, 0]


def test_what_was_run_before_says_what_more_of_it_costs(
    run_it: RunIt, plugin: Plugin, clips: Path, tmp_path: Path
) -> None:
    run_it([plugin("CoarseCodec:bits=4|8")], [plugin("Counting:slow_s=0.02")])
    suite = Suite(
        codecs=(plugin("CoarseCodec:bits=4|8|9"), plugin("FaultyCodec:fault=crash,at_ms=1200")),
        data=str(clips),
        metrics=(plugin("Counting:slow_s=0.02"),),
    )
    options = RunOptions(cache=tmp_path / "cache")
    before = contents(tmp_path)
    said = estimate_run(suite, tmp_path / "other", options=options)
    assert contents(tmp_path) == before
    assert (said.cells, said.open_cells) == (16, 8)
    assert [portion.origin for portion in said.coding] == ["earlier results", "measured now"]
    (counting,) = said.scoring
    assert counting.origin == "earlier results"
    assert counting.core_s is not None
    # Eight clips were scored in 20 ms each, and eight are to be.
    assert 0.02 * 8 <= counting.core_s <= 0.06 * 8
    with pytest.raises(RunError, match="holds another suite"):
        estimate_run(suite, tmp_path / "run", options=options)


def test_the_command_says_it_and_writes_nothing(clips: Path, tmp_path: Path) -> None:
    before = contents(tmp_path)
    words = ["-c", "pcm:bits=6|8", "-d", str(clips), "-m", "si_sdr", "--plan"]
    folders = ["-o", str(tmp_path / "run"), "--cache", str(tmp_path / "cache")]
    done = CliRunner().invoke(command, [*words, *folders], standalone_mode=False)
    assert done.return_value == 0
    lines = done.output.splitlines()
    assert lines[0].endswith(": 8 cells, 0 known, 8 to compute")
    assert any(line.startswith("time: ") and "core-hours" in line for line in lines)
    assert any(line.startswith("disk: ") for line in lines)
    assert contents(tmp_path) == before
