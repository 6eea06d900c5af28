"""The run itself: code what is not coded, score what is not scored, store as it comes."""

import json
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psutil

from codecbench.benchmark.cache import Cache, default_cache_folder
from codecbench.benchmark.coding_stage import CodingStage, Rerun
from codecbench.benchmark.environment import describe_environment
from codecbench.benchmark.events import (
    AudioDropped,
    ClusterChanged,
    DiskNeeded,
    Event,
    RunFinished,
    StageStarted,
    StepsDone,
)
from codecbench.benchmark.keep import Keep, audio_bytes, drop_audio
from codecbench.benchmark.plan import Plan, make_plan
from codecbench.benchmark.run_log import RunLog
from codecbench.benchmark.salvage import open_or_salvage
from codecbench.benchmark.scoring_stage import ScoringStage
from codecbench.benchmark.store import RunStore
from codecbench.benchmark.suite import Suite, write_suite
from codecbench.benchmark.supervisor import DISK, Limits
from codecbench.benchmark.worker import default_jobs, journal_path, read_journals
from codecbench.benchmark.workplace import Workplace, open_workplace
from codecbench.core.errors import ConfigError, RunError, StorageError
from codecbench.core.fingerprint import Json
from codecbench.core.whole_file import write_whole
from codecbench.datasets.base import Dataset
from codecbench.datasets.registry import get_dataset

_MEMORY_SHARE = 0.8
"""Share of the machine's memory that all children may use together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How a run is carried out; none of it changes a result.

    Attributes:
        jobs: Worker processes; 0 means one for each core.
        cache: Cache folder; None means the user's.
        timeout_s: Wall-clock seconds for one step.
        memory_mib: Memory for one worker's child; 0 means an equal share of 80 % of the machine.
        rerun: What is done again.
        update: Whether a folder that holds another suite may become this one.
        keep: What stays of coded audio and bitstreams when the run is over.
        scheduler: Address of a Dask scheduler whose workers do the work, such as
            ``tcp://10.0.0.1:8786``; "" means the cores of this machine. `jobs` does not count
            there.
    """

    jobs: int = 0
    cache: Path | None = None
    timeout_s: float = 600.0
    memory_mib: float = 0.0
    rerun: Rerun = "failed"
    update: bool = False
    keep: Keep = "audio"
    scheduler: str = ""

    def workers(self) -> int:
        """Return the number of worker processes.

        Raises:
            ConfigError: It is negative.
        """
        if self.jobs < 0:
            msg = f"jobs must be positive, or 0 for all cores; found {self.jobs}"
            raise ConfigError(msg)
        return self.jobs or default_jobs()

    def limits(self) -> Limits:
        """Return the limits of one step; memory 0 where each worker of a cluster decides."""
        if self.scheduler:
            return Limits(timeout_s=self.timeout_s, memory_mib=self.memory_mib)
        total = psutil.virtual_memory().total / 2**20
        share = _MEMORY_SHARE * total / self.workers()
        return Limits(timeout_s=self.timeout_s, memory_mib=self.memory_mib or share)


def run_suite(
    suite: Suite,
    out: Path,
    *,
    options: RunOptions | None = None,
    dataset: Dataset | None = None,
) -> Iterator[Event]:
    """Run a suite into a folder, telling what happens; resumes what was begun there.

    Args:
        suite: What to run.
        out: Run folder.
        options: How.
        dataset: The data, where it is not to be loaded from ``suite.data``.

    Yields:
        Events, the last one `RunFinished`.

    Raises:
        ConfigError: The suite cannot be right; nothing was written.
        DatasetError: The data cannot be read; nothing was written.
        RunError: The folder is locked, cannot be written, or holds another suite.
        StorageError: The disk is full or fails; what is stored holds.
    """
    how = options or RunOptions()
    data = dataset or get_dataset(suite.data)
    with open_workplace(how.scheduler, how.workers(), how.limits()) as place:
        yield from place.news()
        plan = make_plan(suite, data, place.respondent())
        with closing(Cache(how.cache or default_cache_folder())) as cache:
            store, salvaged = open_or_salvage(out)
            with store:
                if salvaged is not None:
                    yield salvaged
                _claim_folder(store, plan, update=how.update)
                yield from _execute(plan, store, cache, how, place)


