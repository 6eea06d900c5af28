"""A connection to a Dask cluster: who works there, what they are, and what they are asked."""

import logging
import queue
import uuid
import warnings
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Self

from codecbench.benchmark.cluster_seat import release_seats, stop_run
from codecbench.benchmark.cluster_task import (
    IDENTITY,
    ClusterOutcome,
    ClusterTask,
    Expected,
    run_cluster_task,
)
from codecbench.benchmark.events import ClusterChanged
from codecbench.benchmark.framing import Message
from codecbench.benchmark.supervisor import Limits, Reply
from codecbench.benchmark.worker import Step, Task
from codecbench.core.dependency import require
from codecbench.core.errors import ConfigError, RunError
from codecbench.core.spec import Spec

if TYPE_CHECKING:
    from distributed import Client, Future

_CONNECT_S = 15
_CLOSE_S = 5


class WorkerLostError(Exception):
    """A task that no worker has survived, as often as the scheduler allows."""


class Cluster:
    """A connection to the scheduler of a cluster, for one run.

    Attributes:
        address: Of the scheduler.
        run: Names the run among others that the workers serve.
        threads: Tasks that the workers can do at once, when last looked at.
    """

    def __init__(self, address: str, limits: Limits) -> None:
        """Connect.

        Args:
            address: Such as ``tcp://10.0.0.1:8786``.
            limits: For each step; a worker decides on memory where it is 0.

        Raises:
            ConfigError: It is no address.
            MissingDependencyError: Dask is not installed.
            RunError: Nobody answers there.
        """
        self.address = address
        self.run = uuid.uuid4().hex
        self.threads = 0
        self.limits = limits
        self._client = _connect(address)
        self._planned: dict[str, Expected] = {}
        # Results by the names of their futures, until they are asked for.
        self._fetched: dict[str, Any] = {}
        self._seen: tuple[int, int] | None = None

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, kind: object, value: object, trace: object) -> None:
        """End the run's children on all workers, and hang up."""
        last = release_seats if kind is None else stop_run
        try:
            if self._client.status == "running":
                self._client.run(last, self.run, on_error="ignore")
        except OSError:
            # The cluster is gone, and the children with it.
            pass
        finally:
            self._client.close(timeout=_CLOSE_S)

    def changes(self) -> Iterator[ClusterChanged]:
        """Look at the workers, and tell where they are not as many as before.

        Raises:
            RunError: The scheduler is gone.
        """
        try:
            threads = list(self._client.nthreads().values())
        except OSError as error:
            raise self._lost() from error
        now = (len(threads), sum(threads))
        self.threads = now[1]
        if now != self._seen:
            self._seen = now
            yield ClusterChanged(address=self.address, workers=now[0], threads=now[1])

    def call(self, request: Message) -> Reply:
        """Ask a worker about a codec, metric or condition; waits until there is a worker.

        The answer is what the run is planned with, and what every worker must say too.

        Args:
            request: See `operations`.

        Raises:
            ConfigError: The codec wants a GPU, and no worker offers one.
            RunError: The cluster is lost, or all that were asked died.
        """
        harness: Message = {"op": "describe_harness"}
        if _question(harness) not in self._planned:
            self._ask(harness)
        return self._ask(request)

    def expected(self, task: Task) -> tuple[Expected, ...]:
        """Return what must hold on a worker for its values to be those of the plan."""
        questions = {_question(q): None for step in task.steps for q in _questions(step.request)}
        return tuple(self._planned[name] for name in questions if name in self._planned)

    def submit(self, work: ClusterTask, done: "queue.SimpleQueue[Future]") -> "Future":
        """Send a task; its future is put into a queue when it is done.

        Raises:
            RunError: The scheduler is gone.
        """
        with warnings.catch_warnings():
            # Files travel with their tasks on purpose: a scheduler that has them can send them
            # again when a worker is lost.
            warnings.filterwarnings("ignore", message="Sending large graph")
            try:
                future = self._client.submit(
                    run_cluster_task,
                    work,
                    key=f"codecbench-{work.task.steps[0].request['op']}-{uuid.uuid4().hex}",
                    resources={"GPU": 1} if wants_gpu(work.task) else None,
                )
            except OSError as error:
                raise self._lost() from error

        def fetch(future: "Future") -> None:
            # At once, whatever the run is doing: what lies on a worker is lost with it.
            try:
                self._fetched[future.key] = future.result()
            except BaseException:  # noqa: BLE001  (`outcome` asks again and says what it was)
                self._fetched.pop(future.key, None)
            finally:
                done.put(future)

        future.add_done_callback(fetch)
        return future

    def outcome(self, future: "Future") -> ClusterOutcome:
        """Return what came back.

        Raises:
            WorkerLostError: Dask has given it up.
            RunError: The scheduler is gone, or the worker is not what the run was planned with.
        """
        from concurrent.futures import CancelledError

        from distributed.scheduler import KilledWorker

        try:
            # Any: a future holds what its function returns, and Dask does not say so.
            found: Any = self._fetched.pop(future.key, None)
            error = None if found is not None else future.exception()
            if found is None and error is None:
                found = future.result()
        except (CancelledError, OSError) as gone:
            raise self._lost() from gone
        if isinstance(error, KilledWorker):
            raise WorkerLostError(str(error).splitlines()[0])
        if error is not None:
            msg = (
                f"{self.address}: a worker cannot run codecbench ({type(error).__name__}: {error});"
                " install there what is installed here"
            )
            raise RunError(msg) from error
        outcome: ClusterOutcome = found
        if outcome.differs:
            msg = (
                f"{self.address}: a worker differs from the one that planned the run: "
                f"{outcome.differs}; install the same on all"
            )
            raise RunError(msg)
        return outcome

    def _ask(self, request: Message) -> Reply:
        name = _question(request)
        task = Task(name=name, steps=(Step(key=name, request=request),), limits=self.limits)
        if wants_gpu(task):
            self._require_gpu(name)
        done: queue.SimpleQueue[Future] = queue.SimpleQueue()
        future = self.submit(ClusterTask(run=self.run, task=task), done)
        try:
            ((_, reply),) = self.outcome(done.get()).steps
        except WorkerLostError as error:
            msg = f"{self.address}: every worker that was asked about {name} died ({error})"
            raise RunError(msg) from error
        future.release()
        if reply.value is not None:
            facts = {key: reply.value[key] for key in IDENTITY[str(request["op"])]}
            self._planned[name] = Expected(request=request, facts=facts)
        return reply

    def _require_gpu(self, what: str) -> None:
        offers: Mapping[str, Mapping[str, float]] = self._client.run(_offered_resources)
        if offers and not any(offered.get("GPU") for offered in offers.values()):
            msg = (
                f"{what}: wants a GPU, and no worker of {self.address} offers one; start those "
                "that have one with --resources GPU=1"
            )
            raise ConfigError(msg)

    def _lost(self) -> RunError:
        return RunError(
            f"{self.address}: the scheduler is gone; what was computed is kept, the same command "
            "goes on from there"
        )


