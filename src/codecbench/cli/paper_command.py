"""``codecbench paper``: the tables and figures of a paper, made anew."""

import shlex
from pathlib import Path
from typing import Any

import click

from codecbench.cli.run_options import execution_options, run_options


@click.command("paper")
@click.argument("name", metavar="NAME")
@click.option(
    "-d",
    "--data",
    help="Folder, manifest, or name of a dataset.  [default: what the paper says, where it does]",
)
@click.option("--clips", type=click.IntRange(min=1), help="Clips to take of the data.")
@click.option(
    "--checkpoint",
    "checkpoints",
    multiple=True,
    metavar="[NETWORK=]FILE",
    help="Weights of your own instead of ours, or for a network that comes without any; may be "
    "repeated. An unknown NETWORK lists the names.",
)
@click.option(
    "--weights",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder with the authors' weights; 'codecbench list papers' says which files.",
)
@click.option(
    "--nomad-weights",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File of NOMAD's weights; adds the metric nomad.",
)
@click.option(
    "--training",
    "trainings",
    multiple=True,
    metavar="[NAME=]FOLDER",
    help="Folder of a training, for figures of its course; may be repeated.",
)
@click.option(
    "--opinions",
    multiple=True,
    metavar="[NUMBER=]CSV",
    help="What 'codecbench listen import' wrote, for the figure of this number; may be repeated.",
)
@click.option(
    "--cost-clips",
    type=click.IntRange(min=0),
    help="Clips of 10 s that are timed for tables of costs; 0 measures no costs.  [default: as "
    "the paper]",
)
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder of the report; the run in it goes on where it was interrupted.",
)
@execution_options
def command(
    name: str,
    data: str | None,
    clips: int | None,
    checkpoints: tuple[str, ...],
    weights: Path | None,
    nomad_weights: Path | None,
    trainings: tuple[str, ...],
    opinions: tuple[str, ...],
    cost_clips: int | None,
    out: Path,
    **how: Any,  # noqa: ANN401  (the shared options, handed on)
) -> int:
    """Make every table and figure of a paper anew: patch, psq, esc or hificodec.

    Runs the paper's systems that can be had, with weights that come with codecbench or are given,
    measures costs, and writes one page: each table and figure under its number, what was measured
    beside what was published, what differs, and which cells have no measured value and why.

    \b
    codecbench paper psq --data my/speech -o out/psq
    codecbench paper esc --data my/speech --training esc=runs/esc -o out/esc
    """  # noqa: D301  (\b is click's mark for text that keeps its lines)
    from dataclasses import replace

    from codecbench.benchmark.paper_systems import (
        PaperWeights,
        find_paper,
        named_checkpoints,
        paper_suite,
    )
    from codecbench.cli.carry_out import carry_out
    from codecbench.cli.exit_codes import ExitCode
    from codecbench.core.errors import ConfigError
    from codecbench.datasets.registry import get_dataset
    from codecbench.metrics.registry import with_nomad_weights
    from codecbench.reports.papers.costs import cost_specs, measure_costs
    from codecbench.reports.papers.definition import paper_facts
    from codecbench.reports.papers.measured import Measured
    from codecbench.reports.papers.write import RUN, write_paper
    from codecbench.reports.run import Run

    paper = find_paper(name)
    given = PaperWeights(
        folder=weights.resolve() if weights is not None else None,
        checkpoints=named_checkpoints(paper, checkpoints),
    )
    suite, absent = paper_suite(paper, given)
    if data:
        suite = replace(suite, data=data)
    if nomad_weights is not None:
        metrics = with_nomad_weights(suite.metrics, str(nomad_weights.resolve()))
        suite = replace(suite, metrics=tuple(metrics))
    if not suite.data:
        msg = f"the paper '{name}' does not state its data; name some with --data"
        raise ConfigError(msg)
    dataset = get_dataset(suite.data, n=clips)
    if not how["quiet"]:
        click.echo("".join(f"{line}\n" for line in absent), err=True, nl=False)
    code = carry_out(
        suite,
        out / RUN,
        options=run_options(how),
        strict=how["strict"],
        quiet=how["quiet"],
        dataset=dataset,
    )
    if code == ExitCode.INTERRUPTED:
        return code
    facts = paper_facts(name)
    wanted = {} if cost_clips == 0 else cost_specs(facts, clips=cost_clips)
    costs = measure_costs(
        wanted,
        out / "costs.jsonl",
        again=how["rerun"] == "always",
        tell=lambda line: None if how["quiet"] else click.echo(line, err=True),
    )
    measured = Measured(
        paper=paper,
        weights=given,
        results=Run(out / RUN).results(),
        folder=out / RUN,
        costs=costs,
        made_by=_command_line(),
        trainings=trainings,
        opinions=opinions,
    )
    print(f"paper: {write_paper(measured, out)}")
    return code


def _command_line() -> str:
    """Return the command as it was typed."""
    import sys

    return shlex.join(["codecbench", *sys.argv[1:]])
