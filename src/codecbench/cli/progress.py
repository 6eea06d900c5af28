"""The screen: a bar on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from codecbench.benchmark.events import (
    AudioDropped,
    ClusterChanged,
    DiskNeeded,
    Event,
    Failure,
    RunFinished,
    StageStarted,
    StepsDone,
    StoreSalvaged,
    WarmUp,
)
from codecbench.cli.plain_output import terminal

if TYPE_CHECKING:
    from rich.progress import TaskID

_LINE_EVERY_S = 10.0
_SHOWN_FAILURES = 8
_WORDS = {"coding": "Coding", "scoring": "Scoring"}


def warm_up_words(metrics: Iterable[str]) -> str:
    """Say that kernels are compiled."""
    return f"Compiling kernels (once per installation): {', '.join(metrics)}"


def cluster_words(cluster: ClusterChanged) -> str:
    """Say who works where."""
    if not cluster.workers:
        return f"Cluster {cluster.address}: no workers yet; waiting for some"
    workers = f"{cluster.workers} worker{'s'[: cluster.workers != 1]}"
    threads = f"{cluster.threads} task{'s'[: cluster.threads != 1]}"
    return f"Cluster {cluster.address}: {workers}, {threads} at once"


def disk_words(event: DiskNeeded) -> str:
    """Say how much disk the audio of a run takes, and whether that is there."""
    stays = {"audio": "", "worst": "; the worst clips stay", "none": "; nothing of it stays"}
    words = f"Disk: at most {size(event.most_bytes)} of coded audio in {event.cache}"
    words += stays[event.keep]
    if event.is_short:
        words += f"; WARNING: only {size(event.free_bytes)} are free there"
    return words


def size(count: int) -> str:
    """Return a number of bytes as people read it."""
    for power, unit in ((3, "GiB"), (2, "MiB")):
        if count >= 1024**power:
            return f"{count / 1024**power:.1f} {unit}"
    return f"{count / 1024:.1f} KiB"


def failure_lines(failures: Sequence[Failure]) -> list[str]:
    """Sum up what failed: one line for each kind of failure of a codec and metric, with one case.

    Args:
        failures: In the order in which they came.
    """
    kinds: dict[tuple[str, str, str], list[Failure]] = {}
    for failure in failures:
        key = (failure.codec, failure.metric, failure.outcome)
        kinds.setdefault(key, []).append(failure)
    lines = []
    for same in list(kinds.values())[:_SHOWN_FAILURES]:
        more = f" (and {len(same) - 1} more like it)" if len(same) > 1 else ""
        lines.append(f"  {same[0]}{more}")
    if len(kinds) > _SHOWN_FAILURES:
        lines.append(f"  … and {len(kinds) - _SHOWN_FAILURES} more kinds")
    if failures:
        lines.append("  log.jsonl in the run folder has each of them, with its traceback")
    return lines


class Screen:
    """Shows the events of a run: rate, time left, failures."""

    def __init__(self, *, quiet: bool = False) -> None:
        """Choose bar or lines by what standard error is."""
        self._quiet = quiet
        self._bar = _Bar() if sys.stderr.isatty() and not quiet else None
        self._failures: list[Failure] = []
        self._stage = ""
        self._total = self._done = 0
        self._started = self._said = 0.0

    def follow(self, events: Iterable[Event]) -> RunFinished | None:
        """Show events until the last one, and return it."""
        finished = None
        for event in events:
            if isinstance(event, StageStarted):
                self._begin(event)
            elif isinstance(event, StepsDone):
                self._advance(event)
            elif isinstance(event, ClusterChanged):
                self.say(cluster_words(event))
            elif isinstance(event, StoreSalvaged):
                self.warn(str(event))
            elif isinstance(event, DiskNeeded):
                (self.warn if event.is_short else self.say)(disk_words(event))
            elif isinstance(event, AudioDropped):
                self._end_stage()
                self.say(f"Disk: {size(event.bytes)} of coded audio removed, as --keep says")
            elif isinstance(event, WarmUp):
                self._end_stage()
                self.say(warm_up_words(event.metrics))
            else:
                finished = event
        self._end_stage()
        return finished

    def say(self, line: str) -> None:
        """Show a line above the bar, or among the lines."""
        if self._bar is not None:
            self._bar.say(line)
        elif not self._quiet:
            print(line, file=sys.stderr, flush=True)

    def warn(self, line: str) -> None:
        """Show a line that has to be seen, even where nothing else is shown."""
        if self._bar is not None:
            self._bar.say(line)
        else:
            print(line, file=sys.stderr, flush=True)

    def __enter__(self) -> Self:
        """Start showing."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take the bar away and list the first failures."""
        if self._bar is not None:
            self._bar.close()
        for line in failure_lines(self._failures):
            print(line, file=sys.stderr)

    def _begin(self, event: StageStarted) -> None:
        self._end_stage()
        self._stage, self._total, self._done = _WORDS[event.stage], event.steps, 0
        self._started = self._said = time.monotonic()
        if self._bar is not None:
            self._bar.begin(self._stage, event.steps)
        elif not self._quiet:
            known = f", {event.reused} known already" if event.reused else ""
            print(f"{self._stage}: {event.steps} steps{known}", file=sys.stderr, flush=True)

    def _advance(self, event: StepsDone) -> None:
        self._done += event.steps
        self._failures += event.failures
        if self._bar is not None:
            self._bar.advance(event.steps, len(self._failures))
        elif not self._quiet and time.monotonic() - self._said > _LINE_EVERY_S:
            self._said = time.monotonic()
            print(self._line(), file=sys.stderr, flush=True)

    def _end_stage(self) -> None:
        if self._stage and self._total and self._bar is None and not self._quiet:
            print(self._line(), file=sys.stderr, flush=True)
        self._stage = ""

    def _line(self) -> str:
        elapsed = max(time.monotonic() - self._started, 1e-9)
        rate = self._done / elapsed
        left = (self._total - self._done) / rate if rate else 0.0
        lost = f", {len(self._failures)} failed" if self._failures else ""
        return f"{self._stage}: {self._done}/{self._total} ({rate:.1f}/s, {left:.0f} s left{lost})"


class _Bar:
    """A rich progress bar with rate, time left and failures."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TaskProgressColumn,
            TextColumn,
            TimeRemainingColumn,
        )

        self._progress = Progress(
            TextColumn("{task.description:8}"),
            BarColumn(),
            MofNCompleteColumn(),
            TaskProgressColumn(show_speed=True),
            TimeRemainingColumn(),
            TextColumn("{task.fields[lost]}"),
            console=Console(file=terminal()),
        )
        self._progress.start()
        self._task: TaskID | None = None

    def begin(self, name: str, total: int) -> None:
        """Show a new stage."""
        self._task = self._progress.add_task(name, total=total, lost="")

    def advance(self, steps: int, failures: int) -> None:
        """Move on."""
        if self._task is not None:
            lost = f"[red]{failures} failed" if failures else ""
            self._progress.update(self._task, advance=steps, lost=lost)

    def say(self, line: str) -> None:
        """Show a line above the bar."""
        self._progress.console.print(line, highlight=False)

    def close(self) -> None:
        """Take the bar away."""
        self._progress.stop()
