"""One step of ESC's training against the official code: parity/esc_train_step.json.

Weights by formula, input esc_base_1s.npz. The forward pass agrees to the last digits; gradients
pass through |v|^0.3 of a spectrum with values near zero, where float32 leaves two or three digits:
in float64 norms differ from the fixture's by up to 3.5 %, ours in float32 by 0.24 %.
"""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="not here: torch")

from codecbench.adapters.neural.esc_model import EscConfig, EscModel  # noqa: E402
from codecbench.training.esc_forward import run  # noqa: E402
from codecbench.training.losses.esc_distances import (  # noqa: E402
    EscMelDistance,
    compressed_distance,
)

SAMPLES = 15920


@pytest.fixture(scope="module")
def model(esc_weight: Callable[..., Any]) -> EscModel:
    made = EscModel(EscConfig(codebook_dims=(32, 32, 16, 12, 8, 6)))
    with torch.no_grad():
        for name, tensor in made.state_dict().items():
            value = esc_weight(name, tuple(tensor.shape)) if "masks" not in name else None
            if value is not None:
                tensor.copy_(torch.from_numpy(value))
    return made


@pytest.fixture(scope="module")
def stored(shared: Path) -> Any:
    return np.load(shared / "parity/esc_base_1s.npz")


@pytest.mark.parametrize(
    "case", ["s3", pytest.param("s6", marks=pytest.mark.slow), "pretrain_freeze"]
)
def test_losses_and_gradients_are_the_official_ones(
    shared: Path, model: EscModel, stored: Any, case: str
) -> None:
    wanted = json.loads((shared / "parity/esc_train_step.json").read_text())[case]
    samples = torch.from_numpy(stored["input"][:SAMPLES])[None]
    model.zero_grad(set_to_none=True)
    found = run(model, samples, wanted["num_streams"], look_up=not wanted["freeze_codebook"])
    mel = EscMelDistance()(found.samples, samples)
    stft = compressed_distance(found.spectrum, model.ft(samples)[..., : found.spectrum.shape[-1]])
    loss = 0.25 * found.commitment + found.codebook + 0.25 * mel + stft
    loss.backward()
    parts = {"loss": loss, "cm": found.commitment, "cb": found.codebook, "mel": mel, "stft": stft}
    for name, value in parts.items():
        assert float(value.detach()) == pytest.approx(wanted[name], rel=1e-6, abs=1e-9), name
    norms = {name: float(each.grad.norm()) for name, each in model.named_parameters()}
    total = math.sqrt(sum(norm**2 for norm in norms.values()))
    assert total == pytest.approx(wanted["total_grad_norm"], rel=1e-3)
    assert wanted["grad_none"] == []
    for name, norm in wanted["grad_l2"].items():
        assert norms[name] == pytest.approx(norm, rel=5e-3, abs=1e-6), name


def test_pre_training_decodes_what_the_official_code_does(model: EscModel, stored: Any) -> None:
    samples = torch.from_numpy(stored["input"])[None]
    with torch.no_grad():
        decoded = run(model, samples, 6, look_up=False).samples[0].numpy()
    assert np.abs(decoded - stored["wav_pretrain_freeze"]).max() < 1e-5


def test_training_decodes_what_coding_does(model: EscModel, stored: Any) -> None:
    samples = torch.from_numpy(stored["input"])[None]
    with torch.no_grad():
        decoded = run(model, samples, 3).samples[0].numpy()
    assert np.abs(decoded - stored["wav_s3"]).max() < 1e-5
