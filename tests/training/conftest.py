"""Small audio to train with: speakers, licences, and one clip shorter than a crop."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from codecbench.core.audio import Audio
from codecbench.core.audio_file import write_audio

SPEAKERS = 20


def voice(seconds: float, seed: int) -> NDArray[np.float64]:
    """Make harmonics under a slow envelope, and a little noise."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(16000 * seconds)) / 16000
    pitch = rng.uniform(90, 220) * (1 + 0.05 * np.sin(2 * np.pi * 3 * t))
    phase = 2 * np.pi * np.cumsum(pitch) / 16000
    tones = sum(np.sin(k * phase) * np.exp(-k / 6) for k in range(1, 25))
    envelope = 0.5 + 0.5 * np.sin(2 * np.pi * 4 * t + rng.uniform(0, 6))
    signal = tones * envelope + 1e-2 * rng.standard_normal(t.size)
    return 0.4 * signal / np.abs(signal).max()


@pytest.fixture(scope="session")
def make_corpus(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Write clips with a manifest: two of each speaker, every other one under another licence."""

    def make(clips: int, seconds: float = 1.2, short: int | None = None) -> Path:
        folder = tmp_path_factory.mktemp("corpus")
        rows = []
        for number in range(clips):
            samples = voice(0.2 if number == short else seconds, number).astype(np.float32)
            write_audio(folder / f"{number}.flac", Audio(samples, 16000))
            licence = "CC-BY-4.0" if number % 2 else "CC0-1.0"
            rows.append([f"{number}.flac", f"voice{number // 2}", licence, f"maker of {licence}"])
        with (folder / "manifest.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["file", "speaker", "licence", "attribution"])
            writer.writerows(rows)
        return folder / "manifest.csv"

    return make


@pytest.fixture(scope="session")
def corpus(make_corpus: Callable[..., Path]) -> Path:
    """A manifest of forty clips of twenty speakers; one is shorter than the others."""
    return make_corpus(2 * SPEAKERS, short=7)


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    """Threads that wait for one another on a busy machine take many times as long."""
    pytest.importorskip("torch").set_num_threads(1)


@pytest.fixture(scope="session")
def noise_steps() -> Callable[..., list[dict[str, float]]]:
    """Train an objective on two clips of noise per step, seeded by step as the loop does it."""
    torch = pytest.importorskip("torch", reason="not here: torch")

    def go(objective: Any, first: int, last: int, n_samples: int) -> list[dict[str, float]]:
        found = []
        for step in range(first, last):
            generator = torch.Generator().manual_seed(step)
            batch = 0.1 * torch.randn(2, n_samples, generator=generator)
            torch.manual_seed(step)
            found.append(objective.train_step(batch, step))
        return found

    return go


@pytest.fixture(scope="session")
def learn_by_heart() -> Callable[[Any, int], tuple[float, float]]:
    """Train an objective on the same four clips; return its mel distance at first and at last."""
    torch = pytest.importorskip("torch", reason="not here: torch")

    def learn(objective: Any, steps: int) -> tuple[float, float]:
        time = torch.arange(4800) / 16000
        pitches = torch.tensor([110.0, 150.0, 200.0, 260.0])[:, None]
        tones = sum(torch.sin(2 * torch.pi * k * pitches * time) / k for k in range(1, 12))
        clips = 0.2 * tones * torch.sin(torch.pi * time * 4).square()
        losses = []
        for step in range(steps):
            torch.manual_seed(step)
            losses.append(objective.train_step(clips, step)["mel"])
        return losses[0], float(np.mean(losses[-10:]))

    return learn


def resumed_differs(make: Callable[[], Any], go: Callable[[Any, int, int], Any], stop: int) -> str:
    """Stop and resume; return the name of a tensor that is not that of a run without a stop."""
    import torch

    whole, first, second = make(), make(), make()
    last = whole.steps
    go(whole, 0, last)
    go(first, 0, stop)
    second.load_state(first.state())
    go(second, stop, last)
    resumed = second.state()["networks"]
    for network, tensors in whole.state()["networks"].items():
        for name, value in tensors.items():
            if not torch.equal(value, resumed[network][name]):
                return f"{network} {name}"
    return ""


@pytest.fixture(scope="session", name="resumed_differs")
def resumed_differs_fixture() -> Callable[..., str]:
    """See `resumed_differs`."""
    return resumed_differs
