"""What a scoring child holds in memory is bounded, however many versions of a clip it scores."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from codecbench.metrics.registry import CORE

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    """The benchmark that measures it."""
    if sys.platform != "linux":
        pytest.skip("not here: peaks are read from /proc")
    spec = importlib.util.spec_from_file_location("bench_memory", BENCHMARKS / "bench_memory.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# The bound is the project's: 600 MB with 30 versions of a clip of 30 s.
@pytest.mark.soak
def test_thirty_versions_of_half_a_minute_fit_into_600_mb(bench):
    assert bench.peak_mb(CORE, seconds=30, versions=30) < 600


def test_more_versions_take_no_more_memory(bench):
    metrics = ("stoi", "estoi", "mel_dac", "si_sdr", "visqol")
    few = bench.peak_mb(metrics, seconds=10, versions=3)
    many = bench.peak_mb(metrics, seconds=10, versions=15)
    # What metrics derive from each version is 15 MB here; keeping it would show.
    assert many < few + 40
