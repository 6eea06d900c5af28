"""PSQ's training: what is exported is what was validated, modes, warm start, and that it learns."""

import numpy as np
import pytest

from codecbench.adapters.registry import get_codec
from codecbench.core.audio import Audio
from codecbench.core.errors import ConfigError
from codecbench.datasets.registry import get_dataset

torch = pytest.importorskip("torch")

from codecbench.core.checkpoint import read_checkpoint, save_checkpoint  # noqa: E402
from codecbench.training.audio_pool import AudioPool, Level  # noqa: E402
from codecbench.training.recipe import read_recipe  # noqa: E402


def make(text="psq:bitrate=1500", **changes):
    torch.manual_seed(0)
    objective = read_recipe(text, changes={"warm_up_steps": 1, **changes}).make(device="cpu")
    objective.train()
    return objective


@pytest.fixture(scope="module")
def batch(corpus):
    pool = AudioPool(get_dataset(str(corpus)).clips, 16000)
    return torch.from_numpy(pool.crops(count=2, length=3200, seed=0, step=0, level=Level()))


@pytest.mark.parametrize(
    ("recipe", "spec"),
    [
        ("psq:bitrate=1500", "psq:bitrate=1500"),
        ("psq:bitrate=3000,mode=straight_through", "psq:bitrate=3000"),
        ("psq:bitrate=1500,mode=vq,levels=1024", "psq:bitrate=1500,quantizer=rvq"),
    ],
)
def test_the_adapter_decodes_what_validation_hears(batch, tmp_path, recipe, spec):
    objective = make(recipe, average_decay=0.5)
    for step in range(3):
        losses = objective.train_step(batch, step)
        assert all(np.isfinite(value) for value in losses.values())
    exported = objective.export()
    save_checkpoint(tmp_path / "model.safetensors", exported.model, exported.config)
    codec = get_codec(f'{spec},checkpoint="{tmp_path}"')
    samples = batch[0, :3001]
    objective.train(training=False)
    with torch.inference_mode():
        mine = objective.reconstruct(samples, "")
    (point,) = codec.points
    encoded = codec.encode(Audio(samples.numpy(), 16000), point)
    assert np.array_equal(encoded.codes, mine.codes.numpy())
    decoded = codec.decode(encoded).samples
    assert mine.samples.shape == (3001,)
    assert decoded == pytest.approx(np.clip(mine.samples.numpy(), -1, 1), abs=1e-5)


def test_noise_gives_way_to_rounding(batch):
    objective = make(steps=10, hard_from=0.5)
    objective.train_step(batch, 4)
    assert objective.model.quantizer.mode == "noise"
    objective.train_step(batch, 5)
    assert objective.model.quantizer.mode == "straight_through"


def test_discriminators_join_late(batch):
    """Phase 1 without them, phase 2 with the weights 1, 1 and 10 (arXiv:2405.08417, III-C)."""
    objective = make(
        steps=4, adversarial_from=0.5, discriminator_width=4, discriminator_widest=16, mel_weight=0
    )
    assert objective.marks == {"discriminators": 2}
    before = [each.clone() for each in objective.discriminator.parameters()]
    for step in range(2):
        assert "adversarial" not in objective.train_step(batch, step)
    assert all(map(torch.equal, before, objective.discriminator.parameters()))
    losses = objective.train_step(batch, 2)
    assert not any(map(torch.equal, before, objective.discriminator.parameters()))
    spectral = losses["convergence"] + losses["log_magnitude"]
    settings = objective.settings
    spectral += settings.mel_weight * losses["mel"] + settings.loud_weight * losses["loud"]
    assert losses["loss"] == pytest.approx(
        spectral + losses["adversarial"] + 10 * losses["features"], rel=1e-5
    )


def test_the_first_steps_lower_the_loss(batch):
    objective = make(batch=2)
    losses = [objective.train_step(batch, step)["loss"] for step in range(12)]
    assert losses[-1] < 0.9 * losses[0]


def test_another_bit_rate_gives_all_but_the_quantiser(batch, tmp_path):
    source = make("psq:bitrate=3000")
    source.train_step(batch, 0)
    exported = source.export()
    save_checkpoint(tmp_path / "model.safetensors", exported.model, exported.config)
    checkpoint = read_checkpoint(tmp_path / "model.safetensors")
    objective = make("psq:bitrate=1500")
    before = {key: value.clone() for key, value in objective.model.state_dict().items()}
    objective.start_from(checkpoint.tensors, checkpoint.config)
    for key, value in objective.model.state_dict().items():
        if key.startswith("quantizer.") and value.shape != checkpoint.tensors[key].shape:
            assert torch.equal(value, before[key]), key
        else:
            assert torch.equal(value, checkpoint.tensors[key].to(value.dtype)), key
    assert torch.equal(
        objective.networks["average"].model.encoder.blocks[0].conv.weight,
        objective.model.encoder.blocks[0].conv.weight,
    )


def test_a_bit_rate_that_levels_do_not_fit_is_refused():
    with pytest.raises(ConfigError, match="bitrate=1550"):
        make("psq:bitrate=1550")


def test_half_precision_takes_a_step_with_finite_losses(batch):
    """What a GPU does; here on the processor, which knows bfloat16 too."""
    objective = make()
    objective.bfloat16 = True
    losses = objective.train_step(batch, 0)
    plain = make().train_step(batch, 0)
    assert losses["loss"] == pytest.approx(plain["loss"], rel=0.05)


@pytest.mark.slow
def test_it_overfits_four_clips(make_corpus):
    """Four crops, always the same: the spectra must come close to what is asked for."""
    clips = get_dataset(str(make_corpus(4))).clips
    pool = AudioPool(clips, 16000)
    batch = torch.from_numpy(pool.crops(count=4, length=4800, seed=0, step=0, level=Level()))
    recipe = read_recipe("psq:average_decay=0.9,warm_up_steps=20,schedule=constant")
    torch.manual_seed(0)
    objective = recipe.make(device="cpu")
    objective.train()
    losses = [objective.train_step(batch, step) for step in range(100)]
    assert losses[-1]["mel"] < 0.35 * losses[0]["mel"]
    assert losses[-1]["convergence"] < 0.7 * losses[0]["convergence"]
