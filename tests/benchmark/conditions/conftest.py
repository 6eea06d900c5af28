"""Where random numbers come from in these tests, and a way to write a condition."""

import pytest

from codecbench.benchmark.conditions.base import Draw


@pytest.fixture
def draw() -> Draw:
    return Draw(sha256="c" * 64, clip="speaker/one", seed=0)