def wants_gpu(task: Task) -> bool:
    """Return whether a task codes on CUDA, and so takes one GPU of a worker that offers some."""
    return _is_on_cuda(str(task.steps[0].request.get("spec", "")))


@lru_cache
def _is_on_cuda(spec: str) -> bool:
    return bool(spec) and "cuda" in Spec.parse(spec).options.get("device", ())


def _connect(address: str) -> "Client":
    require("distributed")
    from distributed import Client

    # What it would tell the screen in the midst of progress is told by our errors and events.
    logging.getLogger("distributed.client").setLevel(logging.ERROR)
    try:
        return Client(address, timeout=_CONNECT_S, set_as_default=False, name="codecbench")
    except (OSError, TimeoutError) as error:
        msg = f"{address}: no Dask scheduler answers there within {_CONNECT_S} s"
        raise RunError(msg) from error
    except ValueError as error:
        msg = f"'{address}' is no address of a Dask scheduler ({error}); write tcp://host:8786"
        raise ConfigError(msg) from error


def _questions(request: Message) -> Iterator[Message]:
    """Say what a step's result hangs on."""
    yield {"op": "describe_harness"}
    yield {"op": "describe_condition", "condition": request["condition"]}
    if "spec" in request:
        yield {"op": "describe_codec", "spec": request["spec"]}
    if "metric" in request:
        yield {"op": "describe_metric", "spec": request["metric"]}


def _question(request: Message) -> str:
    """Name a question by its subject."""
    return " ".join(str(value).removeprefix("describe_") for value in request.values())


def _offered_resources(dask_worker: Any) -> dict[str, float]:  # noqa: ANN401  (not typed)
    return dict(dask_worker.state.total_resources)
