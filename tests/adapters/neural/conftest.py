"""Weights by formula, as those under which the official implementations made the fixtures."""

import hashlib
from collections.abc import Callable, Iterator

import numpy as np
import pytest

Normal = Callable[[str, tuple[int, ...]], np.ndarray]
Recipe = Callable[..., np.ndarray]


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


@pytest.fixture(scope="session")
def recipe(normal: Normal) -> Recipe:
    """The test signal of parity/FORMULA.md, ESC section, which DAC's fixtures use too."""

    def signal(name: str, n_samples: int, sample_rate: int = 16000) -> np.ndarray:
        t = np.arange(n_samples) / sample_rate
        tau = 2 * np.pi
        x = 0.25 * np.sin(tau * (120 * t + 30 * t**2))
        x = x + 0.15 * np.sin(tau * (500 * t + 350 * t**2) + 1)
        x = x + 0.08 * np.sin(tau * (3000 * t - 200 * t**2) + 2)
        x = x * np.clip(np.sin(tau * 3 * t), 0, None) ** 0.5
        breath = 0.005 + 0.15 * np.clip(np.sin(tau * 1.7 * t + 2), 0, None) ** 4
        x = x + breath * normal(name, (n_samples,)).astype(np.float64)
        return x.astype(np.float32)

    return signal
