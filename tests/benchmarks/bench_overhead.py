"""What the harness costs: wall time of a sweep on one worker over time in codecs and metrics.

Everything that is needed once (starting the child, reading the data, importing) is part of the
wall time. The target is a ratio of at most 1.05 on a sweep as long as one runs in earnest. The
demo, whose clips are few, shows what starting costs. CODECBENCH_BENCH_SPEECH names other data for
the long sweep.
"""

import json
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import codecbench
from codecbench.benchmark.store import RunStore
from codecbench.benchmark.suite import find_suite

RUNS = 3
LADDERS = (
    "opus:mode=cbr,bitrate=6000|8000|12000|16000|24000|32000|48000",
    "opus:mode=vbr,bitrate=6000|8000|12000|16000|24000|32000|48000",
    "opus:complexity=0,bitrate=8000|16000|24000",
    "codec2:mode=700|1300|2400|3200",
    "speex:quality=2|4|6|8|10",
    "lowpass:cutoff=2000|3000|4000|5000|6000|7000",
    "mnru:q=0|5|10|15|20|25|30|35|40",
    "pcm:bits=6|8|10|12|16",
)
"""The long sweep where there is no other data."""


def sweep(folder: Path, codecs: Sequence[str], data: str) -> dict[str, float]:
    """Run the sweep from nothing and compare."""
    started = time.perf_counter()
    run = codecbench.run(codecs, data, out=folder / "run", cache=folder / "cache", jobs=1)
    wall = time.perf_counter() - started
    with RunStore(folder / "run") as store:
        records = [row.record for row in store.encodings().values()]
    parts = ("load_s", "encode_s", "decode_s", "measure_s")
    coding = sum(float(str(record[part])) for record in records for part in parts)
    metrics = float(run.frame()["compute_s"].sum())
    return {"wall_s": wall, "inside_s": coding + metrics, "ratio": wall / (coding + metrics)}


def measure() -> dict[str, object]:
    """Return the ratio of a long sweep, and the median of several of the demo's."""
    demo = find_suite("demo").codecs
    speech = os.environ.get("CODECBENCH_BENCH_SPEECH", "")
    sweeps = [(demo, "demo")] * RUNS
    sweeps.append((demo, speech) if speech else (LADDERS, "demo"))
    found = []
    for codecs, data in sweeps:
        with tempfile.TemporaryDirectory() as folder:
            found.append(sweep(Path(folder), codecs, data))
    return {
        "name": "overhead",
        "target": 1.05,
        "ratio": found[-1]["ratio"],
        "demo_ratio": statistics.median(one["ratio"] for one in found[:-1]),
        "sweeps": found,
    }


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
