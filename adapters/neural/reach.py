"""How far a chain of convolutions looks ahead, from kernels, strides and paddings alone."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Conv:
    """A convolution: output t sees inputs up to ``t·stride - padding + span``.

    Attributes:
        span: Distance from the first to the last tap, ``(kernel - 1)·dilation``.
        stride: Steps of input for each step of output.
        padding: Zeros on the left.
    """

    span: int
    stride: int = 1
    padding: int = 0

    def last_input(self, output: int) -> int:
        """Return the last input that an output depends on."""
        return output * self.stride - self.padding + self.span


@dataclass(frozen=True, slots=True)
class Transposed:
    """A transposed convolution: input i makes outputs from ``i·stride - padding`` on.

    Attributes:
        stride: Steps of output for each step of input.
        padding: Steps that are cut off on the left.
    """

    stride: int
    padding: int

    def last_input(self, output: int) -> int:
        """Return the last input that an output depends on."""
        return (output + self.padding) // self.stride


def same(*spans: int) -> Conv:
    """Return convolutions one after the other, each padded by half of its span on both sides."""
    return Conv(span=sum(spans), padding=sum(spans) // 2)


def lookahead_samples(layers: Sequence[Conv | Transposed], hop_length: int) -> int:
    """Return how many samples after the end of a frame its decoded samples depend on.

    Args:
        layers: From the input of the encoder to the output of the decoder; of parallel branches
            the longest.
        hop_length: Samples per frame, after which the pattern repeats.
    """
    worst = 0
    for output in range(hop_length):
        index = output
        for layer in reversed(layers):
            index = layer.last_input(index)
        worst = max(worst, index - output + 1)
    return worst - hop_length
