"""Running a benchmark from Python: the call on which the command line is built too."""

from collections.abc import Callable, Iterable
from pathlib import Path

from codecbench.benchmark.events import Event
from codecbench.benchmark.runner import RunOptions, run_suite
from codecbench.benchmark.suite import Suite
from codecbench.datasets.registry import DatasetSpec, get_dataset
from codecbench.reports.run import Run


def run(
    codecs: str | Iterable[str],
    data: DatasetSpec,
    *,
    out: Path | str,
    metrics: str | Iterable[str] = "core",
    conditions: str | Iterable[str] = "clean",
    sample_rate: int = 16000,
    seed: int = 0,
    jobs: int = 0,
    cache: Path | str | None = None,
    scheduler: str = "",
    options: RunOptions | None = None,
    on_event: Callable[[Event], None] | None = None,
) -> Run:
    """Code clips with codecs, score them, and keep everything in a run folder.

    Silent; what is known already is not computed again. A script that calls this at its top level
    with more than one job needs the usual ``if __name__ == "__main__":``.

    Args:
        codecs: Spec strings, such as ``"opus:bitrate=6000|12000"``.
        data: A folder, a manifest, a registered name, a list of files, or a `Dataset`.
        out: Run folder; a run that was begun there goes on.
        metrics: Names or groups ("core", "all").
        conditions: What befalls input or packets, such as ``"loss=5%,burst=1.5"``; every run has
            ``"clean"`` too.
        sample_rate: Rate of evaluation in Hz.
        seed: Seed of whatever is random.
        jobs: Worker processes; 0 means one for each core.
        cache: Cache folder; the user's where None.
        scheduler: Address of a Dask scheduler whose workers do the work; this machine where "".
        options: Time and memory limits and what to do again; `jobs`, `cache` and `scheduler` are
            taken from here where it is given.
        on_event: Called with each event, in this process.

    Raises:
        ConfigError: What is asked for cannot be right; nothing was written.
        DatasetError: The data cannot be read; nothing was written.
        RunError: The folder is locked or holds another suite.
    """
    dataset = get_dataset(data)
    suite = Suite(
        codecs=(codecs,) if isinstance(codecs, str) else tuple(codecs),
        data=str(data) if isinstance(data, str | Path) else dataset.name,
        metrics=(metrics,) if isinstance(metrics, str) else tuple(metrics),
        conditions=(conditions,) if isinstance(conditions, str) else tuple(conditions),
        sample_rate=sample_rate,
        seed=seed,
    )
    how = options or RunOptions(
        jobs=jobs, cache=None if cache is None else Path(cache), scheduler=scheduler
    )
    for event in run_suite(suite, Path(out), options=how, dataset=dataset):
        if on_event is not None:
            on_event(event)
    return Run(out)
