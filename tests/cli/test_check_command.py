"""What ``codecbench check`` prints, writes and exits with."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from codecbench.benchmark.check.follow import check_names

Cli = Callable[..., subprocess.CompletedProcess[str]]
PLANTED = Path(__file__).parent.parent / "benchmark" / "planted_codecs"


def test_command_prints_a_line_per_check(cli: Cli) -> None:
    done = cli("check", f"{PLANTED / 'signal_faults.py'}:HalfGain")
    assert done.returncode == 3
    lines = done.stdout.splitlines()
    assert [line[:2].strip() for line in lines if line[:2].strip().isdigit()] == [
        str(number) for number in range(len(check_names()))
    ]
    at = next(index for index, line in enumerate(lines) if line.split()[1:3] == ["gain", "FAIL"])
    assert "-6.0 dB" in lines[at]
    assert "to do: scale by the codec's full scale" in lines[at + 2]


def test_command_writes_json(cli: Cli) -> None:
    done = cli("check", "shift", "--json")
    assert done.returncode == 0
    said = json.loads(done.stdout)
    assert said["outcome"] == "warn"
    checks = {check["name"]: check for check in said["checks"]}
    assert list(checks) == check_names()
    assert checks["delay"]["on_purpose"]


@pytest.mark.parametrize("spec", ["opsu", "opus:bitrat=6000", "opus:mode=abr", "opus:"])
def test_command_refuses_a_wrong_spec(cli: Cli, spec: str) -> None:
    done = cli("check", spec)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
