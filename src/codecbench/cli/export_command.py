"""``codecbench export``: results in the formats that other tools read."""

from pathlib import Path

import click


@click.command("export")
@click.argument("folder", metavar="RUN", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--to",
    "kind",
    type=click.Choice(["csv", "parquet", "jsonl", "versa", "compressai"]),
    default="csv",
    show_default=True,
    help="Format.",
)
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="File; for versa and compressai a folder.",
)
@click.option(
    "--no-times",
    is_flag=True,
    help="Leave out how long things took, so that equal runs give equal bytes.",
)
def command(folder: Path, kind: str, out: Path, no_times: bool) -> None:
    """Write the results of a run folder in another format."""
    from typing import cast

    from codecbench.reports.export import ExportKind, export_frame
    from codecbench.reports.run import Run

    export_frame(Run(folder).results(), out, kind=cast(ExportKind, kind), times=not no_times)
    print(out)
