"""What a very large run costs: 10^6 cells through the real plan, stages, store, cache and report.

Codecs and metrics exist by name alone, and their answers are made up here, so that what is
measured is the harness: planning, keys, storing, reading, reporting. 10 systems at 5 points and 7
metrics; the number of clips makes the size. Each phase is a process of its own, whose peak memory
is its alone. The largest size is 10^5 cells; CODECBENCH_BENCH_CELLS=1000000 asks for more.
"""

import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

PLUGIN = Path(__file__).parent / "large_systems.py"
SYSTEMS, POINTS, METRICS = 10, 5, 7
SIZES = (10_000, 100_000, 1_000_000)
LARGEST = int(os.environ.get("CODECBENCH_BENCH_CELLS", "100000"))
PHASES = ("write", "resume", "read", "report", "export")


def _dataset(cells: int):
    from codecbench.datasets.base import Clip, Dataset

    count = cells // (SYSTEMS * POINTS * METRICS)
    clips = [
        Clip(
            id=f"speaker{number % 40:02d}/utterance{number:05d}",
            path=Path(f"/nowhere/{number}.wav"),
            sample_rate=16000,
            seconds=3.0 + number % 5,
            sha256=hashlib.sha256(str(number).encode()).hexdigest(),
            tags={"speaker": f"speaker{number % 40:02d}"},
        )
        for number in range(count)
    ]
    return Dataset(name="large", clips=tuple(clips))


def _suite():
    from codecbench.benchmark.suite import Suite

    variants = "|".join(str(number) for number in range(SYSTEMS))
    return Suite(
        codecs=(f"{PLUGIN}:PaperCodec:variant={variants}",),
        data="large",
        metrics=tuple(f"{PLUGIN}:Quality{number}" for number in range(METRICS)),
        name="large",
    )


def _coded(step) -> dict:
    request = step.request
    seconds = 3.0 + int(Path(request["path"]).stem) % 5
    bits = round(float(request["point"]) * seconds)
    return {
        "status": "ok",
        "degraded": hashlib.sha256(step.key.encode()).hexdigest(),
        "length_difference": 0,
        "clipped_share": 0.0,
        "alignment": {
            "delay_samples": 0.0,
            "method": "waveform",
            "correlation": 0.99,
            "gain_db": -0.01,
            "polarity": 1,
            "dc_offset": 0.0,
            "half_delays": [0.0, 0.0],
        },
        "measure_s": 0.001,
        "bitstream": hashlib.sha256(step.key.encode()).hexdigest(),
        "load_s": 0.0,
        "encode_s": 0.05,
        "decode_s": 0.02,
        "input_clipped_share": 0.0,
        "sent_packets": 150,
        "lost_packets": 0,
        "concealment": "",
        "payload_bits": bits,
        "wire_bits": bits,
        "total_bits": bits + 32,
        "packets": 150,
        "coded_s": seconds,
    }


def _scored(step, rng: np.random.Generator) -> dict:
    name = f"quality_{step.request['metric'].removeprefix(f'{PLUGIN}:Quality')}"
    value = 1.0 + 4.0 * float(rng.beta(3, 2))
    return {"cells": {name: ["ok", value, "", ""]}, "compute_s": 0.01}


def _absorb(stage, answer) -> float:
    """Answer every open step of a stage; return the seconds that the harness took."""
    from codecbench.benchmark.supervisor import Limits, Reply

    took = 0.0
    started = time.perf_counter()
    tasks = stage.tasks(Limits(), None, 1)
    took += time.perf_counter() - started
    for task in tasks:
        replies = [
            (step.key, Reply(value=answer(step), status="ok", seconds=0.01)) for step in task.steps
        ]
        started = time.perf_counter()
        stage.absorb(replies)
        took += time.perf_counter() - started
    return took


