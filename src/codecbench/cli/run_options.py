"""Options that 'run' and 'demo' share."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from codecbench.benchmark.runner import RunOptions

F = TypeVar("F", bound=Callable[..., Any])  # Any: click's commands take what their options say

_OPTIONS = [
    click.option("-j", "--jobs", default=0, help="Worker processes; 0 means one for each core."),
    click.option(
        "--cache",
        type=click.Path(path_type=Path, file_okay=False),
        help="Cache folder.  [default: the user's cache folder]",
    ),
    click.option(
        "--scheduler",
        default="",
        metavar="ADDRESS",
        help="Work on the cluster of this Dask scheduler, such as tcp://10.0.0.1:8786.",
    ),
    click.option(
        "--timeout", default=600.0, show_default=True, help="Seconds that one step may take."
    ),
    click.option(
        "--memory",
        default=0.0,
        help="MiB that one worker may use; 0 means an equal share of 80 % of its machine.",
    ),
    click.option(
        "--rerun",
        type=click.Choice(["failed", "missing", "always", "never"]),
        default="failed",
        show_default=True,
        help="What to do again when the folder or the cache knows it.",
    ),
    click.option(
        "--update", is_flag=True, help="Turn a folder that holds another suite into this one."
    ),
    click.option(
        "--keep",
        type=click.Choice(["audio", "worst", "none"]),
        default="audio",
        show_default=True,
        help="What stays of coded audio and bitstreams in the cache when the run is over: all, "
        "that of the three worst clips by each metric and of failures, or nothing.",
    ),
    click.option(
        "--strict", is_flag=True, help="Exit with 3 for undefined cells and skips in groups too."
    ),
    click.option("-q", "--quiet", is_flag=True, help="Show no progress."),
]

_PLUGIN = click.option(
    "--plugin",
    "plugins",
    multiple=True,
    metavar="FILE",
    help="Code that a suite, a run or a baseline names (a .py file, the .toml or folder of a "
    "program, an interpreter) and that may be run; may be repeated.",
)


def plugin_option(function: F) -> F:
    """Add the option that lets code run which a file names."""
    return _PLUGIN(function)


def execution_options(function: F) -> F:
    """Add the options that say how to carry out a run."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def run_options(how: Mapping[str, Any]) -> "RunOptions":
    """Return what the options above say."""
    from codecbench.benchmark.runner import RunOptions

    return RunOptions(
        jobs=how["jobs"],
        cache=how["cache"],
        timeout_s=how["timeout"],
        memory_mib=how["memory"],
        rerun=how["rerun"],
        update=how["update"],
        keep=how["keep"],
        scheduler=how["scheduler"],
    )
