"""docs/regression.md in a scratch repository: the workflow's commands, the broken model, pytest."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from codecbench.core.audio import Audio
from codecbench.core.audio_file import write_audio

PAGE = Path(__file__).parent.parent.parent / "docs" / "regression.md"


def titled(name: str) -> str:
    found = re.search(
        rf'^```\w+ title="{re.escape(name)}"\n(.*?)^```', PAGE.read_text(), re.M | re.S
    )
    assert found is not None
    return found[1]


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the page's readers have after its 'Gate' section: a model and a baseline of it."""
    folder = tmp_path_factory.mktemp("repository")
    t = np.arange(24000) / 16000
    voice = sum(np.sin(2 * np.pi * 140 * k * t) / k for k in range(1, 20))
    sound = 0.1 * voice * (1 + np.sin(2 * np.pi * 4 * t)) / 2
    write_audio(folder / "my/speech/a.wav", Audio(sound, 16000))
    for name in ("break_it.py", "test_codec_quality.py", ".github/workflows/codec-gate.yml"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(titled(name))
    gate = PAGE.read_text().split("## Gate")[1].split("## In GitHub")[0]
    for line in re.findall(r"^\$ (codecbench (?:train|gate init) .*)$", gate, re.M):
        done = shell(line, folder)
        assert done.returncode == 0, done.stderr
    return folder


def shell(line: str, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a line as a runner does, with this Python's programs in front."""
    bin_folder = Path(sys.executable).parent
    environment = {
        **os.environ,
        "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
        "XDG_CACHE_HOME": str(folder / "cache"),
        "OMP_NUM_THREADS": "1",
        **more,
    }
    return subprocess.run(
        ["bash", "-e", "-c", line],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def run_workflow(repository: Path, summary: Path) -> subprocess.CompletedProcess[str]:
    """Run the steps of the workflow that are commands; installing is what this test stands on."""
    table = yaml.safe_load((repository / ".github/workflows/codec-gate.yml").read_text())
    lines = [step["run"] for step in table["jobs"]["gate"]["steps"] if "run" in step]
    install, *commands = lines
    assert install.startswith("pip install")
    assert len(commands) == 1
    return shell(commands[0], repository, GITHUB_STEP_SUMMARY=str(summary))


@pytest.mark.soak
def test_the_workflow_is_green_until_the_model_breaks(repository: Path, tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    green = run_workflow(repository, summary)
    assert green.returncode == 0, green.stdout + green.stderr
    assert "::notice title=codecbench::no regression" in green.stdout

    assert shell("python break_it.py", repository).returncode == 0
    red = run_workflow(repository, summary)
    assert red.returncode == 1, red.stdout + red.stderr
    assert "::error title=regression" in red.stdout
    assert "REGRESSION" in summary.read_text()
    assert (repository / "gate.xml").is_file()
    listed = re.findall(r"^ +(\w+) +(codecbench-gate/audio/.*\.flac)$", red.stdout, re.M)
    assert {word for word, _ in listed} >= {"reference", "new"}
    assert all((repository / path).is_file() for _, path in listed)
    tests = shell(f"pytest -q -p no:cacheprovider {repository}/test_codec_quality.py", repository)
    assert tests.returncode == 1
    assert "REGRESSION: 12 clips" in tests.stdout
    assert "1 failed, 1 passed" in tests.stdout
