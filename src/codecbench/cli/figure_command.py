"""``codecbench figure``: one figure, with its data beside it."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from codecbench.reports.figures.drawing import FigureFiles

OF_RUNS = ("rate-quality", "distribution", "metrics", "cost", "latency", "loss", "signals")
KINDS = (*OF_RUNS, "trajectory", "opinion")


@click.command("figure")
@click.argument("kind", metavar="KIND", type=click.Choice(KINDS))
@click.argument(
    "sources", metavar="SOURCE…", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option(
    "-m",
    "--metric",
    "metrics",
    multiple=True,
    help="Which metric; two of them for 'metrics'.  [default: the run's first]",
)
@click.option("--condition", help="Which treatment.  [default: the run's first]")
@click.option(
    "--costs",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="What 'codecbench complexity --json' wrote; may be repeated.",
)
@click.option(
    "--by",
    default="rtf",
    show_default=True,
    type=click.Choice(["rtf", "macs", "parameters", "latency"]),
    help="Which cost.",
)
@click.option(
    "--width",
    default="page",
    show_default=True,
    type=click.Choice(["page", "column"]),
    help="Of two columns of a paper, or of one.",
)
@click.option(
    "-o",
    "--out",
    required=True,
    metavar="STEM",
    type=click.Path(path_type=Path),
    help="Where to, without suffix: .png, .svg, .pdf, .csv and .txt are written.",
)
def command(
    kind: str,
    sources: tuple[Path, ...],
    metrics: tuple[str, ...],
    condition: str | None,
    costs: tuple[Path, ...],
    by: str,
    width: str,
    out: Path,
) -> None:
    """Draw one figure, and write the data that it shows and its words beside it.

    \b
    rate-quality  RUN…   a metric against the measured rate
    distribution  RUN…   a metric, clip by clip
    metrics       RUN…   one metric against another
    cost          RUN…   a metric against time, operations, parameters or latency
    latency       RUN…   a metric against algorithmic latency, with rates
    loss          RUN…   a metric against packet loss
    signals       RUN…   delay and level of the output
    trajectory    [NAME=]TRAINING…   use of the codes and quality against the step
    opinion       CSV    mean opinion scores, as 'codecbench listen import' writes them
    """  # noqa: D301  (click wants the control character)
    from codecbench.core.errors import ConfigError
    from codecbench.reports.figures.drawing import WIDTHS

    if kind in OF_RUNS:
        options = (metrics, condition, costs, by)
        files = _of_runs(kind, sources, options, width_in=WIDTHS[width], out=out)
    elif kind == "trajectory":
        files = _trajectory(sources, width_in=WIDTHS[width], out=out)
    elif len(sources) == 1:
        files = _opinion(sources[0], width_in=WIDTHS[width], out=out)
    else:
        msg = "opinion scores come from one CSV file"
        raise ConfigError(msg)
    print("\n".join(str(path) for path in files.paths.values()))


def _of_runs(
    kind: str,
    sources: tuple[Path, ...],
    options: tuple[tuple[str, ...], str | None, tuple[Path, ...], str],
    *,
    width_in: float,
    out: Path,
) -> "FigureFiles":
    from codecbench.core.errors import ConfigError, UnknownNameError
    from codecbench.reports.costs import read_costs
    from codecbench.reports.figures.of_run import RunFigures
    from codecbench.reports.merging import merge_results
    from codecbench.reports.run import Run

    metrics, condition, cost_files, by = options
    results = merge_results([Run(folder).results() for folder in sources])
    draw = RunFigures.of(
        results, sources, width_in=width_in, costs=read_costs(cost_files), cost_files=cost_files
    )
    if condition is not None and condition not in draw.conditions:
        raise UnknownNameError("condition", condition, list(draw.conditions))
    where = condition or draw.conditions[0]
    known = [facts.name for facts in results.metrics]
    if kind == "signals":
        return draw.signals(out.parent, out.name)
    if kind == "metrics":
        pair = [*metrics] if metrics else known[:2]
        if len(pair) != 2:
            msg = "two metrics are set against each other: --metric A --metric B"
            raise ConfigError(msg)
        return draw.metric_pair(out.parent, out.name, pair[0], pair[1], where)
    if len(metrics) > 1:
        msg = f"a figure of kind '{kind}' shows one metric"
        raise ConfigError(msg)
    metric = metrics[0] if metrics else known[0]
    if kind == "cost":
        return draw.cost(out.parent, out.name, metric, where, by)
    if kind == "loss":
        return draw.loss(out.parent, out.name, metric)
    if kind == "latency":
        return draw.latency(out.parent, out.name, metric, where)
    write = draw.rate_quality if kind == "rate-quality" else draw.distribution
    return write(out.parent, out.name, metric, where)


def _trajectory(sources: tuple[Path, ...], *, width_in: float, out: Path) -> "FigureFiles":
    from codecbench.reports.figures.drawing import write_drawing
    from codecbench.reports.figures.trajectory import draw_trajectories, named_trajectory

    trajectories = [named_trajectory(source) for source in sources]
    words = ["codecbench", "figure", "trajectory", *map(str, sources), "-o", out.name]
    drawing = draw_trajectories(trajectories, width_in=width_in)
    title = f"Training: {', '.join(each.name for each in trajectories)}"
    return write_drawing(out.parent, out.name, drawing, title=title, command=shlex.join(words))


def _opinion(source: Path, *, width_in: float, out: Path) -> "FigureFiles":
    from codecbench.reports.figures.drawing import write_drawing
    from codecbench.reports.figures.opinion import draw_opinions, read_opinions

    words = ["codecbench", "figure", "opinion", str(source), "-o", out.name]
    drawing = draw_opinions(read_opinions(source), width_in=width_in)
    title = "Mean opinion scores"
    return write_drawing(out.parent, out.name, drawing, title=title, command=shlex.join(words))
