"""How far a download is: a bar on a terminal, plain lines elsewhere."""

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from codecbench.cli.plain_output import terminal

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_LINE_EVERY_S = 10.0


class DownloadScreen:
    """Shows bytes, rate and time left of one archive after another."""

    def __init__(self) -> None:
        """Choose bar or lines by what standard error is."""
        self._bar = _bar() if sys.stderr.isatty() else None
        self._tasks: dict[str, TaskID] = {}
        self._said: dict[str, float] = {}

    def advance(self, name: str, done: int, total: int) -> None:
        """Show that so many bytes of a file are here.

        Args:
            name: Of the file.
            done: Bytes so far.
            total: Bytes in all, 0 where unknown.
        """
        if self._bar is not None:
            if name not in self._tasks:
                self._tasks[name] = self._bar.add_task(name, total=total or None)
            self._bar.update(self._tasks[name], completed=done)
            return
        now = time.monotonic()
        is_end = bool(total) and done >= total
        if is_end or now - self._said.get(name, float("-inf")) > _LINE_EVERY_S:
            self._said[name] = now
            share = f" of {total / 1e6:.1f} MB ({100 * done / total:.0f} %)" if total else " MB"
            print(f"  {name}: {done / 1e6:.1f}{share}", file=sys.stderr, flush=True)

    def __enter__(self) -> Self:
        """Start showing."""
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the last state on the screen."""
        if self._bar is not None:
            self._bar.stop()


def _bar() -> "Progress":
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    return Progress(
        TextColumn("  {task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=Console(file=terminal()),
    )
