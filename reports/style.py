"""How figures look: one fixed style per system, safe for colour-blind eyes and grey print."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from codecbench.benchmark.results import SystemFacts

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000", "#E69F00", "#56B4E9")
"""Okabe and Ito, Color Universal Design, 2008, https://jfly.uni-koeln.de/color/, without yellow,
which is too pale for lines on white."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<")
"""Eight shapes against seven colours: 56 systems before a pair repeats."""
LINES = {"neural": "-", "waveform": "--", "parametric": "-."}
"""Line style by kind of codec; read per system, so that no curve inherits another's."""
ANCHOR_COLOUR = "#666666"


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemStyle:
    """How one system is drawn wherever it appears.

    Attributes:
        colour: Hexadecimal.
        marker: matplotlib's name of the shape.
        line: matplotlib's name of the line style.
        filled: Whether markers are filled; hollow means untrained.
    """

    colour: str
    marker: str
    line: str
    filled: bool


def system_styles(systems: Iterable[SystemFacts]) -> dict[str, SystemStyle]:
    """Give each system its style, by its place among the systems of the run.

    The place counts all systems that are not anchors, whether they have values or not: a style
    does not depend on the metric, nor on what failed.

    Returns:
        By canonical codec name.
    """
    drawn = [system for system in systems if system.kind != "anchor"]
    return {
        system.codec: SystemStyle(
            colour=COLOURS[place % len(COLOURS)],
            marker=MARKERS[place % len(MARKERS)],
            line=LINES.get(system.kind, "-"),
            filled=system.trained,
        )
        for place, system in enumerate(drawn)
    }


ANCHOR_STYLE = SystemStyle(colour=ANCHOR_COLOUR, marker="d", line=":", filled=True)
"""Of all anchors, which are told apart by their names."""


def style_of(styles: Mapping[str, SystemStyle], codec: str) -> SystemStyle:
    """Return the style of a system, or that of the anchors."""
    return styles.get(codec, ANCHOR_STYLE)


# Any: matplotlib gives each key a type of its own.
SETTINGS: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so it is the same everywhere
    "font.size": 9.0,
    "axes.titlesize": 10.0,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.6,
    "lines.markersize": 5.5,
    "text.parse_math": False,  # a dollar sign in somebody's codec name is a dollar sign
    "svg.hashsalt": "codecbench",  # equal results give equal files
    "pdf.fonttype": 42,  # publishers refuse type 3
}
"""matplotlib's settings while a figure is made."""


@contextmanager
def figure_settings() -> Iterator[None]:
    """Draw with our settings whatever the user's matplotlibrc says."""
    import warnings

    import matplotlib as mpl

    with mpl.rc_context(), warnings.catch_warnings():
        mpl.rcdefaults()
        mpl.rcParams.update(SETTINGS)
        # A name in a script that the font lacks shows boxes in the figure; tables have it whole.
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        yield