def refuse_another_suite(facts: Mapping[str, Json], plan: Plan, out: Path, *, update: bool) -> None:
    """Refuse to go on in the folder of another run.

    Args:
        facts: What the store there says of itself; empty where there is none.
        plan: What is to be run.
        out: The folder.
        update: Whether it may become that of the new run.

    Raises:
        RunError: It holds another suite.
    """
    known = facts.get("name")
    if known is not None and known != plan.name and not update:
        msg = (
            f"{out}: holds another suite (or data, metric or codec version); choose "
            "another folder (known values are reused), or --update to turn this one into the new"
        )
        raise RunError(msg)


def _claim_folder(store: RunStore, plan: Plan, *, update: bool) -> None:
    refuse_another_suite(store.facts(), plan, store.folder, update=update)
    facts: dict[str, Json] = {
        "name": plan.name,
        "dataset": plan.dataset.name,
        "dataset_fingerprint": plan.dataset.fingerprint,
        "seed": plan.suite.seed,
        "sample_rate": plan.suite.sample_rate,
        "by_name": [
            output.name for metric in plan.metrics if metric.by_name for output in metric.outputs
        ],
        "group": plan.suite.group,
        "identity": plan.identity.to_json(),
        "environment": describe_environment(),
    }
    store.write_plan(
        facts=facts,
        clips=plan.dataset.clips,
        systems=[system.facts for system in plan.systems],
        metrics=[output for metric in plan.metrics for output in metric.outputs],
    )
    write_suite(plan.suite, store.folder / "suite.toml")
    environment = json.dumps(facts["environment"], indent=2, sort_keys=True)
    write_whole(store.folder / "environment.json", f"{environment}\n".encode())


def _execute(
    plan: Plan, store: RunStore, cache: Cache, how: RunOptions, place: Workplace
) -> Iterator[Event]:
    journal = store.folder / "journal"
    if journal.is_dir():
        cache.put(read_journals(journal))
        shutil.rmtree(journal)
    journal.mkdir()
    log = RunLog(store.folder / "log.jsonl")
    scoring = ScoringStage(plan, store, cache)
    coding = CodingStage(plan, store, cache)
    coding.find_known(how.rerun, scoring.needs_audio)
    if coding.open_steps:
        yield DiskNeeded(
            cache=cache.root,
            most_bytes=audio_bytes(coding.open_codings(), plan.suite.sample_rate),
            free_bytes=shutil.disk_usage(cache.root).free,
            keep=how.keep,
        )
    yield from _carry_out(coding, journal, place, cache, log)
    scoring.find_known(how.rerun, coding.rows)
    yield from place.warm_up(scoring.open_metrics)
    yield from _carry_out(scoring, journal, place, cache, log)
    shutil.rmtree(journal)
    if how.keep != "audio":
        outputs = [output for metric in plan.metrics for output in metric.outputs]
        files, freed = drop_audio(how.keep, coding.rows, scoring.cells, outputs, cache.objects)
        yield AudioDropped(files=files, bytes=freed)
    statuses = Counter(cell.status.value for cell in scoring.cells.values())
    yield RunFinished(
        ok=statuses["ok"],
        undefined=statuses["undefined"],
        failed=statuses["failed"],
        skipped=statuses["skipped"],
    )


def _carry_out(
    stage: CodingStage | ScoringStage, journal: Path, place: Workplace, cache: Cache, log: RunLog
) -> Iterator[Event]:
    tasks = stage.tasks(place.limits, journal if place.has_journals else None, place.workers())
    yield StageStarted(
        stage=stage.name, steps=stage.open_steps, reused=stage.total - stage.open_steps
    )
    with place.distribute(tasks, cache.objects) as results:
        for news in results:
            if isinstance(news, ClusterChanged):
                yield news
                continue
            name, outcomes = news
            held_up = [reply for _, reply in outcomes if reply.reason == DISK]
            failures = stage.absorb([each for each in outcomes if each[1].reason != DISK])
            if held_up:
                # No codec or metric is to blame, so no cell is lost: the same steps come again.
                why = held_up[0].detail.partition(": ")[2]
                msg = f"{why}; make room, then the same command goes on from here"
                raise StorageError(msg)
            journal_path(journal, name).unlink(missing_ok=True)
            log.write(failures)
            yield StepsDone(stage=stage.name, steps=len(outcomes), failures=failures)
