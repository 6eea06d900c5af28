"""``codecbench paper``: from nothing to the report, and on from where it stopped."""

import csv
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from codecbench.core.audio import Audio
from codecbench.core.audio_file import write_audio

Cli = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nosuch", "-d", "sounds"], "no paper 'nosuch'; known: esc, hificodec, patch, psq"),
        (["patch"], "does not state its data; name some with --data"),
        (["psq", "-d", "sounds", "--checkpoint", "a.pth"], "a.pth: no such checkpoint"),
        (["patch", "-d", "sounds", "--clips", "99"], "99 clips of 'sounds' asked for, which has 3"),
    ],
)
def test_what_cannot_be_is_one_line(
    cli: Cli, sounds: Path, tmp_path: Path, arguments: list[str], message: str
) -> None:
    done = cli("paper", *arguments, "-o", "out")
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_paper_from_nothing_and_once_more(cli: Cli, tmp_path: Path, speech: Audio) -> None:
    for name in ("a", "b", "c"):
        start = 8000 * "abc".index(name)
        clip = Audio(speech.samples[start : start + 16000], speech.sample_rate)
        write_audio(tmp_path / "speech" / f"{name}.wav", clip)
    command = ["paper", "patch", "-d", "speech", "--clips", "2", "--cost-clips", "0"]
    done = cli(*command, "-o", "out", "-j", "1")
    assert done.returncode == 0, done.stderr
    assert "measuring the cost" not in done.stderr
    out = tmp_path / "out"
    page = (out / "index.html").read_text(encoding="utf-8")
    assert "Quality by four metrics" in page
    assert "speech" in (out / "methods.md").read_text(encoding="utf-8")
    assert (out / "run" / "report" / "index.html").is_file()
    with (out / "tables" / "abstract.csv").open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert row["measured kbit/s"].startswith("7.")
    assert row["pesq_wb ↑"][0].isdigit()
    assert row["pesq_wb, published"] == "not in the abstract"
    table = (out / "tables" / "abstract.csv").read_bytes()
    again = cli(*command, "-o", "out", "-j", "1")
    assert again.returncode == 0, again.stderr
    assert "Coding: 0 steps" in again.stderr
    assert (out / "tables" / "abstract.csv").read_bytes() == table
