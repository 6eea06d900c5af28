"""What `codecbench new` writes works as it is, and as a plug-in of an installed package."""

import csv
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from codecbench.core.audio import Audio
from codecbench.core.audio_file import write_audio

Cli = Callable[..., subprocess.CompletedProcess[str]]


def run_tests(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run pytest as a user does who has nothing but these files."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("kind", ["codec", "metric", "dataset"])
def test_code_passes_its_test_at_once(cli: Cli, tmp_path: Path, kind: str) -> None:
    done = cli("new", kind, "my_own", "--in", "there")
    assert done.returncode == 0, done.stderr
    assert "there/my_own.py" in done.stdout
    ran = run_tests(tmp_path / "there")
    assert ran.returncode == 0, ran.stdout
    assert "passed" in ran.stdout
    assert "skipped" not in ran.stdout


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("codec", "/ half)", "/ half / 2)"),
        ("codec", "bits: Sequence[int] = (8, 12)", "bits: Sequence[int] = (2, 3)"),
        ("metric", "float(np.clip(ratio", "float(-np.clip(ratio"),
        ("dataset", '"speaker": file.stem', '"talker": file.stem'),
    ],
)
def test_the_tests_notice_what_is_broken(
    cli: Cli, tmp_path: Path, kind: str, good: str, bad: str
) -> None:
    cli("new", kind, "my_own")
    path = tmp_path / "my_own.py"
    assert good in path.read_text()
    path.write_text(path.read_text().replace(good, bad))
    assert run_tests(tmp_path).returncode == 1


def test_the_new_codec_passes_every_check(cli: Cli) -> None:
    cli("new", "codec", "mine")
    done = cli("check", "./mine.py:Mine")
    assert done.returncode == 0, done.stdout
    assert "FAIL" not in done.stdout
    assert "WARN" not in done.stdout


@pytest.mark.parametrize("there", ["mine.py", "test_mine.py"])
def test_nothing_is_overwritten(cli: Cli, tmp_path: Path, there: str) -> None:
    (tmp_path / there).write_text("mine already")
    done = cli("new", "codec", "mine")
    assert done.returncode == 2
    assert f"{there} is there already" in done.stderr
    assert [path.name for path in tmp_path.glob("*.py")] == [there]
    assert (tmp_path / there).read_text() == "mine already"


@pytest.mark.parametrize(
    "name", ["numpy", "json", "class", "My", "my-codec", "1st", "_x", "é", "a.b", "../up"]
)
def test_a_name_that_cannot_be_a_module_is_refused(cli: Cli, tmp_path: Path, name: str) -> None:
    done = cli("new", "codec", name)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert not list(tmp_path.rglob("*.py"))


ENTRY_POINTS = """
[codecbench.adapters]
acme = acme_mine:AcmeMine
acme_broken = acme_mine:NotThere

[codecbench.metrics]
acme_snr = acme_snr:AcmeSnr

[codecbench.datasets]
acme_takes = acme_takes:AcmeTakes
"""


@pytest.fixture
def installed(cli: Cli, tmp_path: Path) -> Cli:
    """The command line in an environment with a package of plug-ins, as pip lays it out."""
    site = tmp_path / "site"
    for kind, name in (("codec", "mine"), ("metric", "snr"), ("dataset", "takes")):
        assert cli("new", kind, f"acme_{name}", "--in", str(site)).returncode == 0
    facts = site / "acme-1.2.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.2\n")
    (facts / "entry_points.txt").write_text(ENTRY_POINTS)

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-P", "-m", "codecbench", *arguments],
            cwd=tmp_path,
            env={
                **os.environ,
                "PYTHONPATH": str(site),
                "XDG_CACHE_HOME": str(tmp_path / "cache"),
            },
            capture_output=True,
            text=True,
            check=False,
        )

    return call


def test_plugins_of_an_installed_package_are_listed(installed: Cli) -> None:
    said = installed("list", "codecs").stdout
    assert "acme             Linear PCM with few bits." in said
    assert "bits=8|12" in said
    assert "acme_broken      ! codec 'acme_broken' (acme_mine:NotThere) cannot be imported" in said
    assert "acme_snr" in installed("list", "metrics").stdout
    assert "acme_takes" in installed("list", "datasets").stdout


@pytest.mark.slow
def test_codec_metric_and_dataset_of_an_installed_package_run_together(
    installed: Cli, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    for name in ("ann_1", "bob_1"):
        samples = 0.1 * rng.standard_normal(16000).clip(-5, 5)
        write_audio(tmp_path / "wavs" / f"{name}.wav", Audio(samples, 16000))
    done = installed(
        *("run", "-c", "acme:bits=8|10", "-m", "acme_snr,si_sdr"),
        *("-d", "acme_takes:root=wavs", "-o", "r", "-j", "2"),
    )
    assert done.returncode == 0, done.stderr
    assert "8 of 8 cells have a value" in done.stdout
    assert installed("export", "r", "-o", "r.csv").returncode == 0
    with (tmp_path / "r.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["codec"] for row in rows} == {"acme"}
    assert {row["speaker"] for row in rows} == {"ann", "bob"}
    for row in rows:
        assert float(row["payload_bps"]) == 16000 * int(row["point"])
        # A quantiser with step 2^(1 - bits) makes noise of step^2 / 12; the signal has 0.01.
        step = 2.0 ** (1 - int(row["point"]))
        wanted = 10 * np.log10(0.01 / (step**2 / 12))
        low, high = (-10.0, 35.0) if row["metric"] == "acme_snr" else (-100.0, 100.0)
        assert float(row["value"]) == pytest.approx(np.clip(wanted, low, high), abs=0.3)


def test_a_plugin_that_cannot_be_imported_is_one_line(installed: Cli) -> None:
    done = installed("run", "-c", "acme_broken", "-d", "demo:n=1", "-m", "si_sdr", "-o", "r")
    assert done.returncode == 2
    assert "cannot be imported" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
