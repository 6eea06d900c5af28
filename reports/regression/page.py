"""The page of a comparison: what changed, and the clips that got worse, to listen to."""

from collections.abc import Sequence
from pathlib import Path

from codecbench.reports.page import page_environment
from codecbench.reports.regression.compare import ComparisonReport
from codecbench.reports.regression.decision import State
from codecbench.reports.regression.machine import to_json
from codecbench.reports.regression.shown import WORDS, changes_table, rates_table, summary_lines
from codecbench.reports.regression.sounds import Listening, copy_sounds


def write_page(
    report: ComparisonReport, out: Path, cache: Path
) -> tuple[Path, tuple[Listening, ...]]:
    """Write ``index.html``, ``comparison.json`` and the sounds of the worst clips.

    Args:
        report: The comparison.
        out: Folder; made where missing.
        cache: Where degraded audio lies.

    Returns:
        Path of the page, and what there is to listen to.
    """
    out.mkdir(parents=True, exist_ok=True)
    clips = copy_sounds(report, cache, out / "audio")
    (out / "comparison.json").write_text(to_json(report), encoding="utf-8", newline="\n")
    page = out / "index.html"
    page.write_text(_render(report, clips, out), encoding="utf-8", newline="\n")
    return page, tuple(clips)


def _render(report: ComparisonReport, clips: Sequence[Listening], out: Path) -> str:
    template = page_environment().get_template("comparison.html")
    first, *rest = summary_lines(report)
    return template.render(
        report=report,
        verdict=WORDS[report.decision.state],
        passed=report.decision.state is State.PASSED,
        lead=first,
        reasons=rest,
        tables=[changes_table(report), rates_table(report)],
        clips=clips,
        link=lambda path: path.relative_to(out).as_posix(),
    )
