"""Operations as the package thop counts them, since papers quote such numbers.

They are not comparable with those of `operation_count`: a transposed convolution counts as if each
of its outputs had all taps, which is too much by about its stride; what is not a module of torch
(the search in codebooks, attention) counts as nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from codecbench.adapters.base import OperatingPoint
from codecbench.adapters.neural.neural_codec import NeuralCodec
from codecbench.core.dependency import require

if TYPE_CHECKING:
    from torch import Tensor, nn

CONVENTION = (
    "as thop: transposed convolutions count all taps for each output, codebooks and attention "
    "count nothing; for comparison with papers that used it"
)


def count_macs_as_thop(
    codec: NeuralCodec, point: OperatingPoint, n_samples: int
) -> tuple[float, float]:
    """Count what thop would for encoding and for decoding, per second of audio.

    Args:
        codec: Loaded with `NeuralCodec.load_plain`.
        point: Where the count depends on the rate.
        n_samples: Length of the signal that is coded.
    """
    torch = require("torch")
    signal = 0.1 * np.random.default_rng(0).standard_normal(n_samples).astype(np.float32)
    given = torch.from_numpy(signal).to(codec.device)[None]
    seconds = n_samples / codec.info.sample_rate
    with torch.no_grad(), _hooked(codec.model) as counts:
        codes = codec.model_codes(given, point)
        encode = sum(counts)
        codec.model_samples(codes)
        decode = sum(counts) - encode
    return encode / seconds, decode / seconds


@contextmanager
def _hooked(model: "nn.Module") -> Iterator[list[int]]:
    counts: list[int] = []

    # Any: what modules are given and return is theirs.
    def hook(module: "nn.Module", inputs: Any, output: Any) -> None:  # noqa: ANN401
        counts.append(_operations(module, inputs, output))

    handles = [module.register_forward_hook(hook) for module in model.modules()]
    try:
        yield counts
    finally:
        for handle in handles:
            handle.remove()


def _operations(module: "nn.Module", inputs: Any, output: Any) -> int:  # noqa: ANN401
    nn = require("torch.nn")
    if isinstance(module, nn.modules.conv._ConvNd):
        taps = prod(module.kernel_size) * module.in_channels // module.groups
        return int(output.numel() * taps)
    if isinstance(module, nn.Linear):
        return int(output.numel() * module.in_features)
    if isinstance(module, nn.LSTM | nn.GRU):
        return _recurrent(module, inputs[0])
    return 0


def _recurrent(module: "nn.RNNBase", given: "Tensor") -> int:
    gates = 4 if type(module).__name__ == "LSTM" else 3
    hidden = module.hidden_size
    directions = 2 if module.bidirectional else 1
    steps = given.numel() // module.input_size
    total = 0
    for layer in range(module.num_layers):
        inputs = module.input_size if layer == 0 else directions * hidden
        # thop counts the two biases of each gate too.
        total += directions * gates * hidden * (inputs + hidden + 2 * module.bias)
    return steps * total
