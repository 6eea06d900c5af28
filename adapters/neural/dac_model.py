"""DAC's network: transformers' DacModel, its official names, and a faster activation.

Source:
    https://github.com/descriptinc/descript-audio-codec, version 1.0.0, for the names.
"""

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from transformers import DacConfig, DacModel

_RESIDUAL = ("snake1", "conv1", "snake2", "conv2")
_ENCODER_BLOCK = ("res_unit1", "res_unit2", "res_unit3", "snake1", "conv1")
_DECODER_BLOCK = ("snake1", "conv_t1", "res_unit1", "res_unit2", "res_unit3")
_INDEX = re.compile(r"\.(?:block|model)\.(\d+)")


def make_dac(config: Mapping[str, Any]) -> DacModel:
    """Make a DAC with weight norm, as the official one has it.

    Args:
        config: Arguments of DacConfig.
    """
    model = DacModel(DacConfig(**config))
    model.apply_weight_norm()  # type: ignore[no-untyped-call]  # transformers' own
    return model


def official_to_transformers(name: str, *, stages: int) -> str:
    """Translate the official name of a tensor; a name that is none comes back as it is.

    Args:
        name: Such as ``encoder.block.1.block.0.block.1.weight_g``.
        stages: Down- and upsampling stages.
    """
    side, _, _ = name.partition(".")
    indices = [int(index) for index in _INDEX.findall(name)]
    leaf = name.rpartition(".")[2]
    if side not in ("encoder", "decoder") or not indices:
        return name
    first, inner = indices[0], indices[1:]
    ends = {0: "conv1", stages + 1: "snake1", stages + 2: "conv2"}
    if first in ends:
        return f"{side}.{ends[first]}.{leaf}"
    parts = _ENCODER_BLOCK if side == "encoder" else _DECODER_BLOCK
    steps = [side, "block", str(first - 1)]
    for index, names in zip(inner, (parts, _RESIDUAL), strict=False):
        if index >= len(names):
            return name
        steps.append(names[index])
    return ".".join([*steps, leaf])


class InPlaceSnake(nn.Module):
    """x + sin²(αx) / (α + 1e-9) in two arrays less than transformers' Snake1d."""

    alpha: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the shape of `x`, ``(batch, channels, time)``."""
        wave = torch.mul(x, self.alpha)
        return torch.addcmul(x, wave.sin_().square_(), (self.alpha + 1e-9).reciprocal())


def speed_up(model: nn.Module) -> None:
    """Let the Snake activations work in place; values differ by rounding alone."""
    for module in model.modules():
        if type(module).__name__ == "Snake1d":
            # Another class, not another method: a bound method would keep the model alive.
            module.__class__ = InPlaceSnake
