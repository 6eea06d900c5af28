"""``codecbench bisect``: which checkpoint broke it?"""

import sys
from pathlib import Path
from typing import Any

import click

from codecbench.cli.comparison_options import how_options, output_options, policy_options


@click.command("bisect")
@click.argument(
    "checkpoints",
    metavar="FOLDER | CHECKPOINT…",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, exists=True),
)
@click.option(
    "-c",
    "--codec",
    required=True,
    help="Spec of the codec; {} stands for the checkpoint where its option has another name.",
)
@click.option("-d", "--data", required=True, help="Folder, manifest, or name of a dataset.")
@click.option("-m", "--metrics", multiple=True, help="Metrics or groups.  [default: core]")
@policy_options
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("codecbench-bisect"),
    show_default=True,
    help="Folder for the page, the sounds, and what must be run.",
)
@output_options
@how_options
def command(
    checkpoints: tuple[Path, ...],
    codec: str,
    data: str,
    metrics: tuple[str, ...],
    out: Path,
    **flags: Any,  # noqa: ANN401  (the shared options, handed on)
) -> int:
    """Find the first checkpoint that is worse than the oldest.

    The checkpoints of a FOLDER are taken in the order of the numbers in their names; several
    CHECKPOINTs in the order given. Each is run at most once.

    Exit codes: 0 the last is as good as the first, 1 found, 2 usage, 3 cannot be told.
    """
    from codecbench.cli.comparison_options import code_of, how_of, policy_of, screen_for, tell
    from codecbench.reports.regression.bisect import bisect, find_checkpoints
    from codecbench.reports.regression.decision import State

    def say(checkpoint: Path, state: State, left: int) -> None:
        print(f"{checkpoint}: {state}; {left} left", file=sys.stderr, flush=True)

    found = bisect(
        find_checkpoints(checkpoints[0]) if len(checkpoints) == 1 else checkpoints,
        codec,
        data,
        metrics=metrics or None,
        policy=policy_of(flags),
        out=out,
        options=how_of(flags),
        follow=screen_for(flags),
        on_step=say,
    )
    tell(found.report, out, flags)
    words = {
        State.PASSED: f"{found.good} is as good as {checkpoints[0]}",
        State.REGRESSION: f"first bad checkpoint: {found.bad}\nlast good checkpoint: {found.good}",
    }
    unsure = (
        f"cannot tell at {found.tried[-1][0]}; known good: {found.good}, known bad: {found.bad}"
    )
    file = sys.stderr if str(flags["json_file"]) == "-" else sys.stdout
    print(words.get(found.state, unsure), file=file)
    return code_of(found.report)
