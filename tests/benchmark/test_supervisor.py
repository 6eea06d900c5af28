"""The supervised child keeps answers and questions together, whenever it dies."""

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


def test_libraries_get_one_thread_whatever_the_user_has_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for library in ("OMP", "OPENBLAS", "MKL"):
        monkeypatch.setenv(f"{library}_NUM_THREADS", "2")
    spec = f"{Path(__file__).with_name('planted.py')}:Threads"
    with SupervisedChild(Limits(retries=0)) as child:
        (reply,) = child.stream([{"op": "describe_metric", "spec": spec}])
    assert reply.value is not None
    assert reply.value["definition"] == "1"
