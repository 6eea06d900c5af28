"""``codecbench demo``: see everything work in two minutes, offline."""

from pathlib import Path
from typing import Any

import click

from codecbench.cli.run_options import execution_options, run_options


@click.command("demo")
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("codecbench-demo"),
    show_default=True,
    help="Run folder.",
)
@execution_options
def command(out: Path, **how: Any) -> int:  # noqa: ANN401  (the shared options, handed on)
    """Run the suite "demo" on the built-in speech and write a report.

    The speech is synthetic: good for seeing how everything works, not for ranking codecs.
    """
    from codecbench.benchmark.suite import find_suite
    from codecbench.cli.carry_out import carry_out

    return carry_out(
        find_suite("demo"),
        out,
        options=run_options(how),
        strict=how["strict"],
        quiet=how["quiet"],
    )
