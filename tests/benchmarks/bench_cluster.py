"""Two workers of a Dask cluster against two of loky: the same suite, from nothing, in turns.

The cluster stands before the clock starts, as clusters do; it and loky have processes of one
thread each. Everything else is part of the time: connecting, planning, starting the children,
sending, storing. What is compared is the ratio of times of neighbouring runs, since all else on
the machine is the same for both: wall time, and CPU time of all processes, which other work on the
machine changes less. The target is 0.9 of loky's throughput, with the same bytes in the export.
"""

import contextlib
import hashlib
import json
import os
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

import codecbench
from codecbench.benchmark.events import Event, RunFinished, StageStarted
from codecbench.benchmark.runner import RunOptions
from codecbench.reports.export import export_frame

PAIRS = int(os.environ.get("CODECBENCH_BENCH_PAIRS", "5"))
WORKERS = 2
CODECS = ("opus:bitrate=6000|16000", "mnru:q=15|25", "codec2:mode=3200")


def cpu_s(cluster: list[int]) -> float:
    """Return the CPU time of this process, of what it waited for, and of a cluster so far."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    total = sum(each.ru_utime + each.ru_stime for each in used)
    for pid in cluster:
        parent = psutil.Process(pid)
        for process in (parent, *parent.children(recursive=True)):
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def run_once(folder: Path, scheduler: str, cluster: list[int]) -> dict[str, object]:
    """Run the suite from nothing and say how long it took and what it gave."""
    options = RunOptions(jobs=WORKERS, cache=folder / "cache", scheduler=scheduler)
    marks: dict[str, float] = {}
    started, used = time.perf_counter(), cpu_s(cluster)

    def mark(event: Event) -> None:
        if isinstance(event, StageStarted):
            marks[event.stage] = time.perf_counter() - started
        elif isinstance(event, RunFinished):
            marks["end"] = time.perf_counter() - started

    run = codecbench.run(CODECS, "demo", out=folder / "run", options=options, on_event=mark)
    wall, spent = time.perf_counter() - started, cpu_s(cluster) - used
    export_frame(run.results(), folder / "cells.csv", kind="csv", times=False)
    digest = hashlib.sha256((folder / "cells.csv").read_bytes()).hexdigest()
    return {
        "wall_s": wall,
        "cpu_s": spent,
        "marks": marks,
        "cells": len(run.frame()),
        "export": digest,
    }


@contextlib.contextmanager
def start_cluster(folder: Path) -> Iterator[tuple[str, list[int]]]:
    """Start a scheduler and workers, and return the address and the processes."""
    file = folder / "scheduler.json"
    common = [sys.executable, "-P", "-m"]
    commands = [
        [*common, "distributed.cli.dask_scheduler", "--port", "0", "--host", "127.0.0.1",
         "--no-dashboard", "--scheduler-file", str(file)],
        *[
            [*common, "distributed.cli.dask_worker", "--scheduler-file", str(file), "--nthreads",
             "1", "--no-dashboard", "--local-directory", str(folder / f"worker{number}")]
            for number in range(WORKERS)
        ],
    ]  # fmt: skip
    processes = [
        subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)
        for command in commands
    ]
    try:
        from distributed import Client

        while not file.exists():
            time.sleep(0.1)
        with Client(scheduler_file=str(file)) as client:
            client.wait_for_workers(WORKERS)
            address = str(client.scheduler.address)
        yield address, [process.pid for process in processes]
    finally:
        for process in reversed(processes):
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def measure() -> dict[str, object]:
    """Return the ratio of throughputs, the median over pairs of runs."""
    pairs = []
    with tempfile.TemporaryDirectory() as name, start_cluster(Path(name)) as (address, processes):
        for number in range(-1, PAIRS):
            pair = {}
            # Who is first changes, so that what drifts favours neither.
            for kind in ("loky", "dask") if number % 2 else ("dask", "loky"):
                with tempfile.TemporaryDirectory() as folder:
                    scheduler = address if kind == "dask" else ""
                    pair[kind] = run_once(Path(folder), scheduler, processes)
            if number >= 0:  # the one before has read every file once
                pairs.append(pair)
    ratios = {
        of: [float(str(pair["loky"][of])) / float(str(pair["dask"][of])) for pair in pairs]
        for of in ("wall_s", "cpu_s")
    }
    exports = {str(each["export"]) for pair in pairs for each in pair.values()}
    return {
        "name": "cluster",
        "target": 0.9,
        "ratio": statistics.median(ratios["wall_s"]),
        "cpu_ratio": statistics.median(ratios["cpu_s"]),
        "ratios": ratios,
        "same_bytes": len(exports) == 1,
        "pairs": pairs,
    }


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
