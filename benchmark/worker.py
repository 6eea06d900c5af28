"""What joblib sends to workers: a list of steps, run in the worker's own supervised child.

Each outcome is appended to a journal beside the run before the next step starts, so that a run
that is killed loses the steps in flight and nothing else.
"""

import atexit
import json
import os
import sys
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from codecbench.benchmark.cell_json import is_final
from codecbench.benchmark.framing import Message
from codecbench.benchmark.supervisor import Limits, Reply, SupervisedChild
from codecbench.core.errors import ResultSchemaError
from codecbench.core.watched_process import die_with_parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One request to a child.

    Attributes:
        key: Content key of what it computes.
        request: See `operations`.
    """

    key: str
    request: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Steps that share what a child keeps: a loaded codec, or a prepared reference.

    Attributes:
        name: Unique within the run; names the journal.
        steps: In the order to run them.
        limits: For each step.
        journal: Folder for the journal; None where workers share no disk with the parent.
    """

    name: str
    steps: tuple[Step, ...]
    limits: Limits
    journal: Path | None = None


_child: SupervisedChild | None = None


def run_task(task: Task) -> tuple[str, list[tuple[str, Reply]]]:
    """Run every step of a task, whatever becomes of the others.

    Returns:
        The task's name, and the outcome of each step by its key.
    """
    child = worker_child(task.limits)
    done: list[tuple[str, Reply]] = []
    replies = child.stream([step.request for step in task.steps])
    with _open_journal(task) as journal:
        for step, reply in zip(task.steps, replies, strict=True):
            done.append((step.key, reply))
            if journal is not None and reply.status == "ok":
                line = json.dumps({"key": step.key, "value": reply.value}) + "\n"
                # Only a run that is killed needs it; a full disk shows where results are stored.
                with suppress(OSError):
                    journal.write(line.encode())
    return task.name, done


def run_in_worker(task: Task, run: int) -> tuple[str, list[tuple[str, Reply]]]:
    """Run a task in a process of its own, which does not outlive the run; see `run_task`.

    Args:
        task: What to run.
        run: Process that the run is.
    """
    die_with_parent()
    if sys.platform == "linux" and os.getppid() != run:
        # It ended before it could take this process along.
        os._exit(1)
    return run_task(task)


def final_values(outcomes: Iterable[tuple[str, Reply]]) -> dict[str, Message]:
    """Return what of a task's outcomes holds for every later run, by key."""
    return {
        key: reply.value
        for key, reply in outcomes
        if reply.value is not None and is_final(reply.value)
    }


def _open_journal(task: Task) -> AbstractContextManager[FileIO | None]:
    if task.journal is not None:
        with suppress(OSError):
            return journal_path(task.journal, task.name).open("ab", buffering=0)
    return nullcontext()


def journal_path(folder: Path, task_name: str) -> Path:
    """Return where the journal of a task lies."""
    return folder / f"{task_name}.jsonl"


_NO_ENTRY = (
    *(ValueError, LookupError, TypeError, AttributeError),
    RecursionError,
    ResultSchemaError,
)
"""What comes of a line that was cut, or that nobody of ours has written."""


def read_journals(folder: Path) -> dict[str, Message]:
    """Return what killed runs left behind: final values by key; a line that is cut is dropped."""
    found: dict[str, Message] = {}
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                entry = json.loads(line)
                if is_final(entry["value"]):
                    found[str(entry["key"])] = entry["value"]
            except _NO_ENTRY:
                continue
    return found


def close_child() -> None:
    """End this process's child, if there is one."""
    global _child
    if _child is not None:
        _child.close()
        _child = None


def worker_child(limits: Limits) -> SupervisedChild:
    """Return this process's child, the same one as long as the limits stay."""
    global _child
    if _child is None or _child.limits != limits:
        close_child()
        _child = SupervisedChild(limits)
        atexit.register(close_child)
    return _child


def default_jobs() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0))
