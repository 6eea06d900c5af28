"""``codecbench bundle``: a run in one file, for a board."""

from pathlib import Path

import click


@click.command("bundle")
@click.argument("folder", metavar="RUN", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "-o",
    "--out",
    metavar="FILE",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="The bundle, such as mine.zip.",
)
@click.option(
    "--leave-out",
    multiple=True,
    type=click.Choice(["audio", "bitstreams"]),
    help="Do not pack degraded audio, or bitstreams; whoever merges can verify less.",
)
@click.option(
    "--references",
    is_flag=True,
    help="Pack the reference clips too, where the tag licence of each lets everybody have them.",
)
@click.option("--author", default="", metavar="TEXT", help="Who you are, as a board shows it.")
@click.option("--dry-run", is_flag=True, help="Say what would be packed, and stop.")
@click.option(
    "--cache",
    type=click.Path(path_type=Path, file_okay=False),
    help="Cache folder of the run.  [default: the user's cache folder]",
)
def command(
    folder: Path,
    out: Path,
    leave_out: tuple[str, ...],
    references: bool,
    author: str,
    dry_run: bool,
    cache: Path | None,
) -> None:
    """Pack a finished run into one file that others can verify: 'codecbench merge'.

    It holds bitstreams, degraded audio, every value with its key, suite and environment, and the
    SHA-256 of each file. Reference clips are named by content alone. The same run gives the same
    bytes. Paths in option values of codecs, such as checkpoint=…, are part of their names: look
    before you send.
    """
    from typing import cast

    from codecbench.benchmark.cache import default_cache_folder
    from codecbench.reports.boards.contents import Part
    from codecbench.reports.boards.packing import plan_bundle, write_bundle

    plan = plan_bundle(
        folder,
        cache=cache or default_cache_folder(),
        leave_out=[cast(Part, part) for part in leave_out],
        references=references,
        author=author,
    )
    sizes = plan.sizes()
    names = {"results": "results", "bits": "bitstreams", "audio": "degraded audio"}
    for part, name in {**names, "references": "references"}.items():
        count, size = sizes.get(part, (0, 0))
        what = f"{count} files, {size / 2**20:.2f} MiB" if count else "left out"
        print(f"{name + ':':16}{what}")
    if dry_run:
        return
    digest = write_bundle(plan, out)
    print(f"{out}: {out.stat().st_size / 2**20:.2f} MiB, sha256 {digest}")
