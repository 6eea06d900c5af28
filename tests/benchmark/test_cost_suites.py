"""Tables of costs that papers have published, and what was measured beside them."""

import re
from pathlib import Path

import pytest

from codecbench.adapters.registry import get_codec
from codecbench.benchmark.cost_suite import QUANTITIES, cost_suite_names, find_cost_suite
from codecbench.core.errors import ConfigError


def test_both_tables_are_there() -> None:
    assert cost_suite_names() == ["esc-table1", "psq-table2"]


@pytest.mark.parametrize("name", ["esc-table1", "psq-table2"])
def test_rows_are_codecs_and_quantities_that_exist(name: str) -> None:
    suite = find_cost_suite(name)
    assert suite.name == name
    assert "arXiv:" in suite.source
    for row in suite.rows:
        get_codec(row.spec)  # refuses what it does not know
        assert row.published.keys() <= set(QUANTITIES)
    if suite.ratio is not None:
        assert set(suite.ratio) <= {row.label for row in suite.rows}


def test_anything_else_is_refused_with_the_names() -> None:
    with pytest.raises(ConfigError, match="esc-table1, psq-table2"):
        find_cost_suite("psq-table3")


def rows_of(protocols: str, start: str) -> list[list[str]]:
    """Return the cells of the lines of a table that begin with a text."""
    lines = [line for line in protocols.splitlines() if line.startswith(f"| {start}")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_numbers_of_psq_are_those_of_the_paper(shared: Path) -> None:
    protocols = (shared / "protocols.md").read_text()
    (parameters,) = rows_of(protocols, "Params (M) | 3")
    (macs,) = rows_of(protocols, "MMACs")
    rows = find_cost_suite("psq-table2").rows
    for half in (rows[:4], rows[4:]):
        assert [row.published["parameters_m"] for row in half] == [*map(float, parameters[1:])]
        assert [row.published["mmacs_per_s"] for row in half] == [*map(float, macs[1:])]


def test_numbers_of_esc_are_those_of_the_paper(shared: Path) -> None:
    protocols = (shared / "protocols.md").read_text()
    for row in find_cost_suite("esc-table1").rows:
        (cells,) = rows_of(protocols, f"{row.label} |")
        wanted = [float(cell) for cell in cells[1:]]
        names = [name for name in QUANTITIES if name != "mmacs_per_s"]
        assert [row.published[name] for name in names] == wanted
        assert re.search(r"streams=6|codebooks=18", row.spec)  # 9 kbit/s
