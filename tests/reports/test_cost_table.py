"""Measured costs and published ones: in columns of their own, never mixed."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from codecbench.benchmark import cost_suite
from codecbench.benchmark.complexity import Complexity, Macs, Speed
from codecbench.benchmark.cost_suite import CostRow, CostSuite
from codecbench.cli.complexity_command import command
from codecbench.reports.cost_table import cost_table
from codecbench.reports.typeset import TextTable


def speed(device: str, threads: int, encode_s: float) -> Speed:
    return Speed(
        device=device,
        threads=threads,
        encode_s=encode_s,
        decode_s=2 * encode_s,
        encode_rtf=encode_s / 5,
        decode_rtf=2 * encode_s / 5,
    )


def measured(**changes: object) -> Complexity:
    facts: dict[str, object] = {
        "spec": "x",
        "trained": False,
        "causal": True,
        "parameters": 2_500_000,
        "encoder_parameters": 1,
        "decoder_parameters": 1,
        "weights_mib": 9.5367,
        "macs": (
            Macs(point="low", encode=1e6, decode=1e6),
            Macs(point="high", encode=3e6, decode=4e6),
        ),
        "speeds": (speed("cpu", 1, 0.5), speed("cpu", 4, 0.25)),
        "clips": 7,
        "clip_s": 5.0,
        "peak_memory_mib": 1.0,
        "base_memory_mib": 1.0,
        "declared_latency_ms": 1.0,
        "measured_latency_ms": 1.0,
    }
    return Complexity(**{**facts, **changes})  # type: ignore[arg-type]


def suite(*published: dict[str, float], ratio: tuple[str, str] | None = None) -> CostSuite:
    rows = tuple(
        CostRow(label=f"row {index}", spec="x", published=each)
        for index, each in enumerate(published)
    )
    return CostSuite(
        name="t", title="T", source="S, table 9", clips=3, notes=("N",), rows=rows, ratio=ratio
    )


def column(table: TextTable, head: str) -> list[str]:
    return [row[table.columns.index(head)].text for row in table.rows]


def test_published_numbers_have_columns_of_their_own() -> None:
    table = cost_table(
        suite({"parameters_m": 8.4, "mmacs_per_s": 343}, {"parameters_m": 74}),
        [measured(), measured(trained=True, parameters=None, macs=())],
    )
    assert column(table, "Codec") == ["row 0 [untrained]", "row 1"]
    assert column(table, "parameters (M)") == ["2.500", "no network"]
    assert column(table, "parameters (M), published") == ["8.4", "74"]
    assert column(table, "MMAC/s") == ["7.00", "no network"]  # 3 + 4 at the highest point
    assert column(table, "MMAC/s, published") == ["343", "not published"]
    assert "S, table 9" in table.notes[0]
    assert "weights (MiB)" not in table.columns


def test_times_are_for_ten_seconds_in_every_setting() -> None:
    table = cost_table(
        suite({"cpu_encode_s": 0.78, "cpu_decode_s": 0.59, "gpu_encode_s": 0.1}), [measured()]
    )
    assert column(table, "CPU encode (s), 1 thread") == ["1.000"]  # 0.5 s for 5 s
    assert column(table, "CPU encode (s), 4 threads") == ["0.500"]
    assert column(table, "CPU encode (s), published") == ["0.78"]
    assert column(table, "CPU decode (s), 1 thread") == ["2.000"]
    assert column(table, "GPU encode (s)") == ["no GPU"]
    assert column(table, "GPU encode (s), published") == ["0.1"]
    assert any("medians over 7 × 5 s" in note for note in table.notes)


def test_ratios_are_computed_on_both_sides() -> None:
    table = cost_table(
        suite(
            {"parameters_m": 8.4, "cpu_decode_s": 0.59},
            {"parameters_m": 74, "cpu_decode_s": 6.02},
            ratio=("row 1", "row 0"),
        ),
        [measured(), measured(parameters=10_000_000)],
    )
    assert column(table, "Codec")[-1] == "row 1 ÷ row 0"
    assert column(table, "parameters (M)")[-1] == "4.00"
    assert column(table, "parameters (M), published")[-1] == "8.81"
    assert column(table, "CPU decode (s), published")[-1] == "10.20"


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    text = """
title = "Small"
source = "Nobody 2000"
clips = 1
notes = []
[[rows]]
label = "Eight"
spec = "pcm:bits=8"
published = { parameters_m = 12, cpu_encode_s = 0.5 }
"""
    (tmp_path / "small.toml").write_text(text)
    monkeypatch.setattr(cost_suite, "COST_SUITES", tmp_path)
    return "small"


def test_the_command_prints_a_table_or_json(small: str) -> None:
    arguments = ["--suite", small, "--seconds", "0.2"]
    lines = CliRunner().invoke(command, arguments)
    assert lines.exit_code == 0
    assert "| Eight | pcm:bits=8 | no network | 12 |" in lines.stdout
    assert "Nobody 2000" in lines.stdout
    row = json.loads(CliRunner().invoke(command, [*arguments, "--json"]).stdout)
    assert row["suite"] == "small"
    assert row["published"] == {"source": "Nobody 2000", "parameters_m": 12, "cpu_encode_s": 0.5}
    assert row["parameters"] is None
