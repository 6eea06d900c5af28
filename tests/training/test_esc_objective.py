"""ESC's recipe: phases, streams left out, exact resume, and a result that its adapter loads."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="not here: torch")

from codecbench.adapters.neural.esc_attention import window_plan  # noqa: E402
from codecbench.adapters.registry import get_codec  # noqa: E402
from codecbench.core.audio import Audio  # noqa: E402
from codecbench.core.checkpoint import save_checkpoint  # noqa: E402
from codecbench.training.esc_objective import EscObjective, EscSettings  # noqa: E402
from codecbench.training.recipe import read_recipe  # noqa: E402

TINY = EscSettings(
    learning_rate=2e-3,
    clip_norm=0.5,
    average_decay=0.9,
    widths=(8, 8, 8, 8, 12, 12),
    heads=(2, 2, 2, 2, 4),
    depth=2,
    codebook_dims=(6, 5, 4, 4, 3, 3),
    pretraining_steps=3,
    start_batches=2,
    revive_every=2,
    revive_below=0.01,
)
STEPS = 6


def made(settings: EscSettings = TINY) -> EscObjective:
    torch.manual_seed(0)
    objective = EscObjective(settings, steps=STEPS)
    objective.train()
    return objective


Go = Callable[..., list[dict[str, float]]]


@pytest.fixture(scope="session")
def go(noise_steps: Go) -> Go:
    return partial(noise_steps, n_samples=1600)


@pytest.fixture(scope="module")
def trained(go: Go) -> tuple[EscObjective, list[dict[str, float]]]:
    objective = made()
    return objective, go(objective, 0, STEPS)


def test_there_is_no_look_up_before_pre_training_ends(trained) -> None:
    losses = trained[1]
    assert [each["codebook"] == 0 for each in losses] == [True] * 3 + [False] * 3
    assert [each["streams"] for each in losses[:3]] == [6.0] * 3


def test_the_optimiser_starts_afresh_after_pre_training(go) -> None:
    objective = made()
    go(objective, 0, 3)
    before = objective.optimizers["model"]
    go(objective, 3, 4)
    assert objective.optimizers["model"] is not before
    counts = {int(each["step"]) for each in objective.optimizers["model"].state.values()}
    assert counts == {1}


def test_training_goes_on_beside_coding_in_one_process(go) -> None:
    # What coding lays out first, in inference mode, serves the gradients after it.
    window_plan.cache_clear()
    objective = made()
    with torch.inference_mode():
        objective.model.decode(objective.model.encode(torch.zeros(1, 1600)))
    go(objective, 0, 1)


# Before and after the change of phase.
@pytest.mark.parametrize("stop", [2, pytest.param(5, marks=pytest.mark.slow)])
def test_stopped_and_resumed_is_the_same_as_not_stopped(resumed_differs, go, stop: int) -> None:
    assert resumed_differs(made, go, stop) == ""


def test_fewer_streams_are_sent_as_often_as_the_recipe_says(go) -> None:
    objective = made(replace(TINY, pretraining_steps=0, start_batches=0))
    go(objective, 0, 1)
    torch.manual_seed(1)
    drawn = np.bincount([objective._draw_streams() for _ in range(4000)], minlength=7)[1:] / 4000
    # Each of six with 0.75 / 6, and all six besides with 0.25.
    assert drawn[:5] == pytest.approx([0.125] * 5, abs=0.02)
    assert drawn[5] == pytest.approx(0.375, abs=0.03)


def test_the_adapter_loads_a_narrow_model_and_codes_what_validation_did(
    trained, tmp_path: Path
) -> None:
    objective = trained[0]
    exported = objective.export()
    save_checkpoint(tmp_path / "model.safetensors", exported.model, exported.config)
    codec = get_codec(f"esc:checkpoint={tmp_path}")
    assert [point.nominal_bps for point in codec.points] == [1500.0 * n for n in range(1, 7)]
    samples = 0.3 * torch.sin(0.05 * torch.arange(1500.0))
    objective.train(training=False)
    for point in objective.points:
        with torch.no_grad():
            found = objective.reconstruct(samples, point)
        encoded = codec.encode(Audio(samples.numpy(), 16000), codec.point(point))
        assert np.array_equal(encoded.codes, found.codes.numpy())
        assert len(found.codebook_sizes) == len(found.codes)
        decoded = codec.decode(encoded).samples
        assert np.abs(decoded - found.samples.numpy()).max() < 1e-4
    objective.train()


def test_validation_has_no_codes_before_look_up(go) -> None:
    objective = made()
    go(objective, 0, 1)
    objective.train(training=False)
    with torch.no_grad():
        found = objective.reconstruct(torch.linspace(-0.3, 0.3, 1000), "6")
    assert found.codes is None
    assert found.samples.shape == (1000,)


def test_the_adversarial_variant_trains_its_discriminator_after_pre_training(go) -> None:
    settings = replace(
        TINY,
        adversarial_weight=1.0,
        feature_weight=2.0,
        mel_weight=15.0,
        stft_weight=0.0,
        pretraining_steps=1,
        period_channels=(2, 2, 2, 2, 2),
        band_channels=2,
    )
    objective = made(settings)
    before = [each.clone() for each in objective.discriminator.parameters()]
    first = go(objective, 0, 1)[0]
    assert "discriminator" not in first
    assert all(
        torch.equal(one, other)
        for one, other in zip(before, objective.discriminator.parameters(), strict=True)
    )
    second = go(objective, 1, 2)[0]
    assert second["features"] > 0
    assert not all(
        torch.equal(one, other)
        for one, other in zip(before, objective.discriminator.parameters(), strict=True)
    )


@pytest.mark.slow
def test_bfloat16_trains_too(go) -> None:
    losses = go(made(replace(TINY, bfloat16=True)), 0, STEPS)
    assert all(np.isfinite(each["loss"]) for each in losses)


def test_the_papers_settings_are_the_papers() -> None:
    """codecs/esc.md, section 9, and its table of configurations."""
    paper = read_recipe("esc", scale="paper")
    assert (paper.training.steps, paper.training.batch, paper.training.crop_s) == (400_000, 36, 3)
    settings = paper.settings
    assert isinstance(settings, EscSettings)
    assert settings.pretraining_steps == 75_000
    assert settings.codebook_dims == (32, 32, 16, 12, 8, 6)
    assert (settings.learning_rate, settings.clip_norm) == (1e-4, 0.5)
    assert (settings.mel_weight, settings.stft_weight, settings.dropout_rate) == (0.25, 1.0, 0.75)
    model = EscObjective(replace(settings, average_decay=0.0), steps=1).model
    assert sum(each.numel() for each in model.parameters()) == 8_736_581
    adversarial = read_recipe("esc-adv", scale="paper").settings
    assert isinstance(adversarial, EscSettings)
    assert (adversarial.mel_weight, adversarial.stft_weight) == (15.0, 0.0)
    assert (adversarial.adversarial_weight, adversarial.feature_weight) == (1.0, 2.0)


@pytest.mark.soak
def test_four_clips_are_learnt_by_heart(learn_by_heart) -> None:
    """With look-up, which has begun long before the end."""
    settings = replace(
        TINY,
        learning_rate=4e-3,
        widths=(12, 16, 16, 24, 32, 48),
        codebook_dims=(8,) * 6,
        pretraining_steps=20,
        dropout_rate=0.0,
        start_batches=8,
    )
    objective = made(settings)
    first, last = learn_by_heart(objective, 80)
    assert last < 0.65 * first
    assert objective.looks_up
