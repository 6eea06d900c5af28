"""A folder of small clips, a run in it, and the planted plug-ins."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from codecbench.benchmark.events import Event
from codecbench.benchmark.reading import read_results
from codecbench.benchmark.results import RunResults
from codecbench.benchmark.runner import RunOptions, run_suite
from codecbench.benchmark.suite import Suite
from codecbench.core.audio import Audio
from codecbench.core.audio_file import write_audio

PLANTED = Path(__file__).parent / "planted.py"
MILLISECONDS = (1000, 1500, 2000, 1200)


@pytest.fixture
def plugin() -> Callable[[str], str]:
    """Make the spec of a planted class: ``plugin("FaultyCodec:fault=hang")``."""
    return lambda text: f"{PLANTED}:{text}"


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """Four clips of noise with different lengths."""
    folder = tmp_path / "clips"
    for index, ms in enumerate(MILLISECONDS):
        rng = np.random.default_rng(index)
        samples = 0.2 * rng.standard_normal(16 * ms).clip(-4, 4)
        write_audio(folder / f"clip{index}.wav", Audio(samples.astype(np.float32), 16000))
    return folder


RunIt = Callable[..., RunResults]


@pytest.fixture
def run_it(tmp_path: Path, clips: Path) -> RunIt:
    """Run a suite in its own cache and return what it found."""

    def run(
        codecs: list[str],
        metrics: list[str],
        *,
        out: str = "run",
        data: Path | None = None,
        events: list[Event] | None = None,
        **options: object,
    ) -> RunResults:
        suite = Suite(codecs=tuple(codecs), data=str(data or clips), metrics=tuple(metrics))
        how = RunOptions(**{"jobs": 1, "cache": tmp_path / "cache", **options})
        for event in run_suite(suite, tmp_path / out, options=how):
            if events is not None:
                events.append(event)
        return read_results(tmp_path / out)

    return run


class Disk:
    """A file system in memory, mounted for a test.

    Attributes:
        path: Where it is mounted.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def resize(self, kib: int) -> None:
        """Make it larger or smaller, with what is on it."""
        self._remount(f"size={kib}k")

    def freeze(self) -> None:
        """Let nobody write to it any more, not even root."""
        self._remount("ro")

    def _remount(self, what: str) -> None:
        command = ["mount", "-o", f"remount,{what}", str(self.path)]
        subprocess.run(command, check=True, capture_output=True)


@pytest.fixture
def make_disk(tmp_path: Path) -> Iterator[Callable[[int], Disk]]:
    """Mount a disk of so many KiB at ``disk``; the test is skipped where nobody may mount."""
    mounted: list[Path] = []

    def make(kib: int) -> Disk:
        path = tmp_path / "disk"
        path.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={kib}k", "codecbench-test", str(path)]
        if subprocess.run(command, check=False, capture_output=True).returncode:
            pytest.skip("not here: nobody may mount")
        mounted.append(path)
        return Disk(path)

    yield make
    for path in mounted:
        subprocess.run(["umount", "--lazy", str(path)], check=True)
