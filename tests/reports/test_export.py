"""Exports: exact numbers, equal bytes, and failures that do not become values."""

import csv
import io
import json
import math
from dataclasses import replace

import pandas as pd
import pytest

from codecbench.core.errors import ConfigError
from codecbench.reports.export import export_frame


def test_csv_gives_every_number_back(synthetic, tmp_path):
    results = synthetic.realistic()
    (path,) = export_frame(results, tmp_path / "out.csv", kind="csv")
    text = path.read_bytes().decode()
    assert "\r" not in text
    rows = list(csv.DictReader(io.StringIO(text)))
    assert list(rows[0]) == list(results.frame.columns)
    for row, value in zip(rows, results.frame["value"], strict=True):
        assert row["value"] == "" if math.isnan(value) else float(row["value"]) == value
    assert {row["reason"] for row in rows if row["value"] == ""} == {
        "too_short",
        "crashed:SIGSEGV",
        "missing_dependency: pystoi is not usable; run: pip install pystoi",
    }


def test_jsonl_has_null_where_there_is_no_value(synthetic, tmp_path):
    results = synthetic.realistic()
    (path,) = export_frame(results, tmp_path / "out.jsonl", kind="jsonl")
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(rows) == len(results.frame)
    assert all((row["value"] is None) == (row["status"] != "ok") for row in rows)


def test_parquet_gives_the_frame_back(synthetic, tmp_path):
    results = synthetic.realistic()
    (path,) = export_frame(results, tmp_path / "out.parquet", kind="parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(path), results.frame)


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_runs_that_differ_in_time_alone_export_equally_without_times(synthetic, tmp_path, kind):
    one = synthetic.realistic()
    two = replace(one, frame=one.frame.assign(compute_s=one.frame["compute_s"] * 3.7))
    paths = [
        export_frame(run, tmp_path / f"{name}.{kind}", kind=kind, times=times)[0]
        for name, run, times in [
            ("a", one, False), ("b", two, False), ("c", one, True), ("d", two, True),
        ]
    ]  # fmt: skip
    bytes_of = [path.read_bytes() for path in paths]
    assert bytes_of[0] == bytes_of[1]
    assert bytes_of[2] != bytes_of[3]


def test_versa_lines_have_no_failed_values_and_name_them(synthetic, tmp_path):
    paths = export_frame(synthetic.realistic(), tmp_path / "versa", kind="versa")
    assert len(paths) == 28
    lines = (tmp_path / "versa" / "psq_1500.jsonl").read_text().splitlines()
    rows = {row["key"]: row for row in map(json.loads, lines)}
    assert set(rows["clip000"]) == {"key", "pesq_wb", "stoi", "mcd"}
    assert rows["clip004"] == {
        "key": "clip004",
        "codecbench_status": dict.fromkeys(["pesq_wb", "stoi", "mcd"], "failed:crashed:SIGSEGV"),
    }


def test_compressai_lists_follow_the_points(synthetic, tmp_path):
    results = synthetic.realistic()
    export_frame(results, tmp_path / "c", kind="compressai")
    document = json.loads((tmp_path / "c" / "early-bird.json").read_text())
    assert set(document) == {"name", "description", "results"}
    assert document["results"]["bitrate_bps"] == [2040.0, 4080.0, 8160.0]
    assert len(document["results"]["pesq_wb"]) == 3
    assert document["results"]["stoi"] == [None, None, None]


def test_an_unknown_kind_is_refused(synthetic, tmp_path):
    with pytest.raises(ConfigError, match="versa"):
        export_frame(synthetic.realistic(), tmp_path / "x", kind="xls")
