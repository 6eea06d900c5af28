"""Training from the command line, and coding with what it made the next minute."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from codecbench.core.audio import Audio
from codecbench.core.audio_file import read_audio, write_audio
from codecbench.training.log import read_log

pytest.importorskip("torch")

Cli = Callable[..., subprocess.CompletedProcess[str]]
SHORT = "psq:bitrate=1500,batch=2,crop_s=0.16,validate_every=2,validation_s=0.5,log_every=1"


@pytest.fixture
def voices(tmp_path: Path) -> Path:
    """A folder with two clips."""
    rng = np.random.default_rng(1)
    for name in ("one", "two"):
        noise = 0.05 * rng.standard_normal(16000).cumsum()
        write_audio(tmp_path / "voices" / f"{name}.wav", Audio.clip(noise - noise.mean(), 16000))
    return tmp_path / "voices"


@pytest.mark.slow
def test_what_was_trained_codes_at_once(cli: Cli, voices: Path, tmp_path: Path) -> None:
    train = ("train", SHORT, "--data", str(voices), "-o", "mine", "--threads", "1")
    done = cli(*train, "--steps", "3")
    assert done.returncode == 0, done.stderr
    assert "checkpoint: mine" in done.stdout
    assert "too few speakers" in done.stderr
    assert (tmp_path / "mine" / "trajectory.svg").is_file()
    again = cli(*train, "--steps", "5")
    assert "from step 3 to 5" in again.stderr
    steps = [line["step"] for line in read_log(tmp_path / "mine") if line["kind"] == "train"]
    assert steps == [1, 2, 3, 4, 5]
    spec = "psq:bitrate=1500,checkpoint=mine"
    coded = cli("encode", "voices/one.wav", "one.cbs", "-c", spec)
    assert coded.returncode == 0, coded.stderr
    assert cli("decode", "one.cbs", "back.wav", "-c", spec).returncode == 0
    assert read_audio(tmp_path / "back.wav").n_samples == 16000
    assert {each.name for each in tmp_path.iterdir()} <= {
        *("voices", "mine", "one.cbs", "back.wav", "cache"),
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["pqs", "--data", "voices", "-o", "x"], "did you mean psq?"),
        (["psq:depth=3", "--data", "voices", "-o", "x"], "unknown setting of the recipe 'psq'"),
        (["psq", "--scale", "huge", "--data", "voices", "-o", "x"], "known: paper, small"),
        (["psq", "--data", "nowhere", "-o", "x"], "nowhere"),
        (["psq", "-o", "x"], "Missing option '--data'"),
        (["psq", "--data", "voices", "-o", "x", "--minutes", "-1"], "minutes"),
    ],
)
def test_mistakes_are_one_line(
    cli: Cli, voices: Path, tmp_path: Path, arguments: list[str], message: str
) -> None:
    done = cli("train", *arguments)
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.returncode == 2
    assert not (tmp_path / "x").exists()