def write(cells: int, folder: Path) -> dict[str, float]:
    """Plan, answer and store everything, as a run does with answers from its workers."""
    from contextlib import closing

    from codecbench.benchmark.cache import Cache
    from codecbench.benchmark.coding_stage import CodingStage
    from codecbench.benchmark.plan import make_plan
    from codecbench.benchmark.runner import _claim_folder
    from codecbench.benchmark.scoring_stage import ScoringStage
    from codecbench.benchmark.store import RunStore
    from codecbench.benchmark.supervisor import SupervisedChild

    rng = np.random.default_rng(0)
    dataset = _dataset(cells)
    with SupervisedChild() as child:
        plan = make_plan(_suite(), dataset, child)
    with closing(Cache(folder / "cache")) as cache, RunStore(folder / "run", write=True) as store:
        _claim_folder(store, plan, update=False)
        scoring = ScoringStage(plan, store, cache)
        coding = CodingStage(plan, store, cache)
        started = time.perf_counter()
        coding.find_known("failed", scoring.needs_audio)
        took = time.perf_counter() - started + _absorb(coding, _coded)
        started = time.perf_counter()
        scoring.find_known("failed", coding.rows)
        took += time.perf_counter() - started + _absorb(scoring, lambda step: _scored(step, rng))
    return {"harness_s": took}


def resume(cells: int, folder: Path) -> dict[str, float]:
    """Start the finished run again; nothing is left to be done."""
    from codecbench.benchmark.events import StageStarted
    from codecbench.benchmark.runner import RunOptions, run_suite

    options = RunOptions(jobs=1, cache=folder / "cache")
    events = run_suite(_suite(), folder / "run", options=options, dataset=_dataset(cells))
    open_steps = sum(each.steps for each in events if isinstance(each, StageStarted))
    return {"open_steps": float(open_steps)}


def read(cells: int, folder: Path) -> dict[str, float]:
    """Read the store into the tidy frame."""
    from codecbench.benchmark.reading import read_results

    frame = read_results(folder / "run").frame
    if abs(len(frame) - cells) > SYSTEMS * POINTS * METRICS or not (frame["status"] == "ok").all():
        msg = f"expected {cells} cells with a value, found {frame['status'].value_counts()}"
        raise AssertionError(msg)
    return {}


def report(cells: int, folder: Path) -> dict[str, float]:
    """Write the report that follows a run, reading included."""
    from codecbench.reports.run import Run

    del cells
    Run(folder / "run").report(only_curves=True)
    return {}


def export(cells: int, folder: Path) -> dict[str, float]:
    """Write CSV, reading included."""
    from codecbench.reports.export import export_frame
    from codecbench.reports.run import Run

    del cells
    export_frame(Run(folder / "run").results(), folder / "cells.csv", kind="csv")
    return {"csv_mb": (folder / "cells.csv").stat().st_size / 1e6}


def run_phase(phase: str, cells: int, folder: Path) -> dict[str, float]:
    """Run one phase in this process; seconds and peak memory."""
    started, cpu = time.perf_counter(), time.process_time()
    more = {"write": write, "resume": resume, "read": read, "report": report, "export": export}[
        phase
    ](cells, folder)
    return {
        "s": time.perf_counter() - started,
        "cpu_s": time.process_time() - cpu,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6,
        **more,
    }


def sweep(cells: int, folder: Path) -> dict[str, object]:
    """Return what every phase of one size took, each in a process of its own."""
    found: dict[str, object] = {"cells": cells}
    for phase in PHASES:
        command = [sys.executable, "-P", __file__, phase, str(cells), str(folder)]
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        found[phase] = json.loads(told.splitlines()[-1])
    store = (folder / "run").glob("results.sqlite*")
    found["store_mb"] = sum(path.stat().st_size for path in store) / 1e6
    found["cache_mb"] = sum(p.stat().st_size for p in (folder / "cache").rglob("*.sqlite*")) / 1e6
    return found


def measure() -> dict[str, object]:
    """Return what runs of every size cost."""
    rows = []
    for cells in SIZES:
        if cells > LARGEST:
            break
        with tempfile.TemporaryDirectory() as folder:
            rows.append(sweep(cells, Path(folder)))
    return {"name": "large", "sizes": rows}


if __name__ == "__main__":
    if len(sys.argv) == 4:
        print(json.dumps(run_phase(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))))
    else:
        print(json.dumps(measure(), indent=2))
