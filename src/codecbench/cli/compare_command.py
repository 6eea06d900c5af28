"""``codecbench compare``: is the new one worse than the old one?"""

from pathlib import Path
from typing import Any

import click

from codecbench.cli.comparison_options import (
    how_options,
    output_options,
    policy_options,
)
from codecbench.cli.run_options import plugin_option


@click.command("compare")
@click.argument("base")
@click.argument("new")
@click.option("-d", "--data", help="Data to run on; by default that of the other side.")
@click.option("-c", "--codec", help="Spec of the codec that checkpoints belong to.")
@click.option("-m", "--metrics", multiple=True, help="Metrics or groups; may be repeated.")
@policy_options
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("codecbench-compare"),
    show_default=True,
    help="Folder for the page, the sounds, and what must be run.",
)
@output_options
@plugin_option
@how_options
def command(
    base: str,
    new: str,
    data: str | None,
    codec: str | None,
    metrics: tuple[str, ...],
    out: Path,
    **flags: Any,  # noqa: ANN401  (the shared options, handed on)
) -> int:
    """Compare two runs, checkpoints or codecs, paired by clip.

    BASE and NEW are run folders, files of weights, or codec specs; the latter two are run first.

    \b
    codecbench compare runs/main runs/today --fail-if "pesq_wb < -0.05"
    codecbench compare old.pth new.pth --codec esc --data my/speech
    codecbench compare opus:bitrate=12000 lc3:bitrate=16000 --data demo

    Exit codes: 0 no regression, 1 regression, 2 usage, 3 nothing or too little was measured.
    """  # noqa: D301  (\b is click's mark for text that keeps its lines)
    from codecbench.cli.comparison_options import how_of, policy_of, screen_for, tell
    from codecbench.reports.regression.compare import compare

    report = compare(
        base,
        new,
        data=data,
        codec=codec,
        metrics=metrics or None,
        policy=policy_of(flags),
        out=out,
        options=how_of(flags),
        follow=screen_for(flags),
        plugins=flags["plugins"],
    )
    return tell(report, out, flags)
