"""Writes the site: pages that open from files, with no server and no network.

index.html              leaderboard, chart, what deserves a look, tables of facts
codecs/<name>.html      trust card, points and clips of one system
clip.html               one clip: scores of all systems, spectrograms, the player
report.html             all tables and figures on one page without scripts
assets/                 scripts, styles, Chart.js with its licence
cells/                  the cells of each system and the list of clips, for the pages
sounds/<hash>.js        sounds of the clips that have any
data/, tables/, figures/  everything for download
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from codecbench.benchmark.cache import default_cache_folder
from codecbench.benchmark.check.follow import CheckResult
from codecbench.benchmark.complexity import Complexity
from codecbench.benchmark.results import COLUMNS, RunResults
from codecbench.core.fingerprint import Json
from codecbench.reports.costs import match_costs, read_costs
from codecbench.reports.fact_tables import codebooks_table
from codecbench.reports.figures.of_run import RunFigures
from codecbench.reports.forensics import find_all
from codecbench.reports.grid import Grid, build_grids
from codecbench.reports.merging import merge_results
from codecbench.reports.page import STATIC, page_environment, render_page
from codecbench.reports.rates import point_rates
from codecbench.reports.report import ReportParts, write_parts, write_setting
from codecbench.reports.run_sounds import choose_clips
from codecbench.reports.site.board import board_data, board_groups, metric_json, systems_json
from codecbench.reports.site.cells import script, system_cells, write_downloads
from codecbench.reports.site.checks import checks_of, read_checks
from codecbench.reports.site.pages import SitePages
from codecbench.reports.site.sound import Sounds, write_sounds
from codecbench.reports.site.trust import trust_card
from codecbench.reports.standings import standings
from codecbench.reports.typeset import file_names

DOWNLOADS = {
    "data/scores.csv.gz": "scores of every clip, metrics side by side",
    "data/cells_without_a_value.csv.gz": "every cell without a value, with its reason",
    "data/signals.csv.gz": "delay, gain, polarity and more, clip by clip",
}
"""What a site offers beside tables and figures, where it is there."""
AUDIO_CLIPS = 8
"""Clips whose sound a site has unless somebody asks for more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteOptions:
    """What a site is to hold beside the results.

    Attributes:
        costs: Files that ``codecbench complexity --json`` wrote.
        checks: Files that ``codecbench check --json`` wrote.
        audio: Clips whose sound is packed; all where None.
        cache: Where coded audio lies; the user's cache where None.
        force: Show runs side by side that must not be mixed; see `merge_results`.
    """

    costs: tuple[Path, ...] = ()
    checks: tuple[Path, ...] = ()
    audio: int | None = AUDIO_CLIPS
    cache: Path | None = None
    force: bool = False


def write_site(
    results: RunResults | Sequence[RunResults], out: Path, options: SiteOptions | None = None
) -> Path:
    """Write the site of one run, or of several side by side.

    Args:
        results: One run, or several on the same data set with the same metric definitions.
        out: Folder; made where it is absent, files of an earlier site are replaced.
        options: What else it is to hold.

    Returns:
        Path of ``index.html``.

    Raises:
        ResultSchemaError: The results must not be mixed; the message names the difference.
        ConfigError: A file of costs or checks cannot be read.
    """
    wanted = options or SiteOptions()
    checks, costs = read_checks(wanted.checks), read_costs(wanted.costs)
    runs = [results] if isinstance(results, RunResults) else list(results)
    run = merge_results(runs, force=wanted.force)
    for stale in ("codecs", "cells", "figures", "sounds"):
        shutil.rmtree(out / stale, ignore_errors=True)
    draw = RunFigures.of(
        run,
        [each.folder for each in runs],
        costs=costs,
        cost_files=wanted.costs,
        formats=("svg", "pdf"),
    )
    parts = write_parts(draw, out, only_curves=True, per_clip=False)
    write_downloads(run, out / "data")
    write_setting(run, out / "data")
    _copy_assets(out / "assets")
    grids = build_grids(run)
    clips = list(grids[0].clips) if grids else []
    _write_cells(run, grids, out / "cells")
    sounds = write_sounds(
        runs,
        run,
        choose_clips(clips, wanted.audio),
        wanted.cache or default_cache_folder(),
        out / "sounds",
    )
    page = render_page(parts, out, DOWNLOADS, embed=False)
    (out / "report.html").write_text(page, encoding="utf-8", newline="\n")
    _write_pages(draw, parts, grids, sounds, match_costs(costs, run.systems), checks, out)
    return out / "index.html"


def _copy_assets(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(STATIC.iterdir()):
        if path.is_file():
            shutil.copyfile(path, folder / path.name)


def _write_cells(run: RunResults, grids: Sequence[Grid], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, system in enumerate(run.systems):
        text = script("codecbench.receiveCells", number, system_cells(grids, system.codec))
        (folder / f"{number}.js").write_text(text, encoding="ascii", newline="\n")


def _write_pages(
    draw: RunFigures,
    parts: ReportParts,
    grids: Sequence[Grid],
    sounds: Sounds,
    costs: dict[str, Complexity],
    checks: dict[str, tuple[CheckResult, ...]],
    out: Path,
) -> None:
    run, rates = draw.results, point_rates(draw.results)
    names = [f"codecs/{name}.html" for name in file_names([each.label for each in run.systems])]
    shared: dict[str, Json] = {
        "metrics": [metric_json(facts) for facts in run.metrics],
        "systems": systems_json(run, costs, names),
        "conditions": list(draw.conditions),
        "clips": clips_json(run, grids),
        "sounds": dict(sounds.clips),
        "missing_sounds": dict(sounds.missing),
    }
    pages = SitePages(environment=page_environment(), run=run, parts=parts, out=out)
    board = board_data(
        run,
        draw.rows,
        grids,
        rates,
        standings(run, rows=draw.rows),
        board_groups(run, grids),
        costs,
        names,
    )
    warnings = [*run.caveats, *sorted({row.common.warning for row in draw.rows} - {""})]
    pages.write_index(board, DOWNLOADS, warnings)
    pages.write_clip(shared)
    text = script("codecbench.receiveClips", shared["clips"])
    (out / "cells" / "clips.js").write_text(text, encoding="ascii", newline="\n")
    findings = find_all(run)
    for number, (system, name) in enumerate(zip(run.systems, names, strict=True)):
        mine = [rate for rate in rates.values() if rate.codec == system.codec]
        found = [each for each in findings if each.codec == system.codec]
        answers = checks_of(checks, system.spec)
        cost = costs.get(system.codec)
        pages.write_codec(
            name,
            number,
            trust_card(system, mine, found, answers, cost),
            answers,
            shared,
            codebooks_table(run, codec=system.codec),
        )


def clips_json(run: RunResults, grids: Sequence[Grid]) -> Json:
    """Return id, duration and tags of each clip, in the order of the grids."""
    tags = [str(name) for name in run.frame.columns if name not in COLUMNS]
    table = run.frame.drop_duplicates(subset="clip")[["clip", "clip_s", *tags]]
    by_id = {str(row["clip"]): row for row in table.to_dict("records")}
    return [
        {
            "id": clip,
            "seconds": round(float(by_id[clip]["clip_s"]), 3),
            "tags": {tag: str(by_id[clip][tag]) for tag in tags if str(by_id[clip][tag])},
        }
        for clip in (grids[0].clips if grids else ())
    ]
