"""What every figure is made of, and how it is written."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from codecbench.reports.export import csv_bytes
from codecbench.reports.style import figure_settings

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

FORMATS = ("png", "svg", "pdf")
PAGE_WIDTH_IN = 7.2
"""Width of both columns of a paper in inches."""
COLUMN_WIDTH_IN = 3.5
"""Width of one column of a two-column paper in inches, as IEEE's and Interspeech's."""
WIDTHS = {"page": PAGE_WIDTH_IN, "column": COLUMN_WIDTH_IN}
CHARACTERS = 116
"""Characters of small print that a page's width holds."""
CHARACTER_IN = 0.066
"""Width of a character of a label in inches."""
# No dates and no versions: equal results give equal files.
_METADATA: dict[str, dict[str, str | None]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
_DESCRIPTION = {"png": "Description", "svg": "Description", "pdf": "Subject"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A figure with what belongs to it.

    Attributes:
        figure: Of its own, without any global state.
        data: What it shows, and nothing else; drawing it again gives the figure again.
        alt: The figure in words.
    """

    figure: "Figure"
    data: "pd.DataFrame"
    alt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureFiles:
    """One figure on disk.

    Attributes:
        title: What it shows, for a heading.
        paths: By suffix: png, svg, pdf, csv, txt.
        alt: The figure in words.
    """

    title: str
    paths: dict[str, Path]
    alt: str


def write_drawing(
    folder: Path,
    name: str,
    drawing: Drawing,
    *,
    title: str,
    command: str,
    formats: Sequence[str] = FORMATS,
) -> FigureFiles:
    """Write a figure as PNG, SVG and PDF, its data as CSV, and its words as text.

    Args:
        folder: Where to; made where it is absent.
        name: Stem of the files.
        drawing: The figure.
        title: What it shows.
        command: The command line that makes it.
        formats: Some of `FORMATS`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = {suffix: folder / f"{name}.{suffix}" for suffix in (*formats, "csv", "txt")}
    paths["csv"].write_bytes(csv_bytes(drawing.data))
    text = f"{title}\n\nMade by: {command}\n\n{drawing.alt}\n"
    paths["txt"].write_text(text, encoding="utf-8", newline="\n")
    with figure_settings():
        for suffix in formats:
            about = {**_METADATA[suffix], "Title": title, _DESCRIPTION[suffix]: drawing.alt}
            if suffix == "png":  # whose text fields hold Latin-1 alone
                about = {key: text and _latin(text) for key, text in about.items()}
            drawing.figure.savefig(paths[suffix], format=suffix, dpi=200, metadata=about)
    return FigureFiles(title=title, paths=paths, alt=drawing.alt)


def _latin(text: str) -> str:
    return text.encode("latin-1", "replace").decode("latin-1")


def wrap_notes(notes: list[str], width_in: float) -> list[str]:
    """Break the lines below a figure so that they fit its width in inches."""
    import textwrap

    characters = int(CHARACTERS * width_in / PAGE_WIDTH_IN)
    return [part for note in notes for part in textwrap.wrap(note, characters) or [""]]
