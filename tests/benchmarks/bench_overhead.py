"""What the harness costs: wall time of a sweep on one worker over time in codecs and metrics.

Everything that is needed once (starting the child, reading the data, importing) is part of the
wall time. The target is a ratio of at most 1.05.
"""

import json
import statistics
import tempfile
import time
from pathlib import Path

import codecbench
from codecbench.benchmark.store import RunStore
from codecbench.benchmark.suite import find_suite

RUNS = 3


def sweep(folder: Path) -> dict[str, float]:
    """Run the sweep from nothing and compare."""
    started = time.perf_counter()
    codecs = find_suite("demo").codecs
    run = codecbench.run(codecs, "demo", out=folder / "run", cache=folder / "cache", jobs=1)
    wall = time.perf_counter() - started
    with RunStore(folder / "run") as store:
        records = [row.record for row in store.encodings().values()]
    parts = ("load_s", "encode_s", "decode_s", "measure_s")
    coding = sum(float(str(record[part])) for record in records for part in parts)
    metrics = float(run.frame()["compute_s"].sum())
    return {"wall_s": wall, "inside_s": coding + metrics, "ratio": wall / (coding + metrics)}


def measure() -> dict[str, object]:
    """Return the median ratio of several sweeps, and the sweeps."""
    sweeps = []
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory() as folder:
            sweeps.append(sweep(Path(folder)))
    ratio = statistics.median(one["ratio"] for one in sweeps)
    return {"name": "overhead", "target": 1.05, "ratio": ratio, "sweeps": sweeps}


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
