"""What was computed is kept, found again, and never computed twice."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from codecbench.benchmark.events import Event, StageStarted
from codecbench.benchmark.reading import read_results
from codecbench.benchmark.results import RunResults
from codecbench.benchmark.store import RunStore
from codecbench.core.errors import ConfigError, DatasetError, ResultSchemaError, RunError
from codecbench.reports.export import export_frame

RunIt = Callable[..., RunResults]
Plugin = Callable[[str], str]
WaitUntil = Callable[[Callable[[], bool]], None]


def steps(events: list[Event]) -> dict[str, int]:
    """Return the steps that each stage had to run."""
    return {event.stage: event.steps for event in events if isinstance(event, StageStarted)}


def exported(results: RunResults, path: Path) -> bytes:
    """Return the export of a run, times aside."""
    export_frame(results, path, kind="csv", times=False)
    return path.read_bytes()


def test_second_run_computes_nothing(run_it: RunIt, plugin: Plugin) -> None:
    codecs, metrics = [plugin("CoarseCodec:bits=4|8")], [plugin("Counting")]
    run_it(codecs, metrics)
    events: list[Event] = []
    run_it(codecs, metrics, events=events)
    assert steps(events) == {"coding": 0, "scoring": 0}


def test_another_folder_takes_everything_from_the_cache(run_it: RunIt, plugin: Plugin) -> None:
    codecs, metrics = [plugin("CoarseCodec:bits=4|8")], [plugin("Counting")]
    first = run_it(codecs, metrics)
    events: list[Event] = []
    second = run_it(codecs, metrics, out="other", events=events)
    assert steps(events) == {"coding": 0, "scoring": 0}
    assert first.frame["value"].tolist() == second.frame["value"].tolist()


def test_added_codec_costs_only_itself(run_it: RunIt, plugin: Plugin) -> None:
    run_it([plugin("CoarseCodec:bits=4")], [plugin("Counting")])
    events: list[Event] = []
    run_it([plugin("CoarseCodec:bits=4|8")], [plugin("Counting")], out="other", events=events)
    assert steps(events) == {"coding": 4, "scoring": 4}


def test_changed_metric_parameter_rescores_only_its_cells(run_it: RunIt, plugin: Plugin) -> None:
    # Acceptance test 6, first half; that tables refuse mixtures is tested with the reports.
    codecs = [plugin("CoarseCodec:bits=4|8")]
    run_it(codecs, [plugin("Counting"), plugin("LongOnly")])
    events: list[Event] = []
    changed = run_it(
        codecs, [plugin("Counting:scale=2"), plugin("LongOnly")], out="other", events=events
    )
    assert steps(events) == {"coding": 0, "scoring": 8}
    assert changed.frame["definition"].nunique() == 2


def test_folder_of_another_suite_is_not_overwritten(run_it: RunIt, plugin: Plugin) -> None:
    run_it([plugin("CoarseCodec:bits=4")], [plugin("Counting")])
    with pytest.raises(RunError, match="holds another suite"):
        run_it([plugin("CoarseCodec:bits=8")], [plugin("Counting")])
    changed = run_it([plugin("CoarseCodec:bits=8")], [plugin("Counting")], update=True)
    assert changed.frame["point"].unique().tolist() == ["8"]


def test_failed_cells_are_retried_unless_told_otherwise(run_it: RunIt, plugin: Plugin) -> None:
    codecs, metrics = [plugin("FaultyCodec:fault=raise")], [plugin("Counting")]
    run_it(codecs, metrics)
    counts = {}
    for rerun in ("missing", "failed", "always", "never"):
        events: list[Event] = []
        run_it(codecs, metrics, events=events, rerun=rerun)
        counts[rerun] = steps(events)["coding"]
    assert counts == {"missing": 0, "failed": 1, "always": 4, "never": 0}


def test_lost_audio_is_coded_again_only_for_new_metrics(
    run_it: RunIt, plugin: Plugin, tmp_path: Path
) -> None:
    codecs = [plugin("CoarseCodec:bits=8")]
    run_it(codecs, [plugin("Counting")])
    for path in (tmp_path / "cache" / "objects" / "audio").rglob("*.wav"):
        path.unlink()
    same: list[Event] = []
    run_it(codecs, [plugin("Counting")], out="same", events=same)
    assert steps(same) == {"coding": 0, "scoring": 0}
    more: list[Event] = []
    run_it(codecs, [plugin("Counting"), plugin("LongOnly")], out="more", events=more)
    assert steps(more) == {"coding": 4, "scoring": 4}


def test_a_second_writer_is_refused(run_it: RunIt, plugin: Plugin, tmp_path: Path) -> None:
    with (
        RunStore(tmp_path / "run", write=True),
        pytest.raises(RunError, match="another run writes here"),
    ):
        run_it([plugin("CoarseCodec:bits=8")], [plugin("Counting")])


@pytest.mark.parametrize(
    ("codec", "metric", "data", "error"),
    [
        ("opsu", "si_sdr", "", ConfigError),
        ("opus:bitrates=6000", "si_sdr", "", ConfigError),
        ("pcm", "si_srd", "", ConfigError),
        ("pcm:bits=99", "si_sdr", "", ConfigError),
        ("pcm", "si_sdr", "nowhere", DatasetError),
    ],
)
def test_bad_requests_leave_nothing_behind(
    run_it: RunIt, tmp_path: Path, codec: str, metric: str, data: str, error: type[Exception]
) -> None:
    with pytest.raises(error) as caught:
        run_it([codec], [metric], data=tmp_path / data if data else None)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_damaged_store_is_named(run_it: RunIt, plugin: Plugin, tmp_path: Path) -> None:
    run_it([plugin("CoarseCodec:bits=8")], [plugin("Counting")])
    (tmp_path / "run" / "results.sqlite").write_bytes(b"not a database at all" * 100)
    with pytest.raises(ResultSchemaError, match="damaged"):
        read_results(tmp_path / "run")


def test_worker_count_changes_no_byte(run_it: RunIt, plugin: Plugin, tmp_path: Path) -> None:
    codecs = [plugin("CoarseCodec:bits=4|8"), plugin("FaultyCodec:fault=segfault")]
    metrics = [plugin("Counting"), plugin("LongOnly")]
    exports = {
        jobs: exported(
            run_it(codecs, metrics, out=f"run{jobs}", jobs=jobs, cache=tmp_path / f"cache{jobs}"),
            tmp_path / f"{jobs}.csv",
        )
        for jobs in (1, 3)
    }
    assert exports[1] == exports[3]


def test_killed_run_goes_on_where_it_was(
    run_it: RunIt, plugin: Plugin, clips: Path, tmp_path: Path, wait_until: WaitUntil
) -> None:
    # Acceptance test 5: kill -9 in the middle of scoring, then another number of workers.
    coded, scored, gate = (tmp_path / name for name in ("coded.txt", "scored.txt", "gate"))
    codec = plugin(f"CoarseCodec:bits=3|4|5|6,trace={coded}")
    metric = plugin(f"Counting:halt_at=4,trace={scored},gate={gate}")
    command = [
        sys.executable, "-P", "-m", "codecbench", "run", "-c", codec, "-d", str(clips),
        "-m", metric, "-o", str(tmp_path / "run"), "--cache", str(tmp_path / "cache"), "-j", "2",
    ]  # fmt: skip
    process = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)
    both_halt_in_the_last_of(8, scored, wait_until)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    before = scored.read_text().splitlines()
    gate.touch()
    resumed = run_it([codec], [metric], jobs=1)
    after = scored.read_text().splitlines()
    assert len(coded.read_text().splitlines()) == 16
    assert len(before) == len(set(before)) == 8
    in_flight = 2
    assert len(set(after)) == 16
    assert len(after) - len(set(after)) == in_flight
    fresh = run_it([codec], [metric], out="fresh", cache=tmp_path / "fresh-cache")
    assert exported(resumed, tmp_path / "a.csv") == exported(fresh, tmp_path / "b.csv")


def test_interrupt_keeps_what_was_computed(
    plugin: Plugin, clips: Path, tmp_path: Path, wait_until: WaitUntil
) -> None:
    scored, gate = tmp_path / "scored.txt", tmp_path / "gate"
    command = [
        sys.executable, "-P", "-m", "codecbench", "run", "-c", plugin("CoarseCodec:bits=4|8"),
        "-d", str(clips), "-m", plugin(f"Counting:halt_at=2,trace={scored},gate={gate}"),
        "-o", str(tmp_path / "run"), "--cache", str(tmp_path / "cache"), "-j", "2",
    ]  # fmt: skip
    process = subprocess.Popen(
        command, start_new_session=True, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    both_halt_in_the_last_of(4, scored, wait_until)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the same command goes on from there" in said
    assert "Traceback" not in said
    gate.touch()
    again = subprocess.run(command, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    lines = scored.read_text().splitlines()
    assert len(set(lines)) == 8
    assert len(lines) - len(set(lines)) == 2


def both_halt_in_the_last_of(calls: int, scored: Path, wait_until: WaitUntil) -> None:
    """Wait until two children stand still, and what they did before is written down."""
    wait_until(lambda: scored.exists() and len(scored.read_text().splitlines()) == calls)
    # A line is written when a step begins: just then the outcome before it is still on its way.
    time.sleep(1.0)
