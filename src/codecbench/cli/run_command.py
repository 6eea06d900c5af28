"""``codecbench run``: the main job."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from codecbench.cli.run_options import execution_options, plugin_option, run_options

if TYPE_CHECKING:
    from codecbench.benchmark.suite import Suite


@click.command("run")
@click.argument("suite_name", metavar="[SUITE]", required=False)
@click.option("-c", "--codec", "codecs", multiple=True, help="Codec spec; may be repeated.")
@click.option(
    "--with",
    "beside",
    multiple=True,
    metavar="SUITE",
    help="Add the codecs of a suite, e.g. ladder; may be repeated.",
)
@click.option("-d", "--data", help="Folder, manifest, or name of a dataset.")
@click.option(
    "-m", "--metrics", multiple=True, help="Metrics or groups, e.g. core or pesq_wb,stoi."
)
@click.option(
    "--weights",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder with the weights of a paper's systems, for the suites paper/…; 'codecbench list "
    "papers' says which files.",
)
@click.option(
    "--nomad-weights",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File of NOMAD's weights; adds the metric nomad.",
)
@click.option(
    "--condition",
    "conditions",
    multiple=True,
    metavar="CONDITION",
    help="What befalls input or packets beside 'clean', e.g. noise=babble,snr=15 or "
    "loss=5%,burst=1.5; may be repeated.",
)
@click.option("--rate", type=int, help="Rate of evaluation in Hz.  [default: 16000]")
@click.option("--seed", type=int, help="Seed of whatever is random.  [default: 0]")
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Run folder; a run that was begun there goes on.",
)
@click.option(
    "--plan",
    "only_plan",
    is_flag=True,
    help="Say what there is to do, the core-hours and the disk space that it takes, and stop; "
    "nothing is written.",
)
@plugin_option
@execution_options
def command(
    suite_name: str | None,
    codecs: tuple[str, ...],
    beside: tuple[str, ...],
    data: str | None,
    metrics: tuple[str, ...],
    weights: Path | None,
    nomad_weights: Path | None,
    conditions: tuple[str, ...],
    rate: int | None,
    seed: int | None,
    out: Path,
    plugins: tuple[str, ...],
    only_plan: bool,
    **how: Any,  # noqa: ANN401  (the shared options, handed on)
) -> int:
    """Code clips with codecs, score them, and write a report.

    SUITE is the name of a suite (see 'codecbench list suites') or a TOML file; flags override it.
    Code that only a suite names is not run unless --plugin names it, too.

    \b
    codecbench run -c 'opus:bitrate=6000|12000' -c 'codec2:mode=700|3200' \\
        --data my/wavs -o runs/first
    codecbench run paper/esc -c 'esc:checkpoint=model.pth' --with ladder -o runs/esc
    """  # noqa: D301  (\b is click's mark for text that keeps its lines)
    from codecbench.benchmark.foreign_code import named_code, require_named, suite_specs
    from codecbench.benchmark.suite import Suite, find_suite, with_codecs
    from codecbench.cli.carry_out import carry_out
    from codecbench.cli.exit_codes import ExitCode
    from codecbench.core.errors import ConfigError
    from codecbench.metrics.registry import with_nomad_weights

    named = {*plugins, *named_code([*codecs, *metrics, *conditions, data or ""])}
    suite = find_suite(suite_name) if suite_name else Suite(codecs=(), data="")
    suite = replace(
        suite,
        codecs=codecs or suite.codecs,
        group=suite.group and not codecs,
        data=data or suite.data,
        metrics=metrics or suite.metrics,
        conditions=conditions or suite.conditions,
    )
    require_named(suite_specs(suite), named)
    suite = _with_weighted_systems(suite, suite_name, weights)
    for other in map(find_suite, beside):
        require_named(other.codecs, named)
        suite = with_codecs(suite, other)
    if nomad_weights is not None:
        weighted = with_nomad_weights(suite.metrics, str(nomad_weights.resolve()))
        suite = replace(suite, metrics=tuple(weighted))
    if rate is not None:
        suite = replace(suite, sample_rate=rate)
    if seed is not None:
        suite = replace(suite, seed=seed)
    if not suite.data:
        msg = "no data; name a folder, a manifest or a dataset with --data, e.g. --data demo"
        raise ConfigError(msg)
    if not how["quiet"] and (foreign := named_code(suite_specs(suite))):
        click.echo(
            f"runs code that is not codecbench's own: {', '.join(sorted(foreign))}", err=True
        )
    if only_plan:
        from codecbench.benchmark.estimate import estimate_run
        from codecbench.cli.plan_table import plan_text

        click.echo(plan_text(estimate_run(suite, out, options=run_options(how))))
        return ExitCode.OK
    return carry_out(
        suite,
        out,
        options=run_options(how),
        strict=how["strict"],
        quiet=how["quiet"],
    )


def _with_weighted_systems(suite: "Suite", suite_name: str | None, weights: Path | None) -> "Suite":
    """Add what can be measured of a paper's systems, and say what cannot."""
    from codecbench.benchmark.paper_systems import (
        PaperWeights,
        find_paper,
        paper_names,
        with_paper_systems,
    )

    kind, _, paper = (suite_name or "").partition("/")
    if kind != "paper" or paper not in paper_names():
        return suite
    mine = PaperWeights(folder=weights.resolve() if weights is not None else None)
    suite, absent = with_paper_systems(suite, find_paper(paper), mine)
    for line in absent:
        click.echo(line, err=True)
    return suite
