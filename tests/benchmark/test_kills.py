"""A run that is killed at random moments, and each time goes on, loses nothing."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from codecbench.benchmark.reading import read_results
from codecbench.benchmark.results import RunResults
from codecbench.reports.export import export_frame

RunIt = Callable[..., RunResults]
Plugin = Callable[[str], str]
Capture = pytest.CaptureFixture[str]


@dataclass
class Tally:
    """What became of the kills.

    Attributes:
        tried: Processes that were killed with SIGKILL.
        alone: Of those, the ones whose workers were left alive.
        finished: Runs that came to their end, each compared with one that nobody disturbed.
        lost: Cells without a value, or with another one, in any of these.
    """

    tried: int = 0
    alone: int = 0
    finished: int = 0
    lost: int = 0


def exported(results: RunResults, path: Path) -> bytes:
    export_frame(results, path, kind="csv", times=False)
    return path.read_bytes()


def kill_again_and_again(command: list[str], tmp_path: Path, expected: bytes, kills: int) -> Tally:
    """Start a run, kill it at a random moment, start it again, until so many have been killed.

    A run that comes to its end first is compared and begun from nothing, so that kills strike
    everywhere: while Python starts, plans, codes, scores, stores and writes the report.
    """
    draw = random.Random(20261121)
    tally = Tally()
    started = time.monotonic()
    subprocess.run(command, check=True, capture_output=True)
    whole_s = time.monotonic() - started
    while True:
        tally.finished += 1
        found = exported(read_results(tmp_path / "run"), tmp_path / "found.csv")
        pairs = zip(found.splitlines(), expected.splitlines(), strict=True)
        tally.lost += sum(one != other for one, other in pairs)
        if tally.tried >= kills:
            return tally
        shutil.rmtree(tmp_path / "run")
        shutil.rmtree(tmp_path / "cache")
        while True:
            alone = tally.tried % 2 == 0
            after_s = draw.uniform(0, whole_s) if tally.tried < kills else None
            if not _killed(command, after_s, alone=alone):
                break
            tally.tried += 1
            tally.alone += alone


def _killed(command: list[str], after_s: float | None, *, alone: bool) -> bool:
    """Run a command and kill it after some time; return whether it was killed before its end.

    Args:
        command: What to run.
        after_s: When to kill it; never where None.
        alone: Whether to leave its workers alive, as the kernel does when it ends the largest
            process for want of memory.
    """
    process = subprocess.Popen(
        command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        assert process.wait(after_s) == 0
    except subprocess.TimeoutExpired:
        (os.kill if alone else os.killpg)(process.pid, signal.SIGKILL)
        process.wait()
        return True
    return False


@pytest.mark.parametrize(
    "kills",
    [
        pytest.param(4, marks=pytest.mark.slow),
        pytest.param(100, marks=pytest.mark.soak),
    ],
)
def test_killed_runs_end_like_those_that_nobody_disturbed(
    run_it: RunIt, plugin: Plugin, clips: Path, tmp_path: Path, capsys: Capture, kills: int
) -> None:
    codec, metric = plugin("CoarseCodec:bits=4|6|8|10"), plugin("Counting:slow_s=0.05")
    expected = exported(
        run_it([codec], [metric], out="fresh", cache=tmp_path / "fresh"), tmp_path / "expected.csv"
    )
    command = [
        *(sys.executable, "-P", "-m", "codecbench", "run", "-c", codec, "-d", str(clips)),
        *("-m", metric, "-o", str(tmp_path / "run"), "--cache", str(tmp_path / "cache"), "-j2"),
    ]
    tally = kill_again_and_again(command, tmp_path, expected, kills)
    with capsys.disabled():
        sys.stdout.write(f"\n{tally}\n")
    assert tally.tried >= kills
    assert tally.lost == 0
