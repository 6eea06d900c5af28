"""Tasks to workers: joblib's loky processes, or this process where one worker is enough."""

import os
import signal
import sys
import warnings
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial

from codecbench.benchmark.supervisor import Reply
from codecbench.benchmark.worker import Task, close_child, run_in_worker, run_task

Outcome = tuple[str, list[tuple[str, Reply]]]
"""A task's name and its steps' replies by key."""


@contextmanager
def distribute(tasks: Sequence[Task], workers: int) -> Generator[Iterator[Outcome], None, None]:
    """Run tasks and hand out what comes of each as soon as it is done, in any order.

    Leaving the context ends all workers, at once where it is left by an exception.

    Args:
        tasks: What to run.
        workers: Worker processes.
    """
    import joblib
    from joblib.externals.loky import get_reusable_executor

    count = max(1, min(workers, len(tasks)))
    parallel = joblib.Parallel(
        n_jobs=count, backend="loky", return_as="generator_unordered", batch_size=1
    )
    run = run_task if count == 1 else partial(run_in_worker, run=os.getpid())
    with _deaf_to_interrupts() if count > 1 else nullcontext():
        # Processes start with the first task that is handed out, which is now.
        results = parallel(joblib.delayed(run)(task) for task in tasks)
    clean = False
    try:
        yield results
        clean = True
    finally:
        if not clean:
            close_child()
        if count > 1:
            get_reusable_executor().shutdown(wait=clean, kill_workers=not clean)
        with warnings.catch_warnings():
            # That what was done in vain is lost is known to whoever stops a run.
            warnings.simplefilter("ignore", UserWarning)
            results.close()


@contextmanager
def _deaf_to_interrupts() -> Generator[None, None, None]:
    """Let processes that start now never hear Ctrl-C, which reaches us when they have started.

    It is sent to all of them at once, and ending them is our business: one that heard it outside
    of a task would complain with a traceback.
    """
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
