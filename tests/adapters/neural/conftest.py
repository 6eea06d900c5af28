"""Weights by formula, as those under which the official implementations made the fixtures."""

import hashlib
from collections.abc import Callable, Iterator

import numpy as np
import pytest

Normal = Callable[[str, tuple[int, ...]], np.ndarray]


@pytest.fixture(scope="session")
def normal() -> Normal:
    """Standard normal float32 values from the name of a tensor: FORMULA.md, first section."""

    def draw(name: str, shape: tuple[int, ...]) -> np.ndarray:
        key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
        generator = np.random.Generator(np.random.Philox(key=key))
        return generator.standard_normal(tuple(shape), dtype=np.float32)

    return draw


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> Iterator[None]:
    """Run torch on one thread: the machine is shared."""
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
