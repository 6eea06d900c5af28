"""A suite that is finished, run again: what it costs beyond reading the store.

And a codec that is added to a finished suite: what is computed is that codec's steps and no others.
The command line is measured as users call it, in CPU time of all its processes, since that of the
clock hangs on who else works on the machine.
"""

import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import codecbench
from codecbench.benchmark.events import StageStarted
from codecbench.benchmark.runner import RunOptions, run_suite
from codecbench.benchmark.suite import Suite

CODECS = ("opus:bitrate=6000|12000|24000", "codec2:mode=1300|3200", "lowpass:cutoff=2000|4000")
METRICS = ("pesq_wb,stoi,estoi,si_sdr,mel_dac",)
READ = """
import sys
from pathlib import Path
from codecbench.benchmark.reading import read_results
read_results(Path(sys.argv[1]))
"""
REPEATS = 5


def cpu_s(command: list[str]) -> float:
    """Return the CPU time of a command with all its processes, the least of several runs."""
    found = []
    for _ in range(REPEATS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        found.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(found)


def measure() -> dict[str, object]:
    """Return CPU times in seconds, and the steps that one more codec costs."""
    with tempfile.TemporaryDirectory() as folder:
        out, cache = Path(folder) / "run", Path(folder) / "cache"
        codecbench.run(list(CODECS), data="demo", metrics=METRICS[0], out=out, cache=cache)
        command = [sys.executable, "-P", "-m", "codecbench", "run", "-d", "demo", "-o", str(out)]
        command += [word for codec in CODECS for word in ("-c", codec)]
        command += ["-m", METRICS[0], "--cache", str(cache), "-j", "1", "-q"]
        subprocess.run(command, check=True, capture_output=True)
        again = cpu_s(command)
        read = cpu_s([sys.executable, "-P", "-c", READ, str(out)])
        more = Suite(codecs=(*CODECS, "mnru:q=10|20"), data="demo", metrics=METRICS)
        options = RunOptions(cache=cache, update=True)
        events = list(run_suite(more, out, options=options))
    steps = {each.stage: each.steps for each in events if isinstance(each, StageStarted)}
    cells = 12 * 7 * 5
    return {
        "cells": cells,
        "run_again_cpu_s": again,
        "read_cpu_s": read,
        "beyond_reading_cpu_s": again - read,
        "steps_of_one_more_codec": steps,
        "steps_expected": {"coding": 12 * 2, "scoring": 12 * 2 * 5},
    }
