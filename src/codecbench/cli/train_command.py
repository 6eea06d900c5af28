"""``codecbench train``: train a codec by a recipe."""

import sys
from pathlib import Path

import click


@click.command("train")
@click.argument("recipe", metavar="RECIPE")
@click.option("--data", required=True, help="Dataset to train with: a folder, a manifest, a name.")
@click.option(
    "-o",
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the run; one that holds a run goes on with it.",
)
@click.option("--scale", default="small", show_default=True, help="Table of the recipe.")
@click.option("--minutes", default=0.0, type=click.FloatRange(min=0), help="Stop after so long.")
@click.option("--steps", type=click.IntRange(min=1), help="Length of the whole training.")
@click.option(
    "--from",
    "start_from",
    metavar="CHECKPOINT",
    help="Weights to begin with; 'shipped' for those that come with codecbench.",
)
@click.option("--threads", default=0, type=click.IntRange(min=0), help="Threads on the CPU.")
@click.option("--device", default="cpu", show_default=True, type=click.Choice(["cpu", "cuda"]))
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0))
@click.option(
    "--plugin",
    "plugins",
    multiple=True,
    metavar="MODULE",
    help="A module that a recipe names and that may be imported; may be repeated.",
)
@click.option("-q", "--quiet", is_flag=True, help="Show nothing but the result.")
def command(
    recipe: str,
    data: str,
    out: Path,
    scale: str,
    minutes: float,
    steps: int | None,
    start_from: str | None,
    threads: int,
    device: str,
    seed: int,
    plugins: tuple[str, ...],
    quiet: bool,
) -> int:
    """Train a codec by a recipe, and write a checkpoint that its adapter loads.

    RECIPE names a recipe, with settings that are to differ: 'psq:bitrate=1500'. The same command
    again goes on where the last save was. Then code with it: 'codecbench run -c
    psq:bitrate=1500,checkpoint=OUT'.
    """
    from codecbench.cli.exit_codes import ExitCode
    from codecbench.cli.training_screen import TrainingScreen
    from codecbench.reports.figures.drawing import write_drawing
    from codecbench.reports.figures.trajectory import draw_trajectories, read_trajectory
    from codecbench.training.recipe import read_recipe

    changes = {"steps": steps} if steps else None
    found = read_recipe(recipe, scale=scale, changes=changes, plugins=plugins)
    from codecbench.training.trainer import TrainingOptions, train

    options = TrainingOptions(
        data=data,
        out=out,
        device=device,
        threads=threads,
        minutes=minutes,
        seed=seed,
        start_from=start_from,
    )
    try:
        with TrainingScreen(found, quiet=quiet) as screen:
            for event in train(found, options):
                screen.show(event)
    except KeyboardInterrupt:
        print(
            f"codecbench: interrupted; the same command goes on from the last save in {out}",
            file=sys.stderr,
        )
        return ExitCode.INTERRUPTED
    figure = write_drawing(
        out,
        "trajectory",
        draw_trajectories([read_trajectory(out)]),
        title=f"Training {out.resolve().name}",
        command=f"codecbench figure trajectory {out} -o {out / 'trajectory'}",
    )
    print(f"checkpoint: {out}\nfigure: {figure.paths['svg']}")
    return ExitCode.OK
