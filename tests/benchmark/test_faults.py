"""Each planted fault costs exactly the cells concerned, and each cell says why."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from codecbench.benchmark.results import RunResults

RunIt = Callable[..., RunResults]
Plugin = Callable[[str], str]


def outcomes(frame: pd.DataFrame, codec: str) -> dict[str, str]:
    """Return the status of each clip, with the reason where there is one."""
    rows = frame[frame["codec"].str.contains(codec, regex=False)]
    return {
        row.clip: row.status if row.status == "ok" else f"{row.status}:{row.reason.split(': ')[0]}"
        for row in rows.itertuples()
    }


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ("segfault", "failed:crashed:SIGSEGV"),
        ("abort", "failed:crashed:SIGABRT"),
        ("exit", "failed:crashed:exit7"),
        ("raise", "failed:exception"),
        ("nan", "failed:nonfinite_degraded"),
        ("silent", "failed:silent_degraded"),
        ("short", "failed:wrong_length"),
        ("empty", "failed:wrong_length"),
        ("wrong_rate", "failed:wrong_sample_rate"),
        ("frame_short", "ok"),
        ("print", "ok"),
    ],
)
def test_codec_fault_costs_one_clip(
    run_it: RunIt, plugin: Plugin, fault: str, outcome: str
) -> None:
    results = run_it(
        [plugin(f"FaultyCodec:fault={fault}"), plugin("CoarseCodec:bits=8")], [plugin("Counting")]
    )
    faulty = outcomes(results.frame, "FaultyCodec")
    assert faulty == {"clip0": "ok", "clip1": outcome, "clip2": "ok", "clip3": "ok"}
    assert set(outcomes(results.frame, "CoarseCodec").values()) == {"ok"}


def test_hang_is_a_timeout(run_it: RunIt, plugin: Plugin) -> None:
    results = run_it([plugin("FaultyCodec:fault=hang")], [plugin("Counting")], timeout_s=1.5)
    assert outcomes(results.frame, "Faulty")["clip1"] == "failed:timeout"
    assert list(outcomes(results.frame, "Faulty").values()).count("ok") == 3


def test_memory_hog_is_stopped(run_it: RunIt, plugin: Plugin) -> None:
    results = run_it([plugin("FaultyCodec:fault=memory")], [plugin("Counting")], memory_mib=900.0)
    assert outcomes(results.frame, "Faulty")["clip1"] == "failed:out_of_memory"
    assert list(outcomes(results.frame, "Faulty").values()).count("ok") == 3


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ("segfault", "failed:crashed:SIGSEGV"),
        ("raise", "failed:exception"),
        ("print", "failed:nonfinite_score"),
    ],
)
def test_metric_fault_costs_one_cell(
    run_it: RunIt, plugin: Plugin, fault: str, outcome: str
) -> None:
    results = run_it(
        [plugin("CoarseCodec:bits=8")], [plugin(f"Crashing:fault={fault}"), plugin("Counting")]
    )
    frame = results.frame
    assert outcomes(frame[frame["metric"] == "crashing"], "Coarse") == {
        "clip0": "ok",
        "clip1": outcome,
        "clip2": "ok",
        "clip3": "ok",
    }
    assert set(frame[frame["metric"] == "counting"]["status"]) == {"ok"}


def test_metrics_that_abort_or_loop_cost_their_own_cells(run_it: RunIt, plugin: Plugin) -> None:
    metrics = [plugin("Aborting"), plugin("Looping"), plugin("Counting")]
    frame = run_it([plugin("CoarseCodec:bits=8")], metrics, timeout_s=1.5).frame
    found = {metric: outcomes(rows, "Coarse")["clip1"] for metric, rows in frame.groupby("metric")}
    assert found == {
        "aborting": "failed:crashed:SIGABRT",
        "looping": "failed:timeout",
        "counting": "ok",
    }
    assert set(frame[frame["clip"] != "clip1"]["status"]) == {"ok"}


def test_a_metric_that_hoards_memory_costs_its_own_cell(run_it: RunIt, plugin: Plugin) -> None:
    metrics = [plugin("Hoarding"), plugin("Counting")]
    frame = run_it([plugin("CoarseCodec:bits=8")], metrics, memory_mib=900.0).frame
    lost = frame[frame["status"] != "ok"]
    assert lost[["clip", "metric"]].to_numpy().tolist() == [["clip1", "hoarding"]]
    assert lost["reason"].iloc[0].startswith("out_of_memory")


def test_a_codec_without_bytes_or_without_end_costs_one_clip(run_it: RunIt, plugin: Plugin) -> None:
    codecs = [plugin("NoBytesCodec"), plugin("FaultyCodec:fault=loop")]
    frame = run_it(codecs, [plugin("Counting")], timeout_s=1.5).frame
    assert outcomes(frame, "NoBytes")["clip1"] == "failed:wrong_length"
    assert outcomes(frame, "Faulty")["clip1"] == "failed:timeout"
    assert set(frame[frame["clip"] != "clip1"]["status"]) == {"ok"}


@pytest.mark.parametrize("jobs", [1, 8])
def test_rows_out_equal_rows_in_with_a_bad_clip(
    run_it: RunIt, plugin: Plugin, clips: Path, jobs: int
) -> None:
    # Acceptance test 4: a file that is no sound, whatever the number of workers.
    (clips / "broken.wav").write_bytes(b"RIFF but nothing else")
    results = run_it([plugin("CoarseCodec:bits=4|8")], [plugin("Counting")], jobs=jobs)
    assert len(results.frame) == 2 * 5
    broken = results.frame[results.frame["clip"] == "broken"]
    assert set(broken["status"]) == {"undefined"}
    assert broken["reason"].str.startswith("unreadable_reference").all()


def test_what_the_reference_decides_holds_for_a_failing_codec_too(
    run_it: RunIt, plugin: Plugin
) -> None:
    # clip3 lasts 1.2 s; a metric that needs 1.3 s is undefined there for every system.
    results = run_it(
        [plugin("FaultyCodec:fault=raise,at_ms=1200"), plugin("CoarseCodec:bits=8")],
        [plugin("LongOnly"), plugin("Counting")],
    )
    short = results.frame[(results.frame["clip"] == "clip3")]
    found = {metric: sorted(rows["status"]) for metric, rows in short.groupby("metric")}
    assert found == {"counting": ["failed", "ok"], "long_only": ["undefined", "undefined"]}


def test_missing_package_skips_its_cells_only(run_it: RunIt, plugin: Plugin) -> None:
    results = run_it([plugin("CoarseCodec:bits=8")], [plugin("Uninstalled"), plugin("Counting")])
    by_metric = results.frame.groupby("metric")["status"].unique()
    assert list(by_metric["uninstalled"]) == ["skipped"]
    assert list(by_metric["counting"]) == ["ok"]
    reasons = results.frame[results.frame["metric"] == "uninstalled"]["reason"]
    assert reasons.str.contains("pip install a_package_that_nobody_has", regex=False).all()


def test_forensics_name_what_is_wrong(run_it: RunIt, plugin: Plugin) -> None:
    # Acceptance test 10, the part that a run shows: early, inverted, half gain, short by 100.
    faults = ("early", "inverted", "half_gain", "frame_short")
    results = run_it(
        [plugin(f"FaultyCodec:bits=12,fault={fault}") for fault in faults], [plugin("Counting")]
    )
    table = results.forensics[results.forensics["clip"] == "clip1"]
    found = {
        fault: table[table["codec"].str.contains(f"fault={fault}")].iloc[0] for fault in faults
    }
    assert found["early"]["delay_ms"] == pytest.approx(-8 / 16, abs=0.01)
    assert found["inverted"]["polarity"] == -1
    assert found["half_gain"]["gain_db"] == pytest.approx(-6.02, abs=0.05)
    assert found["frame_short"]["length_difference"] == -100
    assert found["half_gain"]["delay_ms"] == 0
