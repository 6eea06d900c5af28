"""``codecbench reproduce``: make a run again, and say what is different."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from codecbench.cli.run_options import execution_options, plugin_option, run_options

if TYPE_CHECKING:
    from codecbench.reports.reproduction import Reproduction


@click.command("reproduce")
@click.argument("folder", metavar="RUN", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the new run.  [default: RUN-again]",
)
@click.option("-d", "--data", help="Where the data lies now.  [default: where the suite says]")
@click.option(
    "--tolerance",
    type=click.FloatRange(min=0.0),
    default=0.0,
    show_default=True,
    help="Largest difference of two scores that counts as none.",
)
@plugin_option
@execution_options
def command(
    folder: Path,
    out: Path | None,
    data: str | None,
    tolerance: float,
    plugins: tuple[str, ...],
    **how: Any,  # noqa: ANN401  (the shared options, handed on)
) -> int:
    """Make a run again from its stored suite, and compare it cell by cell.

    Nothing is taken from earlier runs, unless --cache names where they have left it. The data has
    to be that of the run, sample for sample. Code that only the suite names is not run unless
    --plugin names it, too.

    Exit codes: 0 every cell is as it was, 1 something is different, 2 usage, 3 there is nothing
    that both runs have a value for.
    """
    from codecbench.cli.exit_codes import ExitCode
    from codecbench.cli.progress import Screen
    from codecbench.reports.reproduction import reproduce

    target = out or folder.with_name(f"{folder.name}-again")
    with Screen(quiet=how["quiet"]) as screen:
        found = reproduce(
            folder,
            target,
            options=run_options(how),
            data=data,
            plugins=plugins,
            tolerance=tolerance,
            follow=screen.follow,
        )
    print("\n".join(_lines(found)))
    print(f"run: {target}")
    if not found.compared:
        return ExitCode.INCOMPLETE
    return ExitCode.OK if found.is_same else ExitCode.REGRESSION


def _lines(found: "Reproduction") -> list[str]:
    heads = ("metric", "cells", "same", "changed", "largest", "lost", "gained", "other reason")
    rows = [heads] + [
        (
            each.metric,
            str(each.cells),
            str(each.same),
            str(each.changed),
            f"{each.largest:.3g}" if each.changed else "",
            str(each.lost),
            str(each.gained),
            str(each.other),
        )
        for each in found.metrics
    ]
    widths = [max(len(row[place]) for row in rows) for place in range(len(heads))]
    lines = [
        "  ".join(
            text.rjust(width) if place else text.ljust(width)
            for place, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    lines += [f"  {each.metric}: {each.example}" for each in found.metrics if each.example]
    if found.surroundings:
        lines += ["not as it was:", *(f"  {line}" for line in found.surroundings)]
    total = sum(each.cells for each in found.metrics)
    same = sum(each.same for each in found.metrics)
    if not found.compared:
        lines.append("nothing to compare: no cell has a value in both runs")
    elif found.is_same:
        lines.append(f"reproduced: {total} of {total} cells and rates are as they were")
    else:
        lines.append(f"different: {same} of {total} cells and rates are as they were")
    return lines
