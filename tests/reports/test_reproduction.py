"""A run that is made again is the same, or it is said what is different."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import codecbench
from codecbench.cli.reproduce_command import command
from codecbench.core.audio import Audio
from codecbench.core.audio_file import write_audio
from codecbench.core.errors import ConfigError, DatasetError
from codecbench.reports.reproduction import reproduce

METRIC = """
from typing import ClassVar
from codecbench.metrics.base import Metric

class Peak(Metric):
    name: ClassVar[str] = "peak"
    outputs: ClassVar[tuple[str, ...]] = ("peak",)
    higher_is_better: ClassVar[bool] = True
    range: ClassVar[tuple[float, float]] = (0.0, 2.0)
    min_seconds: ClassVar[float] = 0.01
    source: ClassVar[str] = "tests"

    @property
    def definition(self):
        return "largest sample"

    def prepare(self, reference):
        return reference

    def score(self, prepared, degraded):
        if degraded.n_samples == 4800:
            {strange}
        return {{"peak": float(abs(degraded.samples).max()) + {offset}}}
"""


def write_metric(folder: Path, offset: float = 0.0, strange: str = "pass") -> str:
    """Write the metric, with what is added to its score and what it does to one clip."""
    path = folder / "peak.py"
    path.write_text(METRIC.format(offset=offset, strange=strange))
    return f"{path}:Peak"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run of two clips at two points, by a metric of ours and the plug-in."""
    folder = tmp_path_factory.mktemp("base")
    rng = np.random.default_rng(2)
    for number in range(2):
        noise = 0.2 * rng.standard_normal(4000 + 800 * number).clip(-4, 4)
        write_audio(folder / f"clips/clip{number}.wav", Audio(noise.astype(np.float32), 16000))
    codecbench.run(
        ["pcm:bits=8|16"],
        data=folder / "clips",
        metrics=f"si_sdr,{write_metric(folder)}",
        out=folder / "run",
        cache=folder / "cache",
        jobs=1,
    )
    return folder


@pytest.fixture
def made(base: Path) -> Iterator[Path]:
    """The run; whatever a test does to the metric or the clips is undone."""
    clips = {path: path.read_bytes() for path in (base / "clips").iterdir()}
    yield base / "run"
    write_metric(base)
    for path, data in clips.items():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)


def test_the_same_is_the_same(made: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(
        command,
        [str(made), "-j", "1", "-q", "--plugin", str(made.with_name("peak.py"))],
        standalone_mode=False,
    )
    assert done.exception is None
    assert done.return_value == 0
    # Two metrics and the rate, each for two clips at two points.
    assert "reproduced: 12 of 12 cells and rates are as they were" in done.output
    assert made.with_name("run-again").is_dir()


def test_what_is_different_is_said(made: Path, tmp_path: Path) -> None:
    write_metric(made.parent, 0.125)
    found = reproduce(made, tmp_path / "again")
    by_name = {each.metric: each for each in found.metrics}
    assert not found.is_same
    assert by_name["si_sdr"].same == by_name["payload_bps"].same == 4
    assert by_name["peak"].changed == 4
    assert by_name["peak"].largest == pytest.approx(0.125, abs=1e-9)
    assert ", now " in by_name["peak"].example
    assert reproduce(made, tmp_path / "again", tolerance=0.13).is_same


def test_a_value_that_is_lost_is_said(made: Path, tmp_path: Path) -> None:
    write_metric(made.parent, 0.0, "raise ValueError('no more')")
    done = CliRunner().invoke(
        command,
        [str(made), "-o", str(tmp_path), "-j1", "-q", "--plugin", str(made.with_name("peak.py"))],
        standalone_mode=False,
    )
    assert done.return_value == 1
    (row,) = [line.split() for line in done.output.splitlines() if line.startswith("peak ")]
    assert row == ["peak", "4", "2", "0", "2", "0", "0"]
    assert "failed:exception: ValueError: no more" in done.output
    assert "different: 10 of 12 cells and rates are as they were" in done.output


def test_other_data_code_that_nobody_named_and_the_run_itself_are_refused(
    made: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="would be run, which only a file names"):
        reproduce(made, tmp_path / "again", plugins=())
    with pytest.raises(ConfigError, match="is the run itself"):
        reproduce(made, made)
    shutil.move(made.with_name("clips"), tmp_path / "moved")
    with pytest.raises(DatasetError, match="where the data lies elsewhere now: --data"):
        reproduce(made, tmp_path / "again")
    write_audio(tmp_path / "moved/clip1.wav", Audio(np.full(4800, 0.25, np.float32), 16000))
    with pytest.raises(DatasetError, match="2 of one name, 1 of these with other samples"):
        reproduce(made, tmp_path / "again", data=str(tmp_path / "moved"))
    assert not (tmp_path / "again").exists()
