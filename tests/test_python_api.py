"""The whole way without the command line, as a notebook would go it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import codecbench
from codecbench.benchmark.events import DiskNeeded, RunFinished, StageStarted
from codecbench.core.errors import AudioFormatError, ConfigError, UnknownNameError


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> codecbench.Run:
    folder = tmp_path_factory.mktemp("api")
    events: list[object] = []
    made = codecbench.run(
        codecs=["opus:mode=cbr,bitrate=6000|12000|24000", "codec2:mode=3200", "mnru:q=10|20|30"],
        data="demo:n=3",
        metrics="stoi estoi si_sdr",
        out=folder / "run",
        cache=folder / "cache",
        jobs=2,
        on_event=events.append,
    )
    assert [type(e) for e in events if not hasattr(e, "failures")] == [
        DiskNeeded,
        StageStarted,
        StageStarted,
        RunFinished,
    ]
    return made


def test_frame_has_one_row_per_cell_and_the_columns_of_the_schema(run: codecbench.Run) -> None:
    frame = run.frame()
    assert len(frame) == 3 * 7 * 3
    assert list(frame.columns[:8]) == [
        *("run", "dataset", "codec", "point", "condition", "clip", "metric", "value")
    ]
    assert {"speaker", "sex", "language"} <= set(frame.columns)
    assert set(frame["status"]) == {"ok"}
    assert frame["value"].notna().all()


def test_rates_stand_side_by_side(run: codecbench.Run) -> None:
    rows = run.frame().query("codec.str.startswith('codec2')", engine="python")
    assert (rows["nominal_bps"] == 3200).all()
    assert (rows["payload_bps"] <= rows["wire_bps"]).all()
    assert (rows["wire_bps"] < rows["total_bps"]).all()
    assert rows["payload_bps"].to_numpy() == pytest.approx(3200, rel=0.01)


def test_table_and_rate_quality(run: codecbench.Run) -> None:
    table = run.table("stoi")
    assert len(table) == 7
    assert (table["n"] == 3).all()
    curve = run.rate_quality("stoi")
    opus = curve[curve["codec"].str.startswith("opus")]
    assert opus["mean"].is_monotonic_increasing
    with pytest.raises(UnknownNameError):
        run.table("pesq_wb")


def test_report_and_reopening(run: codecbench.Run) -> None:
    page = run.report()
    assert page.name == "index.html"
    again = codecbench.open_run(run.folder)
    pd.testing.assert_frame_equal(again.frame(), run.frame())


def test_unknown_names_write_nothing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        codecbench.run(["opsu"], "demo:n=1", out=tmp_path / "x", cache=tmp_path / "c")
    assert not (tmp_path / "x").exists()


def test_score_of_arrays_files_and_audio_agree(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    reference = 0.1 * rng.standard_normal(32000).clip(-5, 5)
    degraded = np.round(reference * 2**15 + rng.normal(0, 300, 32000)) / 2**15
    audio = codecbench.Audio(reference, 16000), codecbench.Audio(degraded, 16000)
    for name, signal in zip("rd", audio, strict=True):
        codecbench.write_audio(tmp_path / f"{name}.wav", signal, subtype="FLOAT")
    found = [
        codecbench.score(reference, degraded, metrics="si_sdr lsd", sample_rate=16000),
        codecbench.score(*audio, metrics="si_sdr lsd"),
        codecbench.score(tmp_path / "r.wav", tmp_path / "d.wav", metrics="si_sdr lsd"),
    ]
    assert found[0] == found[1] == found[2]
    assert found[0]["si_sdr"].is_ok


@pytest.mark.parametrize(
    ("reference", "degraded", "outcome"),
    [
        (np.zeros(16000), np.ones(16000) * 0.1, "undefined:silent_reference"),
        (np.full(16000, np.nan), np.zeros(16000), "undefined:nonfinite_reference"),
        (np.linspace(-3, 3, 16000), np.zeros(16000), "undefined:reference_out_of_range"),
        (np.zeros(0), np.zeros(0), "undefined:too_short"),
        (np.linspace(-1, 1, 16000), np.zeros(16000), "failed:silent_degraded"),
        (np.linspace(-1, 1, 16000), np.full(16000, np.inf), "failed:nonfinite_degraded"),
        (np.linspace(-1, 1, 16000), np.linspace(-1, 1, 8000), "failed:wrong_length"),
    ],
)
def test_score_gives_a_reason_and_never_a_made_up_number(
    reference: np.ndarray, degraded: np.ndarray, outcome: str
) -> None:
    cells = codecbench.score(reference, degraded, metrics="si_sdr", sample_rate=16000)
    assert str(cells["si_sdr"]) == outcome


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.zeros(100, dtype=np.int16), "divide integers"),
        (np.zeros((100, 2)), "mix down"),
    ],
)
def test_score_says_how_to_convert(samples: np.ndarray, message: str) -> None:
    with pytest.raises(AudioFormatError, match=message):
        codecbench.score(samples, samples, metrics="si_sdr", sample_rate=16000)
    with pytest.raises(AudioFormatError, match="sample_rate"):
        codecbench.score(np.zeros(100), np.zeros(100), metrics="si_sdr")
