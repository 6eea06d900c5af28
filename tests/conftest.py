"""What all tests share: seeded signals, and the folder of fixtures that is not ours to copy."""

import hashlib
import math
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from numpy.typing import NDArray

from codecbench.core.audio import Audio

# A busy machine is no finding.
settings.register_profile("codecbench", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("codecbench")

ROOT = Path(__file__).parent.parent
SHARED = Path(os.environ.get("CODECBENCH_SHARED", ROOT.parent / "shared"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real speech and independent reference values; see CONTRIBUTING.md."""
    if not (SHARED / "design.md").is_file():
        pytest.skip(f"no fixtures at {SHARED}; set CODECBENCH_SHARED to the folder that has them")
    return SHARED


@pytest.fixture(scope="session")
def root() -> Path:
    """The root of the checkout."""
    return ROOT


WaitUntil = Callable[[Callable[[], bool]], None]


@pytest.fixture(scope="session")
def wait_until() -> WaitUntil:
    """Wait for something that another process does."""

    def wait(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 120
        while not condition():
            assert time.monotonic() < deadline, "nothing happened"
            time.sleep(0.02)

    return wait


def speech_like(seconds: float, *, sample_rate: int = 16000, seed: int = 0) -> NDArray[np.float64]:
    """Make a signal with the coarse features of speech: harmonics, syllables, pauses."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * sample_rate)) / sample_rate
    f0 = 120 + 30 * np.sin(2 * np.pi * 0.7 * t + rng.uniform(0, 6))
    phase = 2 * np.pi * np.cumsum(f0) / sample_rate
    voiced = sum(
        np.sin(k * phase + rng.uniform(0, 6)) * np.exp(-k / 12)
        for k in range(1, 40)
        if k * 160 < 7000
    )
    syllables = np.clip(np.sin(2 * np.pi * 3.1 * t + rng.uniform(0, 6)) + 0.4, 0, None)
    phrases = np.clip(4 * np.sin(2 * np.pi * 0.45 * t + 0.4), 0, 1)
    breath = 0.05 * rng.standard_normal(t.size)
    signal = (voiced + breath) * syllables * phrases + 3e-4 * rng.standard_normal(t.size)
    return 0.5 * signal / np.abs(signal).max()


@pytest.fixture(scope="session")
def speech() -> Audio:
    """Three seconds of speech-like signal at 16 kHz."""
    return Audio(speech_like(3.0).astype(np.float32), 16000)


Normal = Callable[[str, tuple[int, ...]], NDArray[np.float32]]


@pytest.fixture(scope="session")
def normal() -> Normal:
    """Standard normal float32 values from the name of a tensor: FORMULA.md, first section.

    The official implementations made the fixtures under weights by such formulas.
    """

    def draw(name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
        key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
        generator = np.random.Generator(np.random.Philox(key=key))
        return generator.standard_normal(tuple(shape), dtype=np.float32)

    return draw


@pytest.fixture(scope="session")
def recipe(normal: Normal) -> Callable[..., NDArray[np.float32]]:
    """The test signal of FORMULA.md, ESC section, which DAC and the discriminators have too."""

    def signal(name: str, n_samples: int, sample_rate: int = 16000) -> NDArray[np.float32]:
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


@pytest.fixture(scope="session")
def esc_weight(normal: Normal) -> Callable[[str, tuple[int, ...]], NDArray[np.float32] | None]:
    """A tensor of ESC as FORMULA.md, ESC section, says; None for what is computed."""

    def weight(name: str, shape: tuple[int, ...]) -> NDArray[np.float32] | None:
        *_, parent, last = name.split(".")
        if last in ("window", "relative_position_index"):
            return None
        if last == "bias":
            return np.float32(0.02) * normal(name, shape)
        if parent == "embedding":
            return normal(name, shape)
        if parent in ("norm", "norm1", "norm2"):
            return np.float32(1) + np.float32(0.1) * normal(name, shape)
        return normal(name, shape) * np.float32(1 / math.sqrt(math.prod(shape[1:])))

    return weight


NOT_HERE = "not here: "
"""Begins the reason of a skip for what this machine cannot have (a GPU, a browser)."""


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """In CI, fail when a test was skipped although its data is there."""
    if not os.environ.get("CODECBENCH_STRICT_SKIPS") or not (SHARED / "design.md").is_file():
        return
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    reasons = [str(report.longrepr[-1]).removeprefix("Skipped: ") for report in skipped]
    wrong = [reason for reason in reasons if not reason.startswith(NOT_HERE)]
    if wrong:
        listed = "\n  ".join(["skipped although the data is there:", *sorted(set(wrong))])
        reporter.write_line(listed, red=True)
        session.exitstatus = 1
