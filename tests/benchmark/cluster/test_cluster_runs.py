"""Runs on a real cluster of processes, each with folders of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from codecbench.benchmark.events import ClusterChanged, Event, StepsDone
from codecbench.benchmark.reading import read_results
from codecbench.benchmark.results import RunResults
from codecbench.benchmark.runner import RunOptions, run_suite
from codecbench.benchmark.store import RunStore
from codecbench.benchmark.suite import Suite
from codecbench.core.errors import ConfigError, RunError
from codecbench.reports.export import export_frame

RunIt = Callable[..., RunResults]
Plugin = Callable[[str], str]
WaitUntil = Callable[[Callable[[], bool]], None]
StartCluster = Callable[..., Any]  # Any: conftest's class cannot be imported

pytestmark = pytest.mark.slow


def exported(results: RunResults, path: Path) -> bytes:
    """Return the export of a run, times aside."""
    export_frame(results, path, kind="csv", times=False)
    return path.read_bytes()


def kept(cache: Path) -> dict[str, bytes]:
    """Return the bitstreams and the audio of a cache."""
    root = cache / "objects"
    return {
        str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()
    }


def children(worker: int) -> list[psutil.Process]:
    """Return the supervised children of a worker."""
    return [
        child
        for child in psutil.Process(worker).children(recursive=True)
        if "codecbench.benchmark.child" in child.cmdline()
    ]


def test_workers_without_our_files_give_the_bytes_of_loky(
    run_it: RunIt,
    plugin: Plugin,
    clips: Path,
    hidden: Path,
    start_cluster: StartCluster,
    tmp_path: Path,
) -> None:
    data = clips.rename(hidden / "clips")
    codecs = ["pcm:bits=4|8", plugin("FaultyCodec:fault=segfault")]
    metrics = ["si_sdr", plugin("LongOnly")]
    here = run_it(codecs, metrics, data=data, out="here", jobs=2, cache=hidden / "here")
    cluster = start_cluster()
    workers = [cluster.start_worker(name, hidden=hidden) for name in ("a", "b")]
    events: list[Event] = []
    there = run_it(
        codecs, metrics, data=data, out="there", cache=hidden / "there", events=events,
        scheduler=cluster.address,
    )  # fmt: skip
    assert exported(there, tmp_path / "there.csv") == exported(here, tmp_path / "here.csv")
    assert kept(hidden / "there") == kept(hidden / "here")
    assert "failed" in set(there.frame["status"])
    (seen,) = [event for event in events if isinstance(event, ClusterChanged)]
    assert (seen.address, seen.workers, seen.threads) == (cluster.address, 2, 2)
    for worker, name in zip(workers, ("a", "b"), strict=True):
        assert not children(worker.pid)
        found = {path.suffix for path in cluster.scratch(name).rglob("*")}
        assert not found & {".wav", ".flac", ".cbs"}


def test_a_killed_worker_costs_a_retry(
    run_it: RunIt,
    plugin: Plugin,
    clips: Path,
    start_cluster: StartCluster,
    tmp_path: Path,
    wait_until: WaitUntil,
) -> None:
    scored, gate = tmp_path / "scored.txt", tmp_path / "gate"
    codecs = [plugin("CoarseCodec:bits=4|5|6|8")]
    metric = plugin(f"Counting:halt_at=5,trace={scored},gate={gate}")
    cluster = start_cluster()
    doomed = cluster.start_worker("doomed")
    cluster.start_worker("other")
    suite = Suite(codecs=tuple(codecs), data=str(clips), metrics=(metric,))
    how = RunOptions(cache=tmp_path / "cache", scheduler=cluster.address)
    seen: list[int] = []
    for event in run_suite(suite, tmp_path / "run", options=how):
        if isinstance(event, StepsDone) and event.stage == "scoring":
            with RunStore(tmp_path / "run") as store:
                seen.append(len(store.cells()))
            if len(seen) == 2:
                # Each has brought a task of four steps home and stands still in the next.
                wait_until(lambda: len(scored.read_text().splitlines()) == 10)
                os.killpg(doomed.pid, signal.SIGKILL)
                gate.touch()
    assert seen == [4, 8, 12, 16]
    lines = scored.read_text().splitlines()
    assert len(set(lines)) == 16
    assert len(lines) - 16 == 1  # what the worker was at
    killed = run_it(codecs, [metric], cache=tmp_path / "cache")
    fresh = run_it(codecs, [metric], out="fresh", cache=tmp_path / "fresh-cache")
    assert exported(killed, tmp_path / "a.csv") == exported(fresh, tmp_path / "b.csv")


def test_what_kills_every_worker_fails_alone(
    run_it: RunIt, plugin: Plugin, start_cluster: StartCluster
) -> None:
    cluster = start_cluster(DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES="0")
    for name in ("a", "b"):
        cluster.start_worker(name, nanny=True)
    codecs = [plugin("PlacedCodec:kills_at_ms=1500"), plugin("CoarseCodec:bits=4|8")]
    found = run_it(codecs, [plugin("Counting")], scheduler=cluster.address).frame
    failed = found[found["status"] != "ok"]
    assert failed["clip"].tolist() == ["clip1"]
    assert failed["reason"].str.startswith("worker_lost: every worker that tried this died").all()
    assert len(found) == 12


def test_codecs_on_cuda_go_where_a_gpu_is_offered(
    run_it: RunIt, plugin: Plugin, start_cluster: StartCluster, tmp_path: Path
) -> None:
    trace = tmp_path / "places.txt"
    codecs = [plugin(f"PlacedCodec:device=cuda,trace={trace}")]
    cluster = start_cluster()
    cluster.start_worker("plain")
    with pytest.raises(ConfigError, match=r"no worker of .* --resources GPU=1"):
        run_it(codecs, [plugin("Counting")], scheduler=cluster.address)
    cluster.start_worker("gifted", resources="GPU=1")
    run_it(codecs, [plugin("Counting")], scheduler=cluster.address)
    assert trace.read_text().split() == ["gifted"] * 4


@pytest.mark.soak
def test_killing_workers_again_and_again_changes_nothing(
    run_it: RunIt, plugin: Plugin, clips: Path, start_cluster: StartCluster, tmp_path: Path
) -> None:
    codecs = [plugin("CoarseCodec:bits=3|4|5|6|7|8|9|10"), "mnru:q=5|15|25"]
    metrics = [plugin("Counting:slow_s=0.2"), "si_sdr", "stoi"]
    cluster = start_cluster(DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES="50")
    for name in ("a", "b"):
        cluster.start_worker(name, nanny=True)
    rng = np.random.default_rng(1)
    killed = 0
    suite = Suite(codecs=tuple(codecs), data=str(clips), metrics=tuple(metrics))
    for number in range(5):
        folder = tmp_path / f"run{number}"
        how = RunOptions(cache=tmp_path / f"cache{number}", scheduler=cluster.address)
        for event in run_suite(suite, folder, options=how):
            if isinstance(event, StepsDone) and rng.random() < 0.4:
                doomed = [
                    process
                    for name in ("a", "b")
                    for process in psutil.Process(cluster.pids[name]).children()
                    if "spawn_main" in " ".join(process.cmdline())
                ]
                doomed[int(rng.integers(len(doomed)))].kill()
                killed += 1
    calm = run_it(codecs, metrics, out="calm", cache=tmp_path / "calm")
    expected = exported(calm, tmp_path / "calm.csv")
    for number in range(5):
        results = read_results(tmp_path / f"run{number}")
        assert exported(results, tmp_path / "again.csv") == expected
    assert killed >= 10
    print(f"{killed} workers killed in 5 runs, no cell lost")  # noqa: T201  (the count is asked for)


@pytest.mark.soak
def test_a_lost_scheduler_ends_the_run_with_what_was_computed(
    run_it: RunIt, plugin: Plugin, clips: Path, start_cluster: StartCluster, tmp_path: Path
) -> None:
    codecs, metrics = [plugin("CoarseCodec:bits=4|8")], [plugin("Counting:slow_s=0.3")]
    cluster = start_cluster()
    cluster.start_worker("a")
    suite = Suite(codecs=tuple(codecs), data=str(clips), metrics=tuple(metrics))
    how = RunOptions(cache=tmp_path / "cache", scheduler=cluster.address)
    seen = 0

    def follow() -> None:
        nonlocal seen
        for event in run_suite(suite, tmp_path / "run", options=how):
            if isinstance(event, StepsDone) and event.stage == "scoring":
                seen += event.steps
                os.killpg(cluster.pids["scheduler"], signal.SIGKILL)

    with pytest.raises(RunError, match=r"the scheduler is gone; what was computed is kept"):
        follow()
    with RunStore(tmp_path / "run") as store:
        assert len(store.cells()) >= seen > 0
    whole = run_it(codecs, metrics, cache=tmp_path / "cache")
    assert set(whole.frame["status"]) == {"ok"}


@pytest.mark.soak
def test_interrupting_leaves_the_workers_to_others(
    plugin: Plugin,
    clips: Path,
    start_cluster: StartCluster,
    tmp_path: Path,
    wait_until: WaitUntil,
) -> None:
    scored = tmp_path / "scored.txt"
    cluster = start_cluster()
    worker = cluster.start_worker("a")
    command = [
        sys.executable, "-P", "-m", "codecbench", "run", "-c", plugin("CoarseCodec:bits=4|5|6|8"),
        "-d", str(clips), "-m", plugin(f"Counting:slow_s=0.4,trace={scored}"),
        "-o", str(tmp_path / "run"), "--cache", str(tmp_path / "cache"),
        "--scheduler", cluster.address,
    ]  # fmt: skip
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    wait_until(scored.exists)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the same command goes on from there" in said
    assert "Traceback" not in said
    assert f"Cluster {cluster.address}: 1 worker, 1 task at once" in said
    time.sleep(2.0)
    lines = scored.read_text().splitlines()
    time.sleep(2.0)
    assert scored.read_text().splitlines() == lines
    assert len(lines) < 16
    again = subprocess.run(command, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert not children(worker.pid)
