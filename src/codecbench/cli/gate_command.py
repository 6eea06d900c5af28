"""``codecbench gate``: keep a codec from getting worse."""

from pathlib import Path
from typing import Any

import click

from codecbench.cli.comparison_options import (
    how_options,
    output_options,
    policy_options,
)
from codecbench.cli.run_options import plugin_option

_FILE = click.argument(
    "baseline",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("codecbench-gate.json"),
    required=False,
)
_WORK = click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("codecbench-gate"),
    show_default=True,
    help="Folder for the page, the sounds, and what must be run.",
)


@click.group("gate")
def command() -> None:
    """Compare what there is now with a baseline that is committed with the code.

    The baseline is a small text file of scores, keys and definitions; what has the same key as
    there is not computed again, on whichever machine.
    """


@command.command("init")
@_FILE
@click.option("-c", "--codec", "codecs", multiple=True, required=True, help="Codec spec.")
@click.option("-d", "--data", required=True, help="Folder, manifest, or name of a dataset.")
@click.option("-m", "--metrics", multiple=True, help="Metrics or groups.  [default: core]")
@click.option("--condition", "conditions", multiple=True, help="As for 'run'; may be repeated.")
@click.option(
    "--speed-reference",
    default="",
    metavar="SPEC",
    help="Codec against which systems are timed in the same run, for a condition on time.",
)
@policy_options
@_WORK
@how_options
def init(
    baseline: Path,
    codecs: tuple[str, ...],
    data: str,
    metrics: tuple[str, ...],
    conditions: tuple[str, ...],
    speed_reference: str,
    out: Path,
    **flags: Any,  # noqa: ANN401  (the shared options, handed on)
) -> int:
    """Run codecs on data, and write BASELINE, by default codecbench-gate.json."""
    from codecbench.benchmark.suite import Suite
    from codecbench.cli.comparison_options import how_of, policy_of, screen_for
    from codecbench.core.errors import ConfigError
    from codecbench.reports.regression.gating import init_gate

    if baseline.exists():
        msg = f"{baseline} is there already; 'codecbench gate update' accepts what is new"
        raise ConfigError(msg)
    suite = Suite(codecs=codecs, data=data)
    if metrics or conditions:
        suite = Suite(
            codecs=codecs,
            data=data,
            metrics=metrics or suite.metrics,
            conditions=conditions or suite.conditions,
        )
    made = init_gate(
        suite,
        baseline,
        policy=policy_of(flags),
        speed_reference=speed_reference,
        work=out,
        options=how_of(flags),
        follow=screen_for(flags),
    )
    return _tell_baseline(made, baseline)


@command.command("check")
@_FILE
@click.option("-c", "--codec", "codecs", multiple=True, help="In place of the baseline's codecs.")
@click.option("--checkpoint", help="Weights for the baseline's codec.")
@click.option("-d", "--data", help="The same data at another place.")
@policy_options
@_WORK
@output_options
@plugin_option
@how_options
def check(
    baseline: Path,
    codecs: tuple[str, ...],
    checkpoint: str | None,
    data: str | None,
    out: Path,
    **flags: Any,  # noqa: ANN401  (the shared options, handed on)
) -> int:
    """Compare with BASELINE, by default codecbench-gate.json.

    Exit codes: 0 no regression, 1 regression, 2 usage, 3 nothing or too little was measured.
    """
    from codecbench.cli.comparison_options import how_of, policy_of, screen_for, tell
    from codecbench.reports.regression.baseline import read_baseline
    from codecbench.reports.regression.gating import check_gate

    found = check_gate(
        baseline,
        codecs=codecs,
        checkpoint=checkpoint,
        data=data,
        policy=policy_of(flags, read_baseline(baseline).policy),
        work=out,
        options=how_of(flags),
        follow=screen_for(flags),
        plugins=flags["plugins"],
    )
    code = tell(found.comparison, out, flags)
    if found.unchanged and str(flags["json_file"]) != "-":
        print(f"  unchanged, nothing to compute: {', '.join(found.unchanged)}")
    return code


@command.command("update")
@_FILE
@click.option("-c", "--codec", "codecs", multiple=True, help="In place of the baseline's codecs.")
@click.option("--checkpoint", help="Weights for the baseline's codec.")
@click.option("-d", "--data", help="The same data at another place, or other data.")
@click.option("--speed-reference", metavar="SPEC", help="Another codec to time against.")
@policy_options
@_WORK
@plugin_option
@how_options
def update(
    baseline: Path,
    codecs: tuple[str, ...],
    checkpoint: str | None,
    data: str | None,
    speed_reference: str | None,
    out: Path,
    **flags: Any,  # noqa: ANN401  (the shared options, handed on)
) -> int:
    """Accept what there is now: measure it, and write BASELINE anew."""
    from codecbench.cli.comparison_options import how_of, policy_of, screen_for
    from codecbench.reports.regression.baseline import read_baseline
    from codecbench.reports.regression.gating import changed_suite, init_gate

    old = read_baseline(baseline)
    made = init_gate(
        changed_suite(old, codecs, checkpoint, data, plugins=flags["plugins"]),
        baseline,
        policy=policy_of(flags, old.policy),
        speed_reference=old.speed_reference if speed_reference is None else speed_reference,
        work=out,
        options=how_of(flags),
        follow=screen_for(flags),
    )
    return _tell_baseline(made, baseline)


def _tell_baseline(made: Any, path: Path) -> int:  # noqa: ANN401  (a Baseline, imported lazily)
    from codecbench.cli.exit_codes import ExitCode

    status = made.side.results.frame["status"]
    lost = int((status != "ok").sum())
    print(
        f"{path}: {len(status)} cells of {len(made.side.clips)} clips, "
        f"{path.stat().st_size / 1024:.0f} KiB; commit it"
    )
    if lost:
        print(f"{lost} cells have no value and are not guarded")
    return ExitCode.INCOMPLETE if (status == "failed").any() else ExitCode.OK
