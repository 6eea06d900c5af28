"""``codecbench trajectory``: the course of trainings as a figure."""

from pathlib import Path

import click


@click.command("trajectory")
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--out",
    default="trajectory.svg",
    show_default=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to; .svg, .png or .pdf.",
)
def command(runs: tuple[Path, ...], out: Path) -> None:
    """Draw use of the codes, PESQ and ESTOI of trainings against the step.

    RUN is a folder that 'codecbench train' wrote, or a log; 'NAME=RUN' gives it a name in the
    legend.
    """
    from codecbench.reports.trajectory import read_trajectory, write_trajectories

    trajectories = []
    for run in runs:
        name, equals, path = str(run).partition("=")
        named = bool(equals) and not run.exists()
        trajectories.append(
            read_trajectory(Path(path) if named else run, name=name if named else None)
        )
    print(f"figure: {write_trajectories(out, trajectories)}")
