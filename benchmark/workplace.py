"""Where a run is carried out: the cores of this machine, or the workers of a cluster."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, TypeAlias

from codecbench.benchmark.distribute import Outcome, distribute
from codecbench.benchmark.events import ClusterChanged, Event, WarmUp
from codecbench.benchmark.objects import ObjectStore
from codecbench.benchmark.supervisor import Limits, Respondent, SupervisedChild
from codecbench.benchmark.warm_up import cold_metrics, warm_up
from codecbench.benchmark.worker import Task, close_child, worker_child

News: TypeAlias = Outcome | ClusterChanged


class Workplace(Protocol):
    """What the runner needs to know of it.

    Attributes:
        limits: For each step.
        has_journals: Whether workers can write beside the run.
    """

    limits: Limits
    has_journals: bool

    def workers(self) -> int:
        """Return how many tasks can be done at once."""

    def respondent(self) -> Respondent:
        """Return whoever makes codecs and metrics to be asked about themselves."""

    def news(self) -> Iterator[Event]:
        """Yield what there is to tell before anything was asked."""

    def warm_up(self, metrics: Sequence[str]) -> Iterator[Event]:
        """Compile what the metrics need, where that must be done before they are distributed."""

    def distribute(
        self, tasks: Sequence[Task], objects: ObjectStore
    ) -> AbstractContextManager[Iterator[News]]:
        """Run tasks and hand out what comes of each as soon as it is done, in any order."""


class OwnMachine:
    """Processes of this machine; with one worker, this process and its child."""

    has_journals = True

    def __init__(self, workers: int, limits: Limits) -> None:
        """Take what the options say."""
        self.limits = limits
        self._workers = workers

    def workers(self) -> int:
        """Return the number of processes."""
        return self._workers

    def respondent(self) -> Respondent:
        """Return this process's child, which works on where there is but one worker."""
        return worker_child(self.limits)

    def news(self) -> Iterator[Event]:
        """Yield nothing."""
        yield from ()

    def warm_up(self, metrics: Sequence[str]) -> Iterator[Event]:
        """Compile in one process what all will load."""
        if not (cold := cold_metrics(metrics)):
            return
        yield WarmUp(metrics=cold)
        if self._workers == 1:
            # The same child scores afterwards, and has everything imported by then.
            warm_up(cold, worker_child(self.limits))
            return
        with SupervisedChild(self.limits) as child:
            warm_up(cold, child)

    @contextmanager
    def distribute(self, tasks: Sequence[Task], objects: ObjectStore) -> Iterator[Iterator[News]]:
        """Run tasks; the workers keep files themselves."""
        del objects
        if self._workers > 1:
            # What answered questions has no more to do: the workers have children of their own.
            close_child()
        with distribute(tasks, self._workers) as outcomes:
            yield outcomes


@contextmanager
def open_workplace(scheduler: str, workers: int, limits: Limits) -> Iterator[Workplace]:
    """Open the place where a run is carried out.

    Args:
        scheduler: Address of a Dask scheduler; "" for this machine.
        workers: Processes of this machine.
        limits: For each step.

    Raises:
        ConfigError: `scheduler` is no address.
        MissingDependencyError: Dask is not installed.
        RunError: Nobody answers there.
    """
    if not scheduler:
        try:
            yield OwnMachine(workers, limits)
        finally:
            close_child()
        return
    from codecbench.benchmark.cluster import Cluster
    from codecbench.benchmark.cluster_dispatch import ClusterWorkplace

    with Cluster(scheduler, limits) as cluster:
        yield ClusterWorkplace(cluster)
