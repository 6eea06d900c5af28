"""What joblib sends to workers: a list of steps, run in the worker's own supervised child.

Each outcome is appended to a journal beside the run before the next step starts, so that a run
that is killed loses the steps in flight and nothing else.
"""

import atexit
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from codecbench.benchmark.framing import Message
from codecbench.benchmark.supervisor import Limits, Reply, SupervisedChild


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
    child = _worker_child(task.limits)
    done: list[tuple[str, Reply]] = []
    if task.journal is None:
        return task.name, [(step.key, child.call(step.request)) for step in task.steps]
    with journal_path(task.journal, task.name).open("a", encoding="utf-8") as journal:
        for step in task.steps:
            reply = child.call(step.request)
            done.append((step.key, reply))
            journal.write(json.dumps({"key": step.key, "reply": asdict(reply)}) + "\n")
            journal.flush()
    return task.name, done


def journal_path(folder: Path, task_name: str) -> Path:
    """Return where the journal of a task lies."""
    return folder / f"{task_name}.jsonl"


def read_journals(folder: Path) -> dict[str, Message]:
    """Return what killed runs left behind: values by key; a line cut in the middle is dropped."""
    found: dict[str, Message] = {}
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                entry = json.loads(line)
                reply = entry["reply"]
                if reply["status"] == "ok" and isinstance(reply["value"], dict):
                    found[str(entry["key"])] = reply["value"]
            except (ValueError, KeyError, TypeError):
                continue
    return found


def close_child() -> None:
    """End this process's child, if there is one."""
    global _child
    if _child is not None:
        _child.close()
        _child = None


def _worker_child(limits: Limits) -> SupervisedChild:
    global _child
    if _child is None or _child.limits != limits:
        close_child()
        _child = SupervisedChild(limits)
        atexit.register(close_child)
    return _child


def default_jobs() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0))
