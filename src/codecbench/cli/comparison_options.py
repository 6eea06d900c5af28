"""Options that 'compare', 'gate' and 'bisect' share, and what they print and exit with."""

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from codecbench.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from codecbench.benchmark.events import Event
    from codecbench.benchmark.runner import RunOptions
    from codecbench.reports.regression.compare import ComparisonReport
    from codecbench.reports.regression.policy import Policy

F = TypeVar("F", bound=Callable[..., Any])  # Any: click's commands take what their options say

_POLICY = [
    click.option(
        "--fail-if",
        "fail_if",
        multiple=True,
        metavar="CONDITION",
        help="What counts as a regression, e.g. 'pesq_wb < -0.05', 'mcd > 2%', 'rate > +1%', "
        "'time > +10%', 'failures > 0'; may be repeated.",
    ),
    click.option(
        "--policy",
        "policy_file",
        type=click.Path(path_type=Path, dir_okay=False),
        help="TOML file with fail_if, tolerance, error_rate, worst_clips.",
    ),
    click.option(
        "--error-rate",
        type=float,
        help="Chance of any false alarm over all that is judged.  [default: 0.05]",
    ),
]

_HOW = [
    click.option("-j", "--jobs", default=0, help="Worker processes; 0 means one for each core."),
    click.option(
        "--cache",
        type=click.Path(path_type=Path, file_okay=False),
        help="Cache folder.  [default: the user's cache folder]",
    ),
    click.option(
        "--timeout", default=600.0, show_default=True, help="Seconds that one step may take."
    ),
    click.option("-q", "--quiet", is_flag=True, help="Show no progress."),
]

_OUTPUT = [
    click.option(
        "--junit",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Write the checks as JUnit XML.",
    ),
    click.option(
        "--github",
        is_flag=True,
        help="Print annotations, and write to the step summary, as GitHub's runners want them.",
    ),
    click.option(
        "--json",
        "json_file",
        type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
        help="Write everything as JSON; - for the standard output, instead of the table.",
    ),
]


def policy_options(function: F) -> F:
    """Add the options that say what is accepted."""
    return _with(function, _POLICY)


def how_options(function: F) -> F:
    """Add the options that say how to run what must be run."""
    return _with(function, _HOW)


def output_options(function: F) -> F:
    """Add the options that say where else to report to."""
    return _with(function, _OUTPUT)


def _with(function: F, options: Iterable[Callable[[F], F]]) -> F:
    for option in reversed(list(options)):
        function = option(function)
    return function


def policy_of(flags: Mapping[str, Any], base: "Policy | None" = None) -> "Policy":
    """Return the policy that the flags say.

    Args:
        flags: Of a command with `policy_options`.
        base: What a file does not say; the defaults where None.

    Raises:
        ConfigError: They say what cannot be.
    """
    from codecbench.reports.regression.policy import Policy, read_policy, with_flags

    file = flags["policy_file"]
    policy = read_policy(file) if file is not None else base or Policy()
    return with_flags(policy, fail_if=flags["fail_if"], error_rate=flags["error_rate"])


def how_of(flags: Mapping[str, Any]) -> "RunOptions":
    """Return how to run what must be run."""
    from codecbench.benchmark.runner import RunOptions

    return RunOptions(jobs=flags["jobs"], cache=flags["cache"], timeout_s=flags["timeout"])


def screen_for(flags: Mapping[str, Any]) -> "Callable[[Iterable[Event]], object]":
    """Return what shows the events of a run."""
    from codecbench.cli.progress import Screen

    def follow(events: "Iterable[Event]") -> None:
        with Screen(quiet=flags["quiet"]) as screen:
            screen.follow(events)

    return follow


def tell(report: "ComparisonReport", out: Path, flags: Mapping[str, Any]) -> ExitCode:
    """Print a comparison, write its page and what else was asked for.

    Args:
        report: The comparison.
        out: Folder of the page.
        flags: Of a command with `how_options` and `output_options`.

    Returns:
        The exit code.
    """
    from codecbench.benchmark.cache import default_cache_folder
    from codecbench.reports.regression.machine import (
        github_annotations,
        github_summary,
        to_json,
        to_junit,
    )
    from codecbench.reports.regression.page import write_page
    from codecbench.reports.regression.shown import (
        changes_table,
        plain_lines,
        rates_table,
        summary_lines,
    )

    page, clips = write_page(report, out, flags["cache"] or default_cache_folder())
    to_stdout = str(flags["json_file"]) == "-"
    if to_stdout:
        print(to_json(report), end="")
    else:
        for table in (changes_table(report), rates_table(report)):
            print("\n".join(plain_lines(table)), end="\n\n")
        for each in clips[: report.policy.worst_clips]:
            said = f"{each.row.metric.name} {each.clip.change:+.3g}, {each.row.pair.label}"
            print(f"listen: {each.clip.clip} ({said} {each.row.pair.point})")
            for word, path in each.sounds.items():
                print(f"  {word:9} {path}")
        print(f"page: {page}")
        print("\n".join(summary_lines(report)))
    if flags["junit"] is not None:
        _write(flags["junit"], to_junit(report))
    if flags["json_file"] is not None and not to_stdout:
        _write(flags["json_file"], to_json(report))
    if flags["github"]:
        print("\n".join(github_annotations(report)), file=sys.stderr if to_stdout else sys.stdout)
        summary = os.environ.get("GITHUB_STEP_SUMMARY")
        if summary:
            with Path(summary).open("a", encoding="utf-8") as file:
                file.write(github_summary(report, str(page)))
    return code_of(report)


def code_of(report: "ComparisonReport") -> ExitCode:
    """Return what a decision exits with: too little to say is never 0."""
    from codecbench.reports.regression.decision import State

    return {
        State.PASSED: ExitCode.OK,
        State.REGRESSION: ExitCode.REGRESSION,
        State.UNDECIDED: ExitCode.INCOMPLETE,
        State.NOT_MEASURED: ExitCode.INCOMPLETE,
    }[report.decision.state]


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
