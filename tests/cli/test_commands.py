"""What each command prints, writes and exits with."""

import csv
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from codecbench.cli import COMMANDS
from codecbench.core.audio_file import read_audio

Cli = Callable[..., subprocess.CompletedProcess[str]]
PLANTED = Path(__file__).parent.parent / "benchmark" / "planted.py"


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_help_names_every_command(cli: Cli) -> None:
    said = cli("--help").stdout
    assert all(name in said for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(cli: Cli, name: str) -> None:
    done = cli(name, "--help")
    assert done.returncode == 0
    assert "Usage:" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["run", "-c", "opsu", "-d", "demo", "-o", "x"],
            "unknown codec 'opsu'; did you mean opus?",
        ),
        (["run", "-c", "pcm", "-o", "x"], "no data"),
        (["run", "-d", "demo", "-o", "x"], "no codec asked for"),
        (["run", "-c", "pcm", "-d", "nowhere", "-o", "x"], "nowhere"),
        (["run", "-c", "pcm", "-d", "demo", "-m", "pesq", "-o", "x"], "did you mean pesq_"),
        (["run", "-c", "pcm", "-c", "pcm", "-d", "demo", "-o", "x"], "twice"),
        (["run", "nosuite", "-o", "x"], "no suite 'nosuite'"),
        (["run", "-c", "pcm", "-d", "demo"], "Missing option"),
        (["run", "-c", "pcm:bits=16", "-d", "demo", "-o", "x", "-j", "-3"], "jobs"),
        (["score", "a.wav", "b.wav"], "no such file"),
        (["encode", "a.wav", "b.cbs", "-c", "opus"], "choose one: bitrate="),
        (["decode", "a.cbs", "b.wav", "-c", "pcm"], "cannot be read"),
        (["gc", "--max", "much"], "is no size"),
        (["frobnicate"], "No such command"),
    ],
)
def test_bad_usage_is_one_line_and_exit_code_2(
    cli: Cli, tmp_path: Path, arguments: list[str], message: str
) -> None:
    done = cli(*arguments)
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.returncode == 2
    assert not (tmp_path / "x").exists()


def test_run_reports_and_exports(cli: Cli, sounds: Path, tmp_path: Path) -> None:
    what = ("-c", "pcm:bits=8|16", "-d", str(sounds), "-m", "si_sdr,lsd")
    done = cli("run", *what, "-o", "r", "-j", "1")
    assert done.returncode == 0, done.stderr
    assert "8 of 12 cells have a value, 4 undefined" in done.stdout
    assert (tmp_path / "r/report/index.html").is_file()
    assert (tmp_path / "r/suite.toml").is_file()
    assert json.loads((tmp_path / "r/environment.json").read_text())["packages"]["numpy"]
    assert cli("export", "r", "-o", "r.csv").returncode == 0
    rows = read_rows(tmp_path / "r.csv")
    assert len(rows) == 12
    silent = [row for row in rows if row["clip"] == "silent"]
    assert {row["reason"].split(":")[0] for row in silent} == {"silent_reference"}
    assert all(row["value"] == "" for row in silent)
    transparent = [row for row in rows if row["point"] == "16" and row["metric"] == "si_sdr"]
    assert float(next(row["value"] for row in transparent if row["clip"] == "mono")) == 100.0


def test_undefined_cells_are_incomplete_when_strict(cli: Cli, sounds: Path) -> None:
    arguments = ["run", "-c", "pcm", "-d", str(sounds), "-m", "si_sdr", "-o", "r", "-j", "1"]
    assert cli(*arguments, "--strict").returncode == 3


def test_failed_and_skipped_cells_make_exit_code_3(cli: Cli, sounds: Path) -> None:
    base = ["run", "-d", str(sounds), "-j", "1"]
    counting = ("-m", f"{PLANTED}:Counting")
    failing = cli(
        *base, *counting, "-c", f"{PLANTED}:FaultyCodec:fault=raise,at_ms=1000", "-o", "r1"
    )
    assert failing.returncode == 3
    assert "failed:exception" in failing.stderr
    assert "Traceback" not in failing.stderr
    missing = cli(*base, "-c", "pcm", "-m", f"{PLANTED}:Uninstalled", "-o", "r2")
    assert missing.returncode == 3


def test_score_takes_files_folders_and_lists(cli: Cli, sounds: Path, tmp_path: Path) -> None:
    one = cli("score", f"{sounds}/mono.wav", f"{sounds}/mono.wav", "-m", "si_sdr")
    assert one.returncode == 0
    assert "si_sdr" in one.stdout
    assert "100" in one.stdout
    both = cli("score", str(sounds), str(sounds), "-m", "si_sdr", "-o", "s.csv", "-j", "1")
    assert both.returncode == 0
    rows = {row["id"]: row for row in read_rows(tmp_path / "s.csv")}
    assert rows["silent"]["status"] == "undefined"
    assert float(rows["stereo"]["value"]) > 60
    (tmp_path / "p.csv").write_text(
        "reference,degraded\nsounds/mono.wav,sounds/missing.wav\nsounds/mono.wav,sounds/mono.wav\n"
    )
    listed = cli("score", "p.csv", "-m", "si_sdr", "-j", "1")
    assert listed.returncode == 3
    assert "failed:unreadable_degraded" in listed.stdout


def test_encode_then_decode(cli: Cli, sounds: Path, tmp_path: Path) -> None:
    spec = "opus:mode=cbr,bitrate=16000"
    coded = cli("encode", f"{sounds}/mono.wav", "m.cbs", "-c", spec)
    assert coded.returncode == 0, coded.stderr
    assert "16320 bits" in coded.stdout  # 51 packets of 40 bytes: a second and the look-ahead
    assert cli("decode", "m.cbs", "m.wav", "-c", spec).returncode == 0
    assert read_audio(tmp_path / "m.wav").n_samples == 16000
    damaged = (tmp_path / "m.cbs").read_bytes()[:-5]
    (tmp_path / "m.cbs").write_bytes(damaged)
    broken = cli("decode", "m.cbs", "m.wav", "-c", spec)
    assert broken.returncode == 2
    assert "bitstream cut" in broken.stderr


def test_gc_bounds_the_cache_and_keeps_scores(cli: Cli, sounds: Path) -> None:
    run = ["run", "-c", "pcm:bits=8", "-d", str(sounds), "-m", "si_sdr", "-j", "1"]
    assert cli(*run, "-o", "r").returncode == 0
    freed = cli("gc", "--max", "0")
    assert freed.returncode == 0
    assert "removed 4 files" in freed.stdout  # two clips with content: bitstream and audio
    again = cli(*run, "-o", "r2")
    assert "Coding: 0 steps" in again.stderr
    assert "Scoring: 0 steps" in again.stderr


def test_lists(cli: Cli) -> None:
    for what, name in (
        ("codecs", "opus"),
        ("metrics", "pesq_wb"),
        ("datasets", "demo"),
        ("suites", "demo"),
    ):
        done = cli("list", what)
        assert done.returncode == 0
        assert name in done.stdout


@pytest.mark.slow
def test_doctor_finds_this_machine_right(cli: Cli) -> None:
    done = cli("doctor")
    assert done.returncode == 0, done.stdout
    assert "all numbers are as they should be" in done.stdout
