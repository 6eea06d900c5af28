"""Parameters and multiply-accumulates of a neural codec, counted on the model as published."""

import re
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from codecbench.adapters.base import OperatingPoint
from codecbench.adapters.neural.neural_codec import NeuralCodec
from codecbench.core.dependency import require

CONVENTION = (
    "MACs: multiply-accumulates of convolutions, transposed convolutions, linear layers, "
    "attention, GRU, LSTM and the search in codebooks, per second of audio; no biases, norms, "
    "activations or Fourier transforms; zeros of padding count"
)
_ENCODER = re.compile(r"(\w+_)?encoder(_\w+)?")
_DECODER = re.compile(r"(\w+_)?(decoder|generator|vocoder)(_\w+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterCount:
    """Learnt numbers of a model.

    Attributes:
        total: All of them; codebooks kept as averages are no parameters.
        encoder: Of its encoder.
        decoder: Of its decoder.
    """

    total: int
    encoder: int
    decoder: int

    @property
    def other(self) -> int:
        """Of everything else: mostly quantisers."""
        return self.total - self.encoder - self.decoder


def count_parameters(codec: NeuralCodec) -> ParameterCount:
    """Count the parameters of a codec that was loaded with `NeuralCodec.load_plain`."""
    counts: Counter[str] = Counter()
    for name, value in codec.model.named_parameters():
        counts[part_of(name)] += value.numel()
    return ParameterCount(
        total=counts.total(), encoder=counts["encoder"], decoder=counts["decoder"]
    )


def part_of(name: str) -> str:
    """Return "encoder", "decoder" or "" for a parameter by the outermost name that tells."""
    for component in name.split("."):
        if _ENCODER.fullmatch(component):
            return "encoder"
        if _DECODER.fullmatch(component):
            return "decoder"
    return ""


def countable_length(codec: NeuralCodec, seconds: float) -> int:
    """Return the most samples within `seconds` that the codec takes without filling them up."""
    wanted = round(seconds * codec.info.sample_rate)
    for n_samples in range(wanted, 0, -1):
        if codec.padded_length(n_samples) == n_samples:
            return n_samples
    return codec.padded_length(wanted)


def count_macs(codec: NeuralCodec, point: OperatingPoint, n_samples: int) -> tuple[float, float]:
    """Count the multiply-accumulates of encoding and of decoding, per second of audio.

    Args:
        codec: Loaded with `NeuralCodec.load_plain`.
        point: Where the count depends on the rate.
        n_samples: Length of the signal that is coded; edges count in proportion.
    """
    torch = require("torch")
    signal = 0.1 * np.random.default_rng(0).standard_normal(n_samples).astype(np.float32)
    given = torch.from_numpy(signal).to(codec.device)[None]
    seconds = n_samples / codec.info.sample_rate
    with _counting() as encoding:
        codes = codec.model_codes(given, point)
    with _counting() as decoding:
        codec.model_samples(codes)
    return encoding.macs / seconds, decoding.macs / seconds


@dataclass(slots=True)
class _Count:
    macs: float = 0.0


@contextmanager
def _counting() -> Iterator[_Count]:
    """Count matrix products and convolutions, into which all counted layers are taken apart."""
    torch = require("torch")
    counter = require("torch.utils.flop_counter").FlopCounterMode(display=False)
    attention = require("torch.nn.attention")
    count = _Count()
    with warnings.catch_warnings():
        # Setting the flags speaks of a kind of accelerator that is not there.
        warnings.simplefilter("ignore", UserWarning)
        # oneDNN's LSTM and fused attention would hide their products.
        with (
            torch.no_grad(),
            torch.backends.mkldnn.flags(enabled=False),
            attention.sdpa_kernel(attention.SDPBackend.MATH),
            counter,
        ):
            yield count
    # The counter knows two operations, a product and a sum, for each.
    count.macs = counter.get_total_flops() / 2
