"""Miniature sound files, made from a seed."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

MakeSound = Callable[..., Path]


@pytest.fixture
def make_sound() -> MakeSound:
    """Write noise of a given length, rate and number of channels; the suffix gives the format."""

    def make(path, *, seconds=0.1, sample_rate=16000, channels=1, seed=0):
        rng = np.random.default_rng(seed)
        shape = (round(seconds * sample_rate), channels)
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, 0.1 * rng.standard_normal(shape), sample_rate)
        return path

    return make
