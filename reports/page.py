"""The page: one file that needs no network, no script and no other file."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from codecbench.core.fingerprint import Json

if TYPE_CHECKING:
    from jinja2 import Environment

    from codecbench.benchmark.results import RunResults
    from codecbench.reports.report import ReportParts

TEMPLATES = Path(__file__).parent / "templates"
STATIC = Path(__file__).parent / "static"


def render_page(
    parts: "ReportParts", out: Path, downloads: Mapping[str, str], *, embed: bool = True
) -> str:
    """Render the page of a report.

    Everything that a user named (clips, codecs, speakers, messages) is escaped by the template
    engine; the page carries no script and its policy forbids any.

    Args:
        parts: What it says.
        out: The report's folder, against which links are relative.
        downloads: Further files within it, with what they hold; those that are there are linked.
        embed: Put figures into the page, which then needs no other file; link them otherwise.
    """

    def link(path: Path) -> str:
        return path.relative_to(out).as_posix()

    template = page_environment().get_template("report.html")
    return template.render(
        downloads={path: words for path, words in downloads.items() if (out / path).is_file()},
        parts=parts,
        results=parts.results,
        dataset=dataset_name(parts.results),
        image=svg_uri if embed else link,
        images="data:" if embed else "'self' data:",
        link=link,
        versions=_scalars(parts.results.environment),
        suite=_pretty(parts.results.suite),
        environment=_pretty(parts.results.environment),
        untrained=[system.label for system in parts.results.systems if not system.trained],
        unavailable=[system for system in parts.results.systems if system.unavailable],
    )


def page_environment() -> "Environment":
    """Return the template engine, which escapes whatever it is given."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader([TEMPLATES, STATIC], encoding="utf-8"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def dataset_name(results: "RunResults") -> str:
    """Return the name of the data set; of a run without cells "unknown"."""
    names = results.frame["dataset"].astype(str).unique()
    return ", ".join(names) or "unknown"


def svg_uri(path: Path) -> str:
    """Return a picture as the address of itself; as an image an SVG runs no script."""
    return f"data:image/svg+xml;base64,{base64.b64encode(path.read_bytes()).decode()}"


def _pretty(value: Json) -> str:
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)


def _scalars(value: Json, prefix: str = "") -> list[tuple[str, str]]:
    """Flatten nested facts into lines of name and value."""
    if isinstance(value, dict):
        return [
            line
            for key in sorted(value)
            for line in _scalars(value[key], f"{prefix}{'.' if prefix else ''}{key}")
        ]
    if isinstance(value, list | tuple):
        return [(prefix, ", ".join(str(item) for item in value) or "none")]
    return [(prefix, "not known" if value is None or value == "" else str(value))]
