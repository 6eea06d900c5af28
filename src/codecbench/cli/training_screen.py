"""The screen of a training: a bar on a terminal, plain lines elsewhere."""

import sys
import time
from types import TracebackType
from typing import Self

from codecbench.cli.plain_output import terminal
from codecbench.training.events import Event, Finished, Saved, Started, Stepped, Validated
from codecbench.training.recipe import Recipe

_LINE_EVERY_S = 30.0


class TrainingScreen:
    """Shows losses, scores, speed and the time left."""

    def __init__(self, recipe: Recipe, *, quiet: bool = False) -> None:
        """Choose bar or lines by what standard error is."""
        self._recipe = recipe
        self._quiet = quiet
        self._bar = _Bar() if sys.stderr.isatty() and not quiet else None
        self._said = 0.0

    def __enter__(self) -> Self:
        """Start showing."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()

    def show(self, event: Event) -> None:
        """Show one event."""
        if self._quiet:
            return
        if isinstance(event, Started):
            self._begin(event)
        elif isinstance(event, Stepped):
            self._advance(event)
        elif isinstance(event, Validated):
            for line in _score_lines(event):
                self._say(line)
        elif isinstance(event, Finished):
            self._say(f"{event.reason}: step {event.step} of {event.steps}")
        else:
            assert isinstance(event, Saved)

    def _begin(self, event: Started) -> None:
        begun = f"from step {event.step}" if event.step else "from the beginning"
        kind = "held-out" if event.held_out else "trained"
        self._say(
            f"{self._recipe.name} [{self._recipe.scale}]: {event.parameters:,} parameters, "
            f"{event.train_s / 60:.1f} min of audio, {event.validation_clips} {kind} clips to "
            f"validate, {begun} to {event.steps}"
        )
        for note in event.notes:
            self._say(f"note: {note}")
        if self._bar is not None:
            self._bar.begin(event.step, event.steps)

    def _advance(self, event: Stepped) -> None:
        loss = event.losses.get("loss")
        told = "" if loss is None else f"loss {loss:.4f}, "
        told += f"{event.speed:.1f} s of audio per s"
        if self._bar is not None:
            self._bar.advance(event.step, told)
        elif time.monotonic() - self._said > _LINE_EVERY_S:
            self._said = time.monotonic()
            self._say(f"step {event.step}: {told}, {_clock(event.seconds_left)} left")

    def _say(self, line: str) -> None:
        if self._bar is not None:
            self._bar.say(line)
        else:
            print(line, file=sys.stderr, flush=True)


def _score_lines(event: Validated) -> list[str]:
    lines = []
    for point, scores in event.scores.items():
        told = ", ".join(f"{name} {value:.3f}" for name, value in scores.items())
        where = f" at {point}" if point else ""
        lines.append(f"step {event.step}{where}: {told}")
    lines += [f"step {event.step}: {count} × {what}" for what, count in event.failed.items()]
    return lines


def _clock(seconds: float) -> str:
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class _Bar:
    """A rich progress bar with loss, speed and time left."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        self._progress = Progress(
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[told]}"),
            console=Console(file=terminal()),
        )
        self._progress.start()
        self._task = self._progress.add_task("", total=None, told="")

    def begin(self, step: int, steps: int) -> None:
        """Say where the training stands."""
        self._progress.update(self._task, completed=step, total=steps)

    def advance(self, step: int, told: str) -> None:
        """Move on."""
        self._progress.update(self._task, completed=step, told=told)

    def say(self, line: str) -> None:
        """Show a line above the bar."""
        self._progress.console.print(line, highlight=False)

    def close(self) -> None:
        """Take the bar away."""
        self._progress.stop()
