"""How a loaded network is run: without gradients, in full precision, with nothing left to fold."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from codecbench.core.dependency import require

if TYPE_CHECKING:
    from torch import nn


@contextmanager
def inference(device: str) -> Iterator[None]:
    """Run torch without gradients and, on a GPU, in full float32 with repeatable algorithms."""
    torch = require("torch")
    if device == "cpu":
        with torch.inference_mode():
            yield
        return
    # TF32 would keep ten bits of mantissa and change codes.
    with (
        torch.inference_mode(),
        torch.backends.cudnn.flags(
            enabled=True, benchmark=False, deterministic=True, allow_tf32=False
        ),
    ):
        yield


def fold_weight_norm(model: "nn.Module") -> None:
    """Replace each weight that is kept as direction and gain by their product, once for all."""
    torch = require("torch")
    parametrize = torch.nn.utils.parametrize
    for module in list(model.modules()):
        if parametrize.is_parametrized(module, "weight"):
            parametrize.remove_parametrizations(module, "weight", leave_parametrized=True)
