"""Discriminators against the official code on weights by formula.

Fixtures: parity/discriminators.json, made by the official code of AcademiCodec, DAC and MelGAN;
FORMULA.md, section on discriminators. HiFi-GAN's two have no fixture: their numbers of parameters
are those of codecs/hificodec.md, section 8.
"""

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch", reason="not here: torch")

from codecbench.core.checkpoint import load_tensors, plain_name  # noqa: E402
from codecbench.training.discriminators.dac import DacDiscriminator  # noqa: E402
from codecbench.training.discriminators.melgan import (  # noqa: E402
    melgan_ensemble,
    melgan_multi_scale,
)
from codecbench.training.discriminators.multi_scale_stft import multi_scale_stft  # noqa: E402
from codecbench.training.discriminators.patch import PatchDiscriminator  # noqa: E402
from codecbench.training.discriminators.period import multi_period  # noqa: E402
from codecbench.training.discriminators.scale import multi_scale  # noqa: E402

Draw = Callable[..., NDArray[np.float32]]
NARROW = {"norm": "none", "slope": 0.2}
SETS: dict[str, Callable[[], Any]] = {
    "acad_mpd": lambda: multi_period(channels=(32,) * 5, **NARROW),
    "acad_msd": lambda: multi_scale(channels=(32,) * 7, norms=("none",) * 3, slope=0.2),
    "msstft5": lambda: multi_scale_stft(),
    "msstft3": lambda: multi_scale_stft((1024, 2048, 512)),
    "dac": lambda: DacDiscriminator(),
    "melgan": lambda: melgan_multi_scale(),
}
FEW = 1e-5
"""What the fixtures' six or seven digits and float32 allow."""


def our_name(official: str) -> str:
    """Translate the name of a parameter."""
    name = re.sub(
        r"model\.disc_(\d+)\.model\.layer_(\d+)(\.[01])?\.",
        r"discriminators.\1.convs.\2.",
        official,
    )
    name = name.replace("convs.6.", "post.") if official.startswith("model.") else name
    name = name.replace("conv_post.", "post.").replace(".conv.", ".")
    name = re.sub(r"band_convs\.(\d+)\.(\d+)\.0\.", r"band_convs.\1.\2.", name)
    return re.sub(r"^(discriminators\.\d+\.convs\.\d+)\.0\.", r"\1.", name)


def dac_name(name: str) -> str:
    """Ours has the periods in a discriminator of their own."""
    index, rest = re.fullmatch(r"discriminators\.(\d)\.(.*)", name).groups()
    if int(index) < 5:
        return f"discriminators.0.discriminators.{index}.{rest}"
    return f"discriminators.{int(index) - 4}.{rest}"


def made(name: str, shapes: dict[str, list[int]], normal: Draw) -> Any:
    """Make a discriminator with weights by formula."""
    discriminator = SETS[name]()
    tensors = {}
    for key, shape in shapes.items():
        if key.endswith(".window"):
            continue
        value = normal(f"{name}.{key}", tuple(shape))
        if key.endswith("weight_g"):
            value = np.abs(np.float32(1) + np.float32(0.1) * value)
        elif key.endswith("bias"):
            value = np.float32(0.02) * value
        else:
            value = value * np.float32(1 / math.sqrt(math.prod(shape[1:])))
        ours = our_name(key)
        tensors[dac_name(ours) if name == "dac" else ours] = torch.from_numpy(value)
    load_tensors(discriminator, tensors, what=name)
    return discriminator.eval()


@pytest.mark.parametrize(
    "name",
    [
        "acad_mpd",
        "acad_msd",
        "msstft3",
        "msstft5",
        "melgan",
        pytest.param("dac", marks=pytest.mark.slow),
    ],
)
def test_features_are_those_of_the_official_code(
    shared: Path, normal: Draw, recipe: Draw, name: str
) -> None:
    wanted = json.loads((shared / "parity/discriminators.json").read_text())[name]
    shapes = json.loads((shared / "parity/discriminators.statedict.json").read_text())[name]
    discriminator = made(name, shapes, normal)
    assert sum(each.numel() for each in discriminator.parameters()) == wanted["params"]
    with torch.no_grad():
        verdicts = discriminator(torch.from_numpy(recipe("input", 4100))[None])
    assert len(verdicts) == len(wanted["subs"])
    for verdict, sub in zip(verdicts, wanted["subs"], strict=True):
        # Logits are the last of the official maps, but for STFT discriminators.
        apart = len(sub["fmaps"]) == len(verdict.features)
        maps = verdict.features if apart else [*verdict.features, verdict.logits]
        shapes_and_numbers = sub["fmaps"]
        if sub.get("logits"):
            maps = [*maps, verdict.logits.reshape(sub["logits"][0])]
            shapes_and_numbers = [*shapes_and_numbers, sub["logits"]]
        for found, (shape, mean, deviation, first) in zip(maps, shapes_and_numbers, strict=True):
            assert list(found.shape) == shape
            assert float(found.mean()) == pytest.approx(mean, abs=FEW)
            assert float(found.std()) == pytest.approx(deviation, abs=FEW)
            assert found.flatten()[:4].tolist() == pytest.approx(first, abs=FEW)


def test_hifigans_discriminators_have_the_official_numbers_of_parameters() -> None:
    with torch.device("meta"):  # nothing but shapes
        assert count(multi_period()) == 41_105_770
        assert count(multi_scale()) == 29_618_821


def count(discriminator: Any) -> int:
    return sum(each.numel() for each in discriminator.parameters())


@pytest.mark.parametrize("length", [4096, 4100, 8191])
def test_periods_pad_only_what_is_missing_unless_they_are_dacs(length: int) -> None:
    signal = torch.linspace(-1, 1, length)[None]
    for always in (False, True):
        for period, verdict in zip(
            (2, 3),
            multi_period((2, 3), channels=(4, 4, 4, 4, 4), always_pad=always)(signal),
            strict=True,
        ):
            rows = length // period + 1 if always else -(-length // period)
            assert verdict.features[0].shape[2:] == (-(-rows // 3), period)


def test_psqs_members_differ_in_their_weights_and_see_the_full_rate() -> None:
    verdicts = melgan_ensemble(width=4, widest=64)(torch.linspace(-1, 1, 4096)[None])
    assert len(verdicts) == 3
    assert {tuple(each.features[0].shape) for each in verdicts} == {(1, 4, 4096)}
    assert not torch.equal(verdicts[0].logits, verdicts[1].logits)


def test_patches_halve_both_sides_at_each_layer() -> None:
    verdict = PatchDiscriminator()(torch.zeros(2, 80, 64))[0]
    assert [tuple(each.shape) for each in verdict.features] == [
        (2, 64, 40, 32),
        (2, 128, 20, 16),
        (2, 256, 10, 8),
    ]
    assert verdict.logits.shape == (2, 1, 9, 7)


def test_the_first_scale_of_hifigan_has_spectral_norm() -> None:
    names = {plain_name(key) for key in multi_scale(channels=(16,) * 7).state_dict()}
    assert any(key.startswith("discriminators.0.convs.0.") and "_u" in key for key in names)
    assert "discriminators.1.convs.0.weight_g" in names
