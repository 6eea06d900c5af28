"""Which checkpoint broke it: halving, with each step a comparison against the first."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from codecbench.benchmark.runner import RunOptions
from codecbench.core.errors import ConfigError
from codecbench.datasets.registry import DatasetSpec
from codecbench.reports.regression.compare import ComparisonReport, Follow, compare, drain
from codecbench.reports.regression.decision import State
from codecbench.reports.regression.policy import Policy
from codecbench.reports.regression.source import (
    CHECKPOINT_SUFFIXES,
    is_checkpoint,
    with_checkpoint,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bisection:
    """What a search came to.

    Attributes:
        state: `REGRESSION` where a checkpoint was found, `PASSED` where the last is as good as
            the first, otherwise why nothing can be said.
        good: The last checkpoint that is known to be good.
        bad: The first that is known to be bad; None where there is none.
        tried: Checkpoints that were compared with the first, in that order, with what was found.
        report: The comparison that decided.
    """

    state: State
    good: Path
    bad: Path | None
    tried: tuple[tuple[Path, State], ...]
    report: ComparisonReport


def find_checkpoints(folder: Path) -> tuple[Path, ...]:
    """Return the checkpoints of a folder in the order in which their names count.

    Args:
        folder: With files of weights, or folders with them; hidden ones do not count.

    Raises:
        ConfigError: There are fewer than two.
    """
    if not folder.is_dir():
        msg = f"{folder}: no folder of checkpoints"
        raise ConfigError(msg)
    found = [
        path for path in folder.iterdir() if not path.name.startswith(".") and is_checkpoint(path)
    ]
    if len(found) < 2:
        msg = f"{folder}: {len(found)} checkpoints ({', '.join(CHECKPOINT_SUFFIXES)}); need two"
        raise ConfigError(msg)
    return tuple(sorted(found, key=natural_order))


def natural_order(path: Path) -> list[tuple[int, int | str]]:
    """Return a key by which ``step900`` comes before ``step1000``."""
    parts = re.split(r"(\d+)", path.name)
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in parts if part]


def bisect(
    checkpoints: Sequence[Path],
    codec: str,
    data: DatasetSpec,
    *,
    metrics: str | Sequence[str] | None = None,
    policy: Policy | None = None,
    out: Path | str = "codecbench-bisect",
    options: RunOptions | None = None,
    follow: Follow = drain,
    on_step: Callable[[Path, State, int], None] | None = None,
) -> Bisection:
    """Find the first checkpoint that is worse than the first of all.

    The first is taken for good. The last is compared with it; then the middle, and so on. One that
    cannot be judged ends the search: guessing which half to take could name an innocent one.

    Args:
        checkpoints: At least two, oldest first.
        codec: Spec of the codec; ``{}`` stands for the checkpoint.
        data: What to run on.
        metrics: Names or groups; core where None.
        policy: What is accepted.
        out: Folder for the runs; each checkpoint is run once.
        options: How.
        follow: Takes the events of each run.
        on_step: Told of each checkpoint that was compared, and how many are left.

    Raises:
        ConfigError: What is asked for cannot be right.
        DatasetError: The data cannot be read.
    """
    if len(checkpoints) < 2:
        msg = f"{len(checkpoints)} checkpoints; two at least are needed"
        raise ConfigError(msg)
    tried: list[tuple[Path, State]] = []

    def judge(place: int, left: int) -> ComparisonReport:
        report = compare(
            with_checkpoint(codec, checkpoints[0]),
            with_checkpoint(codec, checkpoints[place]),
            data=data,
            metrics=metrics,
            policy=policy,
            out=out,
            options=options,
            follow=follow,
        )
        tried.append((checkpoints[place], report.decision.state))
        if on_step is not None:
            on_step(checkpoints[place], report.decision.state, left)
        return report

    good, bad = 0, len(checkpoints) - 1
    deciding = judge(bad, bad - 1)
    state = deciding.decision.state
    while state is State.REGRESSION and bad - good > 1:
        middle = (good + bad) // 2
        report = judge(middle, bad - good - 2)
        found = report.decision.state
        if found is State.REGRESSION:
            bad, deciding = middle, report
        elif found is State.PASSED:
            good = middle
        else:
            state, deciding = found, report
    return Bisection(
        state=state,
        good=checkpoints[bad if state is State.PASSED else good],
        bad=checkpoints[bad] if tried[0][1] is State.REGRESSION else None,
        tried=tuple(tried),
        report=deciding,
    )
