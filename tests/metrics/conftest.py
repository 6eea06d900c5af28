"""Signals with independent reference values; how each is made is told in reference_signals.md."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from codecbench.core.audio import Audio
from codecbench.core.audio_file import read_audio

Pair = tuple[Audio, Audio]


def _lcg(n: int, seed: int) -> NDArray[np.float64]:
    state, values = seed, np.empty(n)
    for index in range(n):
        state = (1664525 * state + 1013904223) % 2**32
        values[index] = state / 2**31 - 1
    return values


@pytest.fixture(scope="session")
def lcg() -> Callable[[int, int], NDArray[np.float64]]:
    """Noise in [-1, 1) from a linear congruential generator: ``lcg(n, seed)``."""
    return _lcg


@pytest.fixture(scope="session")
def pair(shared: Path) -> Callable[[str], Pair]:
    """Real speech and a degraded version of it: ``pair("010")``."""

    def read(name: str) -> Pair:
        folder = shared / "metrics" / "pairs"
        return read_audio(folder / f"{name}_ref.flac"), read_audio(folder / f"{name}_deg.flac")

    return read
