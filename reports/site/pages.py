"""Renders the pages of a site."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment
from markupsafe import Markup

from codecbench.benchmark.check.follow import CheckResult
from codecbench.benchmark.results import RunResults
from codecbench.core.fingerprint import Json
from codecbench.reports.page import dataset_name
from codecbench.reports.report import ReportParts
from codecbench.reports.site.cells import json_text
from codecbench.reports.site.trust import TrustLine
from codecbench.reports.typeset import TextTable


@dataclass(frozen=True, slots=True, kw_only=True)
class SitePages:
    """Writes pages into a folder.

    Attributes:
        environment: The template engine, which escapes whatever it is given.
        run: The run.
        parts: Tables and alarms, as in a report.
        out: Folder of the site.
    """

    environment: Environment
    run: RunResults
    parts: ReportParts
    out: Path

    def write_index(
        self, board: Json, downloads: Mapping[str, str], warnings: Sequence[str]
    ) -> None:
        """Write the leaderboard.

        Args:
            board: What it shows.
            downloads: Files within the site, with what they hold; those that are there are linked.
            warnings: Why values or intervals are not to be relied on.
        """
        there = {path: words for path, words in downloads.items() if (self.out / path).is_file()}
        self._write(
            "index.html", "site/board.html", board, root="", downloads=there, warnings=warnings
        )

    def write_clip(self, data: Json) -> None:
        """Write the page of single clips."""
        self._write("clip.html", "site/clip.html", data, root="")

    def write_codec(
        self,
        name: str,
        number: int,
        card: Sequence[TrustLine],
        checks: Sequence[CheckResult],
        shared: Mapping[str, Json],
        codebooks: TextTable | None,
    ) -> None:
        """Write the page of one system.

        Args:
            name: Path within the site.
            number: Place of the system in the run.
            card: Its trust card.
            checks: Answers of the conformance kit.
            shared: What all pages of codecs and clips know.
            codebooks: How its codes are used; None where it has none.
        """
        system = self.run.systems[number]
        sounds = shared["sounds"]
        data: Json = {
            **{key: shared[key] for key in ("metrics", "systems", "conditions")},
            "sounds": list(sounds) if isinstance(sounds, dict) else [],
            "system": number,
        }
        alarms = [
            alarm
            for alarm in self.parts.alarms
            if alarm.subject == system.label or alarm.subject.startswith(f"{system.label}, ")
        ]
        rates = self.parts.others["rates"]
        self._write(
            name,
            "site/codec.html",
            data,
            root="../",
            system=system,
            card=card,
            checks=checks,
            alarms=alarms,
            rates=_rows_of(rates, system.label),
            failures=_rows_of(self.parts.others["failures"], system.label),
            codebooks=codebooks,
        )

    def _write(self, name: str, template: str, data: Json, **more: object) -> None:
        path = self.out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = self.environment.get_template(template).render(
            results=self.run,
            parts=self.parts,
            dataset=dataset_name(self.run),
            # Inert by its own escaping; the engine's would turn quotes into entities.
            data=Markup(json_text(data)),
            **more,
        )
        path.write_text(text, encoding="utf-8", newline="\n")


def _rows_of(table: TextTable, label: str) -> TextTable:
    """Return the rows that bear a label, with or without its badge, and those of everybody."""
    from dataclasses import replace

    wanted = (label, f"{label} [untrained]", "every system")
    return replace(table, rows=tuple(row for row in table.rows if row[0].text in wanted))
