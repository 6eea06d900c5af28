"""The command line run in a process of its own, as users do."""

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


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """Run codecbench in an empty folder with a cache of its own."""

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-P", "-m", "codecbench", *arguments],
            cwd=tmp_path,
            env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")},
            capture_output=True,
            text=True,
            check=False,
        )

    return call


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    """A folder with a mono clip at 16 kHz, a stereo clip at 44.1 kHz and a silent one."""
    import soundfile

    folder = tmp_path / "sounds"
    rng = np.random.default_rng(3)
    write_audio(folder / "mono.wav", Audio(0.1 * rng.standard_normal(16000).clip(-5, 5), 16000))
    stereo = 0.1 * rng.standard_normal((44100, 2)).clip(-5, 5)
    soundfile.write(folder / "stereo.flac", stereo, 44100)
    write_audio(folder / "silent.wav", Audio(np.zeros(16000), 16000))
    return folder
