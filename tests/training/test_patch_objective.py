"""The patch codec's training: two stages, a codebook that starts from data, what is exported."""

import numpy as np
import pytest

from codecbench.adapters.registry import get_codec
from codecbench.core.audio import Audio
from codecbench.datasets.registry import get_dataset

torch = pytest.importorskip("torch")

from codecbench.core.checkpoint import save_checkpoint  # noqa: E402
from codecbench.training.audio_pool import AudioPool, Level  # noqa: E402
from codecbench.training.recipe import read_recipe  # noqa: E402
from codecbench.training.state_file import load_state, save_state  # noqa: E402

SMALL = (
    "patch:channels=8,blocks=1,latent=4,codebook_size=64,vocoder_channels=16,codebook_from=2,"
    "vae_steps=5,steps=9,warm_up_steps=1,vocoder_crop=2048,revive_every=2"
)


ADVERSARIAL = {
    "vae_adversarial_from": 0.8,
    "adversarial_from": 0.5,
    "period_channels": [4, 4, 4, 4, 4],
    "scale_channels": [16] * 7,
}


def make(**changes):
    torch.manual_seed(0)
    objective = read_recipe(SMALL, changes=changes).make(device="cpu")
    objective.train()
    return objective


@pytest.fixture(scope="module")
def batches(corpus):
    pool = AudioPool(get_dataset(str(corpus)).clips, 16000)
    draws = [pool.crops(count=2, length=4096, seed=0, step=s, level=Level()) for s in range(9)]
    return [torch.from_numpy(each) for each in draws]


def run(objective, batches, first, last):
    for step in range(first, last):
        torch.manual_seed(step)
        losses = objective.train_step(batches[step], step)
        assert all(np.isfinite(value) for value in losses.values()), step


def copy_of(module):
    return {key: value.clone() for key, value in module.state_dict().items()}


def changed(before, module):
    return {
        key for key, value in module.state_dict().items() if not torch.equal(value, before[key])
    }


def test_the_codebook_starts_from_vectors_of_the_first_steps(batches):
    objective = make()
    untouched = objective.model.vae.codebook.embedding.weight.clone()
    run(objective, batches, 0, 2)
    assert torch.equal(objective.model.vae.codebook.embedding.weight, untouched)
    # Two batches of 2 × 20 × 8 patches have been put aside.
    assert int(objective.start_vectors.seen) == 640
    run(objective, batches, 2, 3)
    words = objective.model.vae.codebook.embedding.weight
    near = torch.cdist(words, objective.start_vectors.filled()).min(dim=1).values
    spread = objective.start_vectors.filled().std()
    assert float(near.mean()) < float(spread)


def test_each_stage_trains_its_own_half(batches):
    objective = make()
    vocoder = copy_of(objective.model.vocoder)
    run(objective, batches, 0, 5)
    assert not changed(vocoder, objective.model.vocoder)
    vae = copy_of(objective.model.vae)
    run(objective, batches, 5, 7)
    assert not changed(vae, objective.model.vae)
    assert changed(vocoder, objective.model.vocoder)
    assert objective.marks == {"vocoder begins": 5}


def test_discriminators_join_late_in_each_stage(batches):
    objective = make(**ADVERSARIAL)
    trained = []
    names = ("patch_discriminator", "discriminator")
    for step in range(9):
        before = {name: copy_of(objective.networks[name]) for name in names}
        run(objective, batches, step, step + 1)
        trained.append([bool(changed(before[name], objective.networks[name])) for name in names])
    # Steps 0 to 4 are the first stage, 5 to 8 the second.
    assert [step for step, (first, _) in enumerate(trained) if first] == [4]
    assert [step for step, (_, second) in enumerate(trained) if second] == [7, 8]


@pytest.mark.parametrize(
    "stop", [pytest.param(1, marks=pytest.mark.slow), 4, pytest.param(7, marks=pytest.mark.slow)]
)
def test_every_stage_goes_on_exactly(batches, tmp_path, stop):
    whole = make(**ADVERSARIAL)
    run(whole, batches, 0, 9)
    first = make(**ADVERSARIAL)
    run(first, batches, 0, stop)
    save_state(tmp_path / "state", first.state())
    second = make(**ADVERSARIAL)
    second.load_state(load_state(tmp_path / "state"))
    run(second, batches, stop, 9)
    for name, network in whole.networks.items():
        assert not changed(copy_of(network), second.networks[name]), name


def test_without_a_vocoder_there_is_nothing_to_listen_to(batches):
    objective = make()
    run(objective, batches, 0, 4)
    objective.train(training=False)
    with torch.inference_mode():
        found = objective.reconstruct(batches[0][0, :3000], "")
    assert found.samples is None
    assert found.codes.shape == (20, 6)
    assert 0 < found.scores["mel_l1"] < 10


def test_the_adapter_decodes_what_validation_hears(batches, tmp_path):
    objective = make()
    run(objective, batches, 0, 8)
    exported = objective.export()
    save_checkpoint(tmp_path / "model.safetensors", exported.model, exported.config)
    codec = get_codec(f'patch:codebook_size=64,causal=true,checkpoint="{tmp_path}"')
    samples = batches[0][0, :3000]
    objective.train(training=False)
    with torch.inference_mode():
        mine = objective.reconstruct(samples, "")
    (point,) = codec.points
    encoded = codec.encode(Audio(samples.numpy(), 16000), point)
    assert np.array_equal(encoded.codes, mine.codes.numpy())
    assert codec.decode(encoded).samples == pytest.approx(mine.samples.numpy(), abs=1e-5)


def test_the_vae_learns_to_reconstruct(batches):
    objective = make()
    first = objective.train_step(batches[0], 0)["mel_l1"]
    for _ in range(60):
        last = objective.train_step(batches[0], 1)["mel_l1"]
    assert last < 0.6 * first
