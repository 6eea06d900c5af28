"""``codecbench listen``: a listening test from a run, and what its ratings say."""

from pathlib import Path

import click


@click.group("listen")
def command() -> None:
    """Let people listen: write a test, and read their ratings."""


@command.command("export")
@click.argument(
    "folders",
    metavar="RUN…",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
)
@click.option(
    "-o", "--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Where to."
)
@click.option(
    "--clips", default=4, show_default=True, type=click.IntRange(min=1), help="How many clips."
)
@click.option(
    "--point",
    "points",
    multiple=True,
    help="Only this condition, such as 'opus 6000'; may be repeated.  [default: all]",
)
@click.option("--seed", default=0, show_default=True, help="Of the order of the sounds.")
@click.option(
    "--cache",
    type=click.Path(path_type=Path, file_okay=False),
    help="Cache folder of the runs.  [default: the user's cache folder]",
)
def export(
    folders: tuple[Path, ...],
    out: Path,
    clips: int,
    points: tuple[str, ...],
    seed: int,
    cache: Path | None,
) -> None:
    """Write a listening test: sounds at one level, anchors, clips that tell who listens.

    The folder holds a page that needs nothing else (listen.html), tables for a test with a crowd
    after ITU-T P.808, and a configuration of webMUSHRA.
    """
    from codecbench.benchmark.cache import default_cache_folder
    from codecbench.reports.listening.kit import write_kit
    from codecbench.reports.listening.stimuli import collect_stimuli
    from codecbench.reports.merging import merge_results
    from codecbench.reports.run import Run
    from codecbench.reports.run_sounds import choose_clips

    runs = [Run(folder).results() for folder in folders]
    merged = merge_results(runs)
    chosen = choose_clips(list(dict.fromkeys(merged.frame["clip"].astype(str))), clips)
    stimuli = collect_stimuli(runs, merged, chosen, cache or default_cache_folder(), points=points)
    page = write_kit(stimuli, out, seed=seed)
    print(f"{len(stimuli)} sounds of {len(chosen)} clips\ntest: {page}")


@command.command("import")
@click.argument("kit", type=click.Path(path_type=Path, file_okay=False))
@click.argument(
    "files",
    metavar="RATINGS…",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
)
@click.option(
    "--run",
    "folders",
    multiple=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="The run that was heard, to correlate its metrics; may be repeated.",
)
@click.option(
    "-o", "--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Where to."
)
def import_(kit: Path, files: tuple[Path, ...], folders: tuple[Path, ...], out: Path) -> None:
    """Read ratings: screen listeners, average by system, compare with metrics.

    RATINGS are the files that the page saved, or CSV files with the columns listener, stimulus
    and rating.
    """
    from codecbench.reports.listening.outcome import write_outcome
    from codecbench.reports.merging import merge_results
    from codecbench.reports.run import Run

    results = merge_results([Run(folder).results() for folder in folders]) if folders else None
    for line in write_outcome(kit, files, results, out):
        print(line)
