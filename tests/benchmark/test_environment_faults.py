"""Faults of a codec in an environment of its own cost one cell, in a whole run."""

import sys
from collections.abc import Callable

import pytest

from codecbench.benchmark.results import RunResults

RunIt = Callable[..., RunResults]
Plugin = Callable[[str], str]


def outcomes(results: RunResults) -> list[str]:
    """Return what became of each clip, with its reason."""
    return [
        row.status if row.status == "ok" else f"{row.status}:{row.reason.split(': ')[0]}"
        for row in results.frame.itertuples()
    ]


@pytest.mark.parametrize(
    ("fault", "options", "outcome"),
    [
        ("segfault", "", "failed:crashed:SIGSEGV"),
        ("hang", ",timeout=1", "failed:timeout"),
        pytest.param("raise", "", "failed:exception", marks=pytest.mark.slow),
        pytest.param("nan", "", "failed:nonfinite_degraded", marks=pytest.mark.slow),
        pytest.param("wrong_rate", "", "failed:wrong_sample_rate", marks=pytest.mark.slow),
    ],
)
def test_fault_there_costs_one_cell(
    run_it: RunIt, plugin: Plugin, fault: str, options: str, outcome: str
) -> None:
    codec = plugin(f"FaultyCodec:fault={fault}")
    results = run_it(
        [f'env:python="{sys.executable}",codec="{codec}"{options}'], [plugin("Counting")]
    )
    assert outcomes(results) == ["ok", outcome, "ok", "ok"]


def test_absent_environment_is_skipped(run_it: RunIt, plugin: Plugin) -> None:
    results = run_it(
        ['env:python=nowhere,codec="pcm"', plugin("CoarseCodec:bits=8")], [plugin("Counting")]
    )
    found = outcomes(results)
    assert found.count("skipped:missing_dependency") == found.count("ok") == 4
