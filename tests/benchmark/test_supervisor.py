"""The supervised child keeps answers and questions together, whenever it dies."""

import sys
import time
from pathlib import Path

import pytest

from codecbench.benchmark.supervisor import Limits, SupervisedChild

PLANTED = Path(__file__).parent / "planted_codecs"
CRASHES = f"{PLANTED / 'process_faults.py'}:CrashesOnSilence"


def test_a_death_before_the_next_request_is_sent_costs_its_own_step() -> None:
    common = {"spec": CRASHES, "thorough": False}
    requests = [
        {"op": "check_open", **common},
        {"op": "check_codec", "check": "silence", **common},
        {"op": "check_codec", "check": "gain", **common},
        {"op": "ping"},
    ]
    outcomes = []
    with SupervisedChild(Limits(retries=0)) as child:
        for reply in child.stream(requests):
            outcomes.append(reply.reason or reply.value)
            # The child dies of the second request while nobody looks.
            time.sleep(1.0)
    assert outcomes[0]["kind"] == "waveform"
    assert outcomes[1] == "crashed:SIGSEGV"
    assert "dB" in outcomes[2]["found"]
    assert outcomes[3] == {}


PARALLEL = """
import os
from typing import ClassVar
import numpy as np
from codecbench.metrics.base import Metric

class Threads(Metric):
    name: ClassVar[str] = "threads"
    outputs: ClassVar[tuple[str, ...]] = ("threads",)
    source: ClassVar[str] = "tests"
    higher_is_better: ClassVar[bool] = False
    range: ClassVar[tuple[float, float]] = (0.0, 1.0)

    @property
    def definition(self):
        square = np.ones((600, 600))
        square @ square
        return str(len(os.listdir("/proc/self/task")))

    def prepare(self, reference):
        return reference

    def score(self, prepared, degraded):
        return {"threads": 0.0}
"""


@pytest.mark.skipif(sys.platform != "linux", reason="not here: Linux")
def test_libraries_get_one_thread_whatever_the_user_has_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "parallel.py").write_text(PARALLEL)
    for library in ("OMP", "OPENBLAS", "MKL"):
        monkeypatch.setenv(f"{library}_NUM_THREADS", "2")
    request = {"op": "describe_metric", "spec": f"{tmp_path / 'parallel.py'}:Threads"}
    with SupervisedChild(Limits(retries=0)) as child:
        (reply,) = child.stream([request])
    assert reply.value is not None
    assert reply.value["definition"] == "1"
