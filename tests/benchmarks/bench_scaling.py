"""How much faster a sweep is with more workers: the demo clips, the core metrics.

What is timed is the scoring stage alone, from its start with fresh workers to its last cell; each
number of workers scores the same cells from nothing. PESQ holds Python's lock for the whole of its
call, so threads would not help it: workers are processes, and its time scales like all others'.
"""

import json
import shutil
import tempfile
import time
from pathlib import Path

import codecbench
from codecbench.benchmark.events import Event, StageStarted, StepsDone
from codecbench.benchmark.runner import RunOptions
from codecbench.benchmark.worker import default_jobs

CODECS = ("opus:bitrate=6000|16000", "mnru:q=15|25", "codec2:mode=3200")


def score_all(folder: Path, workers: int) -> dict[str, float]:
    """Run the sweep with some workers, whatever is known already."""
    out = folder / f"run-{workers}"
    how = RunOptions(jobs=workers, cache=folder / "cache", rerun="always")
    times: list[float] = []

    def mark(event: Event) -> None:
        if isinstance(event, StageStarted | StepsDone) and event.stage == "scoring":
            times.append(time.perf_counter())

    run = codecbench.run(CODECS, "demo", out=out, options=how, on_event=mark)
    frame = run.frame()
    wall = times[-1] - times[0]
    inside = float(frame["compute_s"].sum())
    pesq = float(frame.loc[frame["metric"] == "pesq_wb", "compute_s"].sum())
    shutil.rmtree(out)
    return {
        "workers": workers,
        "cells": len(frame),
        "wall_s": wall,
        "cells_per_s": len(frame) / wall,
        "inside_metrics_s": inside,
        "pesq_share_of_metrics": pesq / inside,
    }


def measure() -> dict[str, object]:
    """Return throughput for 1, 2, 4 … workers up to the number of cores."""
    counts = [1]
    while counts[-1] * 2 <= default_jobs():
        counts.append(counts[-1] * 2)
    with tempfile.TemporaryDirectory() as folder:
        score_all(Path(folder), 1)  # so that kernels are compiled and files are read once
        rows = [score_all(Path(folder), count) for count in counts]
    return {
        "name": "scaling",
        "cores": default_jobs(),
        "workers": rows,
        "throughput_ratio": rows[-1]["cells_per_s"] / rows[0]["cells_per_s"],
    }


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
