"""Tasks to the workers of a cluster, and what they found back, as it comes.

Dask decides where a task runs, and begins it anew elsewhere when a worker is lost. joblib's Dask
backend does the same through the same client, but waits forever for a task that Dask has given up
(joblib 1.6.0 calls nobody back for a future in error), looks at the number of workers once, and
gives all tasks of a call the same resources; so the client is used directly.
"""

import queue
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from codecbench.benchmark.cluster import Cluster, WorkerLostError, wants_gpu
from codecbench.benchmark.cluster_task import FILES, ClusterOutcome, ClusterTask
from codecbench.benchmark.distribute import Outcome
from codecbench.benchmark.events import ClusterChanged, Event
from codecbench.benchmark.objects import ObjectStore
from codecbench.benchmark.supervisor import Reply, Respondent
from codecbench.benchmark.worker import Task
from codecbench.core.errors import RunError
from codecbench.core.whole_file import write_whole

if TYPE_CHECKING:
    from distributed import Future

_LOOK_S = 1.0
_AHEAD = 3
"""Tasks on their way for each thread: one at work, one that waits there, one that comes."""
_MAX_FLYING_BYTES = 256 * 2**20


class ClusterWorkplace:
    """The workers of a cluster, as many as there are at a time."""

    has_journals = False

    def __init__(self, cluster: Cluster) -> None:
        """Use a connection."""
        self.limits = cluster.limits
        self._cluster = cluster

    def workers(self) -> int:
        """Return the threads of all workers; more may come."""
        return max(1, self._cluster.threads)

    def respondent(self) -> Respondent:
        """Return the cluster: what is asked is asked there."""
        return self._cluster

    def news(self) -> Iterator[Event]:
        """Tell who works there."""
        yield from self._cluster.changes()

    def warm_up(self, metrics: Sequence[str]) -> Iterator[Event]:
        """Leave it to the workers, each of which may be another installation."""
        del metrics
        yield from ()

    @contextmanager
    def distribute(
        self, tasks: Sequence[Task], objects: ObjectStore
    ) -> Iterator[Iterator[Outcome | ClusterChanged]]:
        """Run tasks and hand out what comes of each as soon as it is back, in any order.

        A task that Dask gives up, since its workers died one after the other, may have suffered
        for a neighbour. It is tried once more at the end, step by step and alone; a step that is
        given up then has failed with ``worker_lost``.

        Args:
            tasks: What to run; the files that their steps name may be known here alone.
            objects: Where to keep bitstreams and audio that come back.
        """
        dispatch = _Dispatch(self._cluster, tasks, objects)
        try:
            yield dispatch.news()
        finally:
            dispatch.cancel()


class _Dispatch:
    """What is waiting, what is on its way, and what is suspected of killing workers."""

    def __init__(self, cluster: Cluster, tasks: Sequence[Task], objects: ObjectStore) -> None:
        self._cluster = cluster
        self._objects = objects
        # Those that wait for a GPU must not keep the others waiting.
        self._waiting = {True: deque[ClusterTask](), False: deque[ClusterTask]()}
        self._flying: dict[Future, ClusterTask] = {}
        self._suspects: deque[ClusterTask] = deque()
        self._alone = False
        self._done: queue.SimpleQueue[Future] = queue.SimpleQueue()
        self._shipped: set[str] = set()
        for task in tasks:
            work = ClusterTask(run=cluster.run, task=task, expected=cluster.expected(task))
            self._waiting[wants_gpu(task)].append(work)

    def news(self) -> Iterator[Outcome | ClusterChanged]:
        """Yield outcomes until there are no more, and changes of the cluster."""
        looked = float("-inf")
        while self._launch():
            if time.monotonic() - looked >= _LOOK_S:
                yield from self._cluster.changes()
                looked = time.monotonic()
            try:
                future = self._done.get(timeout=_LOOK_S)
            except queue.Empty:
                continue
            work = self._flying.pop(future)
            try:
                found = self._cluster.outcome(future)
            except WorkerLostError as error:
                yield from self._give_up(work, str(error))
                continue
            future.release()
            if found.wanted:
                self._ship(work, found.wanted)
                continue
            _keep(found, self._objects)
            yield found.name, list(found.steps)

    def cancel(self) -> None:
        """Let nothing begin that has not begun."""
        for future in self._flying:
            future.cancel()
        self._flying.clear()

    def _launch(self) -> bool:
        """Send as much as the workers can take; return whether there is anything to wait for."""
        for waiting in self._waiting.values():
            while waiting and self._has_room(waiting[0]):
                self._send(waiting.popleft())
        if not self._flying and self._suspects:
            self._alone = True
            self._send(self._suspects.popleft())
        return bool(self._flying)

    def _has_room(self, work: ClusterTask) -> bool:
        gpu = wants_gpu(work.task)
        peers = [each for each in self._flying.values() if wants_gpu(each.task) == gpu]
        size = sum(len(data or b"") for each in peers for data in each.files.values())
        return len(peers) < _AHEAD * max(1, self._cluster.threads) and size < _MAX_FLYING_BYTES

    def _send(self, work: ClusterTask) -> None:
        paths = {
            str(step.request[name])
            for step in work.task.steps
            for name in self._shipped
            if step.request.get(name)
        }
        work = _with_files(work, sorted(paths))
        self._flying[self._cluster.submit(work, self._done)] = work

    def _ship(self, work: ClusterTask, wanted: Sequence[str]) -> None:
        """Send a task again with the files that its worker lacks, and later ones at once."""
        if set(wanted) <= set(work.files):
            msg = f"{self._cluster.address}: a worker asks again for files that it was sent"
            raise RunError(msg)
        self._shipped |= {
            name for step in work.task.steps for name in FILES if step.request.get(name) in wanted
        }
        self._waiting[wants_gpu(work.task)].appendleft(work)

    def _give_up(self, work: ClusterTask, why: str) -> Iterator[Outcome]:
        if not self._alone:
            for step in work.task.steps:
                self._suspects.append(replace(work, task=replace(work.task, steps=(step,))))
            return
        detail = "every worker that tried this died, last when it was tried alone"
        lost = Reply(value=None, status="failed", reason="worker_lost", detail=detail, trace=why)
        yield work.task.name, [(step.key, lost) for step in work.task.steps]


def _with_files(work: ClusterTask, paths: Iterable[str]) -> ClusterTask:
    files = {path: work.files[path] if path in work.files else _read(path) for path in paths}
    return replace(work, files=files)


def _read(path: str) -> bytes | None:
    try:
        return Path(path).read_bytes()
    except OSError:
        return None


def _keep(found: ClusterOutcome, objects: ObjectStore) -> None:
    files = {objects.bitstream_path(digest): data for digest, data in found.bitstreams.items()}
    files |= {objects.audio_path(digest): data for digest, data in found.audio.items()}
    for path, data in files.items():
        if not path.exists():
            write_whole(path, data)
