"""Where a worker of a cluster carries out tasks: a child and a folder for each of its threads.

A worker outlives the runs that use it. Each run therefore gets children of its own, so that code
that was edited in between is read anew, and none is left behind: a run that ends releases its
children, and those of a run that was killed are ended when nothing was asked of them for a while.
"""

import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil

from codecbench.benchmark.framing import Message
from codecbench.benchmark.supervisor import Limits, Reply, SupervisedChild

_IDLE_S = 120.0
_MEMORY_SHARE = 0.8
"""Share of a worker's memory that the children of its threads may use together."""


class Seat:
    """One thread's place of work, for one run after the other.

    Attributes:
        folder: For files of the task at hand; emptied after each.
        verified: References, as path and content hash, that this machine holds itself.
        warmed: Metrics whose kernels are compiled here.
    """

    def __init__(self, folder: Path) -> None:
        """Use a folder that exists."""
        self.folder = folder
        self.verified: set[tuple[str, str]] = set()
        self.warmed: set[str] = set()
        self._known: dict[str, Reply] = {}
        self._child: SupervisedChild | None = None
        self._run = ""
        self._busy = threading.Lock()
        self._left = time.monotonic()

    @contextmanager
    def taken(self, run: str, limits: Limits) -> Iterator[SupervisedChild]:
        """Lend the child to a task of a run, and clear the folder afterwards."""
        with self._busy:
            if run != self._run:
                self._end()
                self._run = run
            if self._child is None:
                self._child = SupervisedChild(limits)
            self._child.limits = limits
            try:
                yield self._child
            finally:
                for path in self.folder.iterdir():
                    shutil.rmtree(path, ignore_errors=True)
                self._left = time.monotonic()

    def describe(self, name: str, request: Message) -> Reply:
        """Ask the child about something that stays the same as long as the run."""
        assert self._child is not None  # asked within `taken`
        if name not in self._known:
            self._known[name] = self._child.call(request)
        return self._known[name]

    def release(self, run: str = "") -> None:
        """End the child of a run, or one that has long been idle, unless it is at work."""
        if not self._busy.acquire(blocking=False):
            return
        try:
            if self._run == run or time.monotonic() - self._left > _IDLE_S:
                self._end()
        finally:
            self._busy.release()

    def _end(self) -> None:
        if self._child is not None:
            self._child.close()
        self._child = None
        self._run = ""
        self._known.clear()
        self.verified.clear()
        self.warmed.clear()


_seats: dict[int, Seat] = {}
_stopped: set[str] = set()
_opening = threading.Lock()


def own_seat() -> Seat:
    """Return the seat of this thread."""
    with _opening:
        if not _seats:
            threading.Thread(target=_end_idle, name="codecbench-idle", daemon=True).start()
        here = threading.get_ident()
        if here not in _seats:
            folder = tempfile.mkdtemp(prefix="codecbench-", dir=_scratch())
            _seats[here] = Seat(Path(folder))
        return _seats[here]


def release_seats(run: str) -> None:
    """End the children of a run that is over."""
    for seat in list(_seats.values()):
        seat.release(run)


def stop_run(run: str) -> None:
    """Let no task of a run begin another step here."""
    _stopped.add(run)
    release_seats(run)


def is_stopped(run: str) -> bool:
    """Return whether a run was stopped."""
    return run in _stopped


def own_limits(limits: Limits) -> Limits:
    """Return limits with the memory that a child may use here, where they leave it open."""
    if limits.memory_mib:
        return limits
    worker = _dask_worker()
    total, threads = psutil.virtual_memory().total, 1
    if worker is not None:
        total = worker.memory_manager.memory_limit or total
        threads = worker.state.nthreads
    return replace(limits, memory_mib=_MEMORY_SHARE * total / 2**20 / threads)


def _dask_worker() -> Any:  # noqa: ANN401  (Dask's worker has no types)
    """Return the Dask worker that this thread belongs to; None outside of one."""
    from distributed import get_worker

    try:
        return get_worker()
    except ValueError:
        return None


def _scratch() -> str | None:
    """Return the worker's temporary folder, which it removes when it ends."""
    worker = _dask_worker()
    return None if worker is None else str(worker.local_directory)


def _end_idle() -> None:
    while True:
        time.sleep(_IDLE_S / 4)
        release_seats("")
