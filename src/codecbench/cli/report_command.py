"""``codecbench report``: tables, figures, a page or a site from runs."""

from pathlib import Path

import click


@click.command("report")
@click.argument(
    "folders",
    metavar="RUN|BOARD…",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
)
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where to.  [default: report within the first of them]",
)
@click.option(
    "--site",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write a site to look at and listen to instead.",
)
@click.option(
    "--costs",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="What 'codecbench complexity SPEC --json' printed; may be repeated.",
)
@click.option(
    "--checks",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="What 'codecbench check SPEC --json' printed, for a site; may be repeated.",
)
@click.option(
    "--audio",
    default="8",
    show_default=True,
    metavar="N|all",
    help="Clips whose sound a site packs.",
)
@click.option(
    "--cache",
    type=click.Path(path_type=Path, file_okay=False),
    help="Cache folder of the runs, for the sounds.  [default: the user's cache folder]",
)
@click.option(
    "--force",
    is_flag=True,
    help="Show runs that differ in data, references or definitions side by side, marked.",
)
def command(
    folders: tuple[Path, ...],
    out: Path | None,
    site: Path | None,
    costs: tuple[Path, ...],
    checks: tuple[Path, ...],
    audio: str,
    cache: Path | None,
    force: bool,
) -> None:
    """Write tables, figures and a page from run folders, finished or not, and from boards.

    Several runs stand side by side where they share data and definitions of metrics; what differs
    is refused with its name, or with --force marked and never compared. A site has a
    leaderboard, a page per codec, and a player for single clips; it opens from a file, without
    server and network.
    """
    from codecbench.core.errors import ConfigError
    from codecbench.reports.boards.board import is_board, open_results
    from codecbench.reports.report import write_report

    results = open_results(folders)
    if site is None:
        if checks:
            msg = "checks are shown by a site: give --site DIR, too"
            raise ConfigError(msg)
        page = write_report(results, out or folders[0] / "report", costs=costs, force=force)
        print(f"report: {page}")
        return
    from codecbench.reports.site.write import SiteOptions, write_site

    if out is not None:
        msg = "--out names the folder of a report, --site that of a site; give one of them"
        raise ConfigError(msg)
    if audio != "all" and not audio.isdecimal():
        msg = f"--audio {audio}: give a number of clips, or 'all'"
        raise ConfigError(msg)
    if cache is None and len(folders) == 1 and is_board(folders[0]):
        cache = folders[0]  # which keeps its sounds as a cache does
    count = None if audio == "all" else int(audio)
    options = SiteOptions(costs=costs, checks=checks, audio=count, cache=cache, force=force)
    print(f"site: {write_site(results, site, options)}")
