"""``codecbench report``: tables, figures and a page from runs."""

from pathlib import Path

import click


@click.command("report")
@click.argument("folder", metavar="RUN", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where to.  [default: RUN/report]",
)
def command(folder: Path, out: Path | None) -> None:
    """Write tables, figures and index.html from a run folder, finished or not."""
    from codecbench.reports.run import Run

    print(f"report: {Run(folder).report(out)}")
