"""What a worker does with a task: in this process, with a child and a folder of its own."""

import dataclasses
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from codecbench.benchmark.cluster_seat import (
    own_limits,
    own_seat,
    release_seats,
    stop_run,
)
from codecbench.benchmark.cluster_task import ClusterTask, Expected, run_cluster_task
from codecbench.benchmark.supervisor import Limits
from codecbench.benchmark.worker import Step, Task
from codecbench.core.errors import MissingDependencyError, RunError
from codecbench.core.fingerprint import hash_bytes
from codecbench.datasets.registry import get_dataset

RUN = "a run"


@pytest.fixture
def work(clips: Path, tmp_path: Path) -> ClusterTask:
    """Two clips to be coded."""
    steps = [
        Step(
            key=clip.id,
            request={
                "op": "code",
                "spec": "pcm:bits=8",
                "point": "8",
                "points": ["8"],
                "path": str(clip.path),
                "sha256": clip.sha256,
                "sample_rate": 16000,
                "condition": "clean",
                "clip": clip.id,
                "seed": 0,
                "objects": str(tmp_path / "not for workers"),
            },
        )
        for clip in get_dataset(clips).clips[:2]
    ]
    return ClusterTask(run=RUN, task=Task(name="task", steps=tuple(steps), limits=Limits()))


@pytest.fixture(scope="module", autouse=True)
def _one_child() -> Iterator[None]:
    yield
    release_seats(RUN)


def test_files_are_used_where_they_are_and_asked_for_where_not(
    work: ClusterTask, clips: Path, tmp_path: Path
) -> None:
    whole = run_cluster_task(work)
    assert [reply.status for _, reply in whole.steps] == ["ok", "ok"]
    release_seats(RUN)  # a worker of another machine has not seen the file either
    moved = {path: path.read_bytes() for path in sorted(clips.iterdir())[:2]}
    first, second = moved
    first.unlink()
    second.write_bytes((clips / "clip3.wav").read_bytes())  # another file of the same name
    asked = run_cluster_task(work)
    assert asked.wanted == (str(first), str(second))
    assert not asked.steps
    sent = {str(path): data for path, data in moved.items()}
    shipped = run_cluster_task(dataclasses.replace(work, files=sent))
    assert {k: found(r.value) for k, r in shipped.steps} == {
        k: found(r.value) for k, r in whole.steps
    }
    assert shipped.audio == whole.audio
    assert len(shipped.audio) == 2
    assert [hash_bytes(data) for data in shipped.bitstreams.values()] == [*shipped.bitstreams]
    assert not list(own_seat().folder.iterdir())
    assert not (tmp_path / "not for workers").exists()


def found(value: object) -> dict[str, object]:
    """Return what a step found, times aside."""
    assert isinstance(value, dict)
    return {key: each for key, each in value.items() if not key.endswith("_s")}


def test_a_file_that_is_nowhere_is_told_by_the_name_that_the_run_gave_it(
    work: ClusterTask, clips: Path
) -> None:
    names = [str(clips / "clip0.wav"), str(clips / "clip1.wav")]
    release_seats(RUN)  # the child may have kept what these are the names of
    damaged = dict.fromkeys(names, b"RIFF and no more")
    steps = run_cluster_task(dataclasses.replace(work, files=damaged)).steps
    details = [str(reply.value) for _, reply in steps]
    assert all("unreadable_reference" in detail for detail in details)
    assert all(name in detail for name, detail in zip(names, details, strict=True))


@pytest.mark.parametrize(
    ("request_", "fact", "value"),
    [
        ({"op": "describe_codec", "spec": "pcm:bits=8"}, "version", "another"),
        ({"op": "describe_metric", "spec": "stoi"}, "versions", {"pystoi": "0"}),
        ({"op": "describe_harness"}, "codecbench", "0"),
    ],
)
def test_nothing_is_done_where_something_differs(
    work: ClusterTask, request_: dict[str, str], fact: str, value: object
) -> None:
    facts = own_facts(work, request_)
    good = Expected(request=dict(request_), facts=facts)
    assert run_cluster_task(dataclasses.replace(work, expected=(good,))).steps
    bad = Expected(request=dict(request_), facts={**facts, fact: value})
    refused = run_cluster_task(dataclasses.replace(work, expected=(bad,)))
    assert not refused.steps
    assert fact in refused.differs
    assert "when the run was planned" in refused.differs


def own_facts(work: ClusterTask, request: dict[str, str]) -> dict[str, object]:
    """Ask a worker as a plan does."""
    step = Step(key="", request=dict(request))
    asked = dataclasses.replace(work.task, steps=(step,))
    ((_, reply),) = run_cluster_task(dataclasses.replace(work, task=asked)).steps
    assert reply.value is not None
    return dict(reply.value)


def test_a_stopped_run_begins_no_further_step(work: ClusterTask) -> None:
    stopped = dataclasses.replace(work, run="a run that is stopped")
    stop_run(stopped.run)
    assert len(run_cluster_task(stopped).steps) == 1
    release_seats(stopped.run)


def test_children_end_when_their_run_does_or_nothing_is_asked_of_them(
    work: ClusterTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_cluster_task(work)
    release_seats("another run")
    (child,) = supervised()
    monkeypatch.setattr("codecbench.benchmark.cluster_seat._IDLE_S", -1.0)
    release_seats("another run")
    assert not child.is_running()
    assert not supervised()


def supervised() -> list[psutil.Process]:
    """Return the children of this process that run codecs and metrics."""
    return [
        child
        for child in psutil.Process().children()
        if "codecbench.benchmark.child" in child.cmdline()
    ]


def test_a_worker_decides_on_memory_where_the_run_leaves_it_open() -> None:
    total = psutil.virtual_memory().total / 2**20
    assert own_limits(Limits(memory_mib=0.0)).memory_mib == pytest.approx(0.8 * total)
    assert own_limits(Limits(memory_mib=512.0)).memory_mib == 512.0


def test_missing_dask_is_named_with_its_extra(
    monkeypatch: pytest.MonkeyPatch, run_it: Callable[..., object]
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingDependencyError, match=r'pip install "codecbench\[dask\]"'):
        run_it(["pcm"], ["si_sdr"], scheduler="tcp://127.0.0.1:1")


def test_silence_at_the_address_is_said_in_one_line(
    monkeypatch: pytest.MonkeyPatch, run_it: Callable[..., object], tmp_path: Path
) -> None:
    monkeypatch.setattr("codecbench.benchmark.cluster._CONNECT_S", 1)
    with pytest.raises(
        RunError, match=r"tcp://127\.0\.0\.1:1: no Dask scheduler answers"
    ) as caught:
        run_it(["pcm"], ["si_sdr"], scheduler="tcp://127.0.0.1:1")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()
