"""What a cell costs the harness as runs grow: flat, whatever their size.

A fake codec at ten points and a fake metric, both nearly free, on clips of 50 ms: all that is
measured is the harness. Each size is run from nothing, resumed with everything known, and read.
The largest size is 10^4 cells; CODECBENCH_BENCH_CELLS=100000 asks for more.
"""

import json
import os
import tempfile
import time
from pathlib import Path

import numpy as np

import codecbench
from codecbench.benchmark.reading import read_results
from codecbench.core.audio import Audio
from codecbench.core.audio_file import write_audio

PLANTED = Path(__file__).parent.parent / "benchmark" / "planted.py"
POINTS = tuple(range(4, 14))
SIZES = (100, 1000, 10_000, 100_000)
LARGEST = int(os.environ.get("CODECBENCH_BENCH_CELLS", "10000"))
CLIP_SAMPLES = 800


def write_clips(folder: Path, count: int) -> None:
    rng = np.random.default_rng(0)
    for index in range(count):
        samples = 0.1 * rng.standard_normal(CLIP_SAMPLES).clip(-4, 4)
        write_audio(folder / f"{index:06d}.wav", Audio(samples.astype(np.float32), 16000))


def sweep(cells: int, folder: Path) -> dict[str, float]:
    """Run, resume and read one size; times in ms per cell."""
    clips = cells // len(POINTS)
    write_clips(folder / "clips", clips)
    codec = f"{PLANTED}:CoarseCodec:bits={'|'.join(map(str, POINTS))}"

    def run() -> float:
        started = time.perf_counter()
        codecbench.run(
            codec,
            folder / "clips",
            metrics=f"{PLANTED}:Counting",
            out=folder / "run",
            cache=folder / "cache",
            jobs=1,
        )
        return time.perf_counter() - started

    parent = time.process_time()
    first = run()
    parent = time.process_time() - parent
    again = run()
    started = time.perf_counter()
    frame = read_results(folder / "run").frame
    read = time.perf_counter() - started
    if len(frame) != cells or not (frame["status"] == "ok").all():
        msg = f"expected {cells} cells with a value, found {frame['status'].value_counts()}"
        raise AssertionError(msg)
    files = (folder / "run").glob("results.sqlite*")
    per_cell = 1000.0 / cells
    return {
        "cells": cells,
        "run_ms_per_cell": first * per_cell,
        "parent_cpu_ms_per_cell": parent * per_cell,
        "resume_ms_per_cell": again * per_cell,
        "read_ms_per_cell": read * per_cell,
        "read_s": read,
        "store_bytes_per_cell": sum(path.stat().st_size for path in files) / cells,
    }


def measure() -> dict[str, object]:
    """Return the cost of a cell at every size."""
    rows = []
    for cells in SIZES:
        if cells > LARGEST:
            break
        with tempfile.TemporaryDirectory() as folder:
            rows.append(sweep(cells, Path(folder)))
    return {"name": "scale", "clip_s": CLIP_SAMPLES / 16000, "sizes": rows}


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
