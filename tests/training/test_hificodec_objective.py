"""HiFi-Codec's recipe: phases, discriminators, exact resume, and a result that loads."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="not here: torch")

from codecbench.adapters.registry import get_codec  # noqa: E402
from codecbench.core.audio import Audio  # noqa: E402
from codecbench.core.checkpoint import save_checkpoint  # noqa: E402
from codecbench.training.hificodec_objective import (  # noqa: E402
    HifiCodecObjective,
    HifiCodecSettings,
)
from codecbench.training.recipe import read_recipe  # noqa: E402

TINY = HifiCodecSettings(
    learning_rate=1e-3,
    average_decay=0.9,
    width=8,
    latent=16,
    channels=16,
    loud_weight=4.0,
    stft_weight=1.0,
    look_up_from=2,
    start_batches=2,
    revive_every=2,
    revive_below=0.01,
    adversarial_from=3,
    period_channels=(2, 2, 2, 2, 2),
    scale_channels=(16,) * 7,
    stft_channels=2,
)
STEPS = 5


def made(settings: HifiCodecSettings = TINY) -> HifiCodecObjective:
    torch.manual_seed(0)
    objective = HifiCodecObjective(settings, steps=STEPS)
    objective.train()
    return objective


Go = Callable[..., list[dict[str, float]]]


@pytest.fixture(scope="session")
def go(noise_steps: Go) -> Go:
    return partial(noise_steps, n_samples=2240)


@pytest.fixture(scope="module")
def trained(go: Go) -> tuple[HifiCodecObjective, list[dict[str, float]]]:
    objective = made()
    return objective, go(objective, 0, STEPS)


def test_codes_and_discriminators_come_when_the_recipe_says(trained) -> None:
    losses = trained[1]
    assert ["quantizer" in each for each in losses] == [False] * 2 + [True] * 3
    assert ["discriminator" in each for each in losses] == [False] * 3 + [True] * 2
    assert all(np.isfinite(value) for each in losses for value in each.values())


def test_codebooks_learn_by_gradients(go) -> None:
    settings = replace(TINY, look_up_from=0, start_batches=0, revive_every=0, adversarial_from=9)
    objective = made(settings)
    books = objective.model.quantizer.state_dict()
    before = {name: value.clone() for name, value in books.items()}
    go(objective, 0, 1)
    assert not any(torch.equal(value, before[name]) for name, value in books.items())


@pytest.mark.slow
@pytest.mark.parametrize("stop", [2])
def test_stopped_and_resumed_is_the_same_as_not_stopped(resumed_differs, go, stop: int) -> None:
    assert resumed_differs(made, go, stop) == ""


def test_the_adapter_loads_a_narrow_model_and_codes_what_validation_did(
    trained, tmp_path: Path
) -> None:
    objective = trained[0]
    exported = objective.export()
    save_checkpoint(tmp_path / "model.safetensors", exported.model, exported.config)
    codec = get_codec(f"hificodec:checkpoint={tmp_path}")
    assert codec.points[0].nominal_bps == 2000.0
    samples = 0.3 * torch.sin(0.05 * torch.arange(2000.0))
    objective.train(training=False)
    with torch.no_grad():
        found = objective.reconstruct(samples, "")
    objective.train()
    encoded = codec.encode(Audio(samples.numpy(), 16000), codec.points[0])
    assert np.array_equal(encoded.codes, found.codes.numpy())
    assert np.abs(codec.decode(encoded).samples - found.samples.numpy()).max() < 1e-4


def test_the_papers_settings_are_the_papers() -> None:
    """codecs/hificodec.md, sections 1 and 8."""
    paper = read_recipe("hificodec", scale="paper")
    settings = paper.settings
    assert isinstance(settings, HifiCodecSettings)
    assert (paper.training.batch, paper.training.crop_s) == (64, 1.0)
    assert (settings.mel_weight, settings.small_mel_weight) == (45.0, 1.0)
    assert (settings.quantizer_weight, settings.feature_weight) == (10.0, 2.0)
    assert (settings.loud_weight, settings.stft_weight, settings.adversarial_from) == (0, 0, 0)
    assert (settings.learning_rate, settings.decay, settings.clip_norm) == (2e-4, 0.98, 0.0)


@pytest.mark.soak
def test_four_clips_are_learnt_by_heart(learn_by_heart) -> None:
    settings = replace(
        TINY, latent=32, channels=32, look_up_from=20, start_batches=8, adversarial_from=10**6
    )
    objective = made(settings)
    first, last = learn_by_heart(objective, 60)
    assert last < 0.65 * first
    assert objective.phase.begun
