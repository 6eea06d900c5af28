"""Running a suite from the command line: progress, report, summary, exit code."""

import sys
from pathlib import Path

from codecbench.benchmark.events import RunFinished
from codecbench.benchmark.reading import by_name_metrics
from codecbench.benchmark.results import RunResults
from codecbench.benchmark.runner import RunOptions, run_suite
from codecbench.benchmark.store import RunStore
from codecbench.benchmark.suite import Suite
from codecbench.cli.exit_codes import ExitCode
from codecbench.cli.progress import Screen
from codecbench.core.whole_file import raise_storage_error, write_whole
from codecbench.datasets.base import Dataset
from codecbench.reports.run import Run

_SHOWN_CLIPS = 10


def carry_out(
    suite: Suite,
    out: Path,
    *,
    options: RunOptions,
    strict: bool,
    quiet: bool,
    dataset: Dataset | None = None,
) -> int:
    """Run a suite, write its report, say what was found, and return the exit code."""
    with Screen(quiet=quiet) as screen:
        try:
            finished = screen.follow(run_suite(suite, out, options=options, dataset=dataset))
        except KeyboardInterrupt:
            print(
                f"codecbench: interrupted; what was computed is kept in {out}; "
                "the same command goes on from there",
                file=sys.stderr,
            )
            return ExitCode.INTERRUPTED
    run = Run(out)
    results = run.results()
    if finished is not None:
        print(_summary(finished))
    for line in unusable_clips(results):
        print(line)
    page = _report(run)
    print(f"report: {page}")
    return exit_code(results, by_name_metrics(out), group=suite.group, strict=strict)


def unusable_clips(results: RunResults) -> list[str]:
    """Name the clips that no system can be measured with, and why; some of them where many are."""
    frame = results.frame
    undefined = frame[frame["status"] == "undefined"]
    every = frame["metric"].nunique()
    lines = []
    for (clip, reason), rows in undefined.groupby(["clip", "reason"], sort=False):
        metrics = rows["metric"].unique()
        which = "" if len(metrics) == every else f" by {', '.join(metrics)}"
        lines.append(f"  {clip}: no codec can be judged on it{which}: {reason}")
    if len(lines) > _SHOWN_CLIPS:
        rest = len(lines) - _SHOWN_CLIPS
        lines = [*lines[:_SHOWN_CLIPS], f"  … and {rest} more, see the report"]
    return lines


def _report(run: Run) -> Path:
    """Write the report of a run, unless the one that is there shows the same."""
    page, mark = run.folder / "report" / "index.html", run.folder / "report_of"
    with RunStore(run.folder) as store:
        stamp = store.stamp()
    if page.is_file() and mark.is_file() and mark.read_text(encoding="utf-8") == stamp:
        return page
    try:
        mark.unlink(missing_ok=True)
        page = run.report(only_curves=True)
    except OSError as error:
        raise_storage_error(error, run.folder / "report")
        raise
    write_whole(mark, stamp.encode())
    return page


def exit_code(
    results: RunResults, by_name: frozenset[str], *, group: bool, strict: bool
) -> ExitCode:
    """Say whether a run is complete.

    Args:
        results: The run.
        by_name: Metric outputs that were asked for by name.
        group: Whether the codecs come from a ready-made suite.
        strict: Whether undefined cells and skips inside groups count too.

    Returns:
        `INCOMPLETE` where a cell failed, one that was asked for by name was skipped, or nothing
        was measured; otherwise `OK`.
    """
    frame = results.frame
    status = frame["status"]
    if not (status == "ok").any() or (status == "failed").any():
        return ExitCode.INCOMPLETE
    if strict and (status != "ok").any():
        return ExitCode.INCOMPLETE
    skipped = frame[status == "skipped"]
    if skipped.empty:
        return ExitCode.OK
    unavailable = {system.codec for system in results.systems if system.unavailable}
    asked = skipped["metric"].isin(by_name)
    if not group:
        asked |= skipped["codec"].isin(unavailable)
    asked |= skipped["reason"].str.startswith("not_run")
    return ExitCode.INCOMPLETE if asked.any() else ExitCode.OK


def _summary(finished: RunFinished) -> str:
    total = finished.ok + finished.undefined + finished.failed + finished.skipped
    parts = [f"{finished.ok} of {total} cells have a value"]
    for count, word in (
        (finished.failed, "failed"),
        (finished.undefined, "undefined"),
        (finished.skipped, "skipped"),
    ):
        if count:
            parts.append(f"{count} {word}")
    return ", ".join(parts)
