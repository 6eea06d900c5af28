"""``codecbench merge``: bundles, verified, onto a board."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from codecbench.reports.boards.joining import Joined


@click.command("merge")
@click.argument(
    "bundles",
    metavar="BUNDLE…",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
)
@click.option(
    "--board",
    metavar="DIR",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="The board; made where it is absent.",
)
@click.option(
    "-d",
    "--data",
    metavar="SPEC",
    help="The reference clips.  [default: those of the board, or of the bundle if it has them]",
)
@click.option(
    "--sample",
    default="4",
    show_default=True,
    metavar="N|all",
    help="Clips whose bitstreams are decoded and whose scores are computed again; 0: none.",
)
@click.option("--seed", type=int, help="Of the sample.  [default: drawn, so that none can foresee]")
@click.option(
    "-c",
    "--codec",
    "codecs",
    multiple=True,
    metavar="SPEC",
    help="A codec here that made some of the bitstreams, such as 'esc:checkpoint=mine.pth'.",
)
@click.option(
    "--on-trust",
    multiple=True,
    metavar="METRIC",
    help="Take the values of a metric that is not here unseen; the board says so.",
)
@click.option("--by", metavar="TEXT", help="Who merges.  [default: your login name]")
@click.option(
    "--force",
    is_flag=True,
    help="Add runs of other data or definitions too; 'report --force' shows them, marked.",
)
@click.option(
    "--max-size",
    default=4096,
    show_default=True,
    metavar="MIB",
    type=click.IntRange(min=1),
    help="Refuse what unpacks to more.",
)
@click.option(
    "--timeout", default=600.0, show_default=True, metavar="S", help="Seconds for one step."
)
@click.option(
    "--memory", default=4096.0, show_default=True, metavar="MIB", help="Memory for one step."
)
def command(
    bundles: tuple[Path, ...],
    board: Path,
    data: str | None,
    sample: str,
    seed: int | None,
    codecs: tuple[str, ...],
    on_trust: tuple[str, ...],
    by: str | None,
    force: bool,
    max_size: int,
    timeout: float,
    memory: float,
) -> int:
    """Verify bundles and add their runs to a board, which 'codecbench report' reads like runs.

    All hashes, keys and rates are checked, and a sample of clips is decoded, coded and scored
    again; what does not verify is refused with the place and both values, and leaves no trace.
    A bundle that is on the board already changes nothing.

    Exit code 2: a bundle was refused. 3: a metric cannot be computed here.
    """
    import getpass

    from codecbench.benchmark.supervisor import Limits
    from codecbench.cli.exit_codes import ExitCode, code_of
    from codecbench.core.errors import CodecBenchError, ConfigError
    from codecbench.reports.boards.joining import JoinOptions, join_board
    from codecbench.reports.boards.unpacking import Bounds

    if sample != "all" and not sample.isdecimal():
        msg = f"--sample {sample}: give a number of clips, or 'all'"
        raise ConfigError(msg)
    options = JoinOptions(
        data=data,
        sample=None if sample == "all" else int(sample),
        seed=seed,
        codecs=codecs,
        on_trust=on_trust,
        by=getpass.getuser() if by is None else by,
        force=force,
        bounds=Bounds(bytes=max_size * 2**20),
        limits=Limits(timeout_s=timeout, memory_mib=memory),
    )
    worst = ExitCode.OK
    for bundle in bundles:
        try:
            joined = join_board(bundle, board, options)
        except CodecBenchError as error:
            print(f"codecbench: {bundle}: refused: {' '.join(str(error).split())}", file=sys.stderr)
            worst = max(worst, code_of(error))
        else:
            print("\n".join(_lines(bundle, joined)))
    return worst


def _lines(bundle: Path, joined: "Joined") -> list[str]:
    entry, evidence = joined.entry, joined.entry.evidence
    if not joined.is_new:
        return [f"{bundle}: on the board since {entry.added}, nothing changed"]
    lines = [f"{bundle}: added as runs/{entry.folder}"]
    if evidence is None:
        return [*lines, "  taken on trust: nothing was computed again"]
    count = len(evidence.clips)
    lines += [
        f"  sample       {count} clip{'s' if count != 1 else ''}, seed {evidence.seed}",
        f"  decoded      {evidence.decoded} bitstreams, {evidence.identical} to equal samples",
        f"  coded        {evidence.coded} clips, {evidence.same_bytes} to equal bytes",
        f"  scored       {evidence.cells} cells; {evidence.undefined} undefined ones looked at",
    ]
    lines += [f"  {name:12} apart by {worst:.3g} at most" for name, worst in evidence.worst.items()]
    lines += [f"  not decoded  {codec}: {why}" for codec, why in entry.undecoded.items()]
    lines += [f"  on trust     {name}" for name in entry.on_trust]
    if entry.confirms:
        lines.append(f"  confirms     {entry.confirms} cells that stood on the board")
    return [*lines, *(f"  mixed        {text}" for text in entry.mixed)]
