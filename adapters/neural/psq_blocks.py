"""The blocks that PSQ's encoder and decoder are made of.

All convolutions run over time; frequency is spread over the channels. Everything is causal and
``(batch, channels, frames)``.

Source:
    Brendel et al., arXiv:2405.08417, section III and table I. Sizes of kernels that the paper
    leaves open are chosen so that all eight figures of table II come out; the residual around
    `ConvBlock` and `Dpcrnn` is ours.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from codecbench.adapters.neural.layers.causal import (
    CausalConv1d,
    CausalConvTranspose1d,
    CausalGru,
)
from codecbench.adapters.neural.layers.channel_norm import ChannelNorm

SLOPE = 0.2
"""Negative slope of the leaky rectifier in `Tade`, as in StyleMelGAN (arXiv:2011.01557)."""


def _batch_norm(channels: int, *, used: bool) -> nn.Module:
    return nn.BatchNorm1d(channels, affine=False) if used else nn.Identity()


class ConvBlock(nn.Module):
    """GELU, a depthwise convolution over time, and a layer wider than the channels, around x."""

    def __init__(self, channels: int, kernel: int, wide: int, *, batch_norm: bool) -> None:
        """Make the layers.

        Args:
            channels: In and out.
            kernel: Taps of the depthwise convolution.
            wide: Channels between the two pointwise convolutions.
            batch_norm: Begin with batch normalisation, as the decoder does.
        """
        super().__init__()
        self.batch_norm = _batch_norm(channels, used=batch_norm)
        self.depthwise = CausalConv1d(channels, channels, kernel, groups=channels)
        self.norm = ChannelNorm(channels)
        self.widen = nn.Conv1d(channels, wide, 1)
        self.narrow = nn.Conv1d(wide, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the shape of `x`."""
        y = self.norm(self.depthwise(functional.gelu(self.batch_norm(x))))
        z: Tensor = self.narrow(functional.gelu(self.widen(y)))
        return x + z


class EncoderBlock(nn.Module):
    """A strided convolution and two `ConvBlock`."""

    def __init__(self, inputs: int, channels: int, kernel: int, stride: int) -> None:
        """Make the layers; `stride` is in time."""
        super().__init__()
        self.conv = CausalConv1d(inputs, channels, 2 * stride + 1, stride)
        self.blocks = nn.Sequential(
            ConvBlock(channels, kernel, 2 * channels, batch_norm=False),
            ConvBlock(channels, kernel, channels, batch_norm=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return ``(batch, channels, frames / stride)``."""
        y: Tensor = self.blocks(self.conv(x))
        return y


class Dpcrnn(nn.Module):
    """A recurrent unit between two pointwise convolutions, around x.

    Named after the dual-path recurrent network; here one path is left, that along time.
    """

    def __init__(self, channels: int, *, batch_norm: bool) -> None:
        """Make the layers."""
        super().__init__()
        self.before = nn.Sequential(
            _batch_norm(channels, used=batch_norm), nn.GELU(), nn.Conv1d(channels, channels, 1)
        )
        self.recurrent = nn.Sequential(
            _batch_norm(channels, used=batch_norm), nn.GELU(), CausalGru(channels)
        )
        self.after = nn.Sequential(
            _batch_norm(channels, used=batch_norm), nn.GELU(), nn.Conv1d(channels, channels, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the shape of `x`."""
        y: Tensor = self.after(self.recurrent(self.before(x)))
        return x + y


class Tade(nn.Module):
    """Temporal adaptive denormalisation: gain and offset of each value come from a condition."""

    def __init__(self, channels: int, condition: int, first_kernel: int, kernel: int) -> None:
        """Make the layers.

        Args:
            channels: Of the signal.
            condition: Channels of what conditions it.
            first_kernel: Taps of the convolution of the condition.
            kernel: Taps of the one that makes gain and offset.
        """
        super().__init__()
        self.norm = ChannelNorm(channels)
        self.condition = CausalConv1d(condition, channels, first_kernel)
        self.modulation = CausalConv1d(channels, 2 * channels, kernel)
        bias = self.modulation.bias
        assert bias is not None
        with torch.no_grad():
            bias[:channels] = 1.0  # an untrained layer passes the signal

    def forward(self, x: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Return the modulated signal and the hidden condition, both of the shape of `x`.

        Args:
            x: ``(batch, channels, frames)``.
            condition: ``(batch, condition, frames)``.
        """
        hidden = functional.leaky_relu_(self.condition(condition), SLOPE)
        gain, offset = self.modulation(hidden).chunk(2, dim=1)
        return torch.addcmul(offset, gain, self.norm(x)), hidden


class TadeResidualBlock(nn.Module):
    """Two gated convolutions, each after a `Tade`, around x; conditioned on an encoder block."""

    def __init__(self, channels: int, condition: int, kernel: int) -> None:
        """Make the layers."""
        super().__init__()
        self.first_tade = Tade(channels, condition, 1, kernel)
        self.first = CausalConv1d(channels, 2 * channels, kernel)
        self.second_tade = Tade(channels, channels, kernel, kernel)
        self.second = CausalConv1d(channels, 2 * channels, kernel, dilation=2)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """Return a tensor of the shape of `x`; the condition has as many frames."""
        y, hidden = self.first_tade(x, condition)
        y = _gate(self.first(y))
        y, _ = self.second_tade(y, hidden)
        return x + _gate(self.second(y))


def _gate(x: Tensor) -> Tensor:
    """Weigh the second half of the channels by the softmax of the first, as StyleMelGAN does."""
    weights, values = x.chunk(2, dim=1)
    return torch.softmax(weights, dim=1) * torch.tanh(values)


class DecoderBlock(nn.Module):
    """Two `ConvBlock`, a `Tade` with the quantised latent signal, a transposed convolution."""

    def __init__(
        self, channels: int, outputs: int, kernel: int, stride: int, *, condition: int
    ) -> None:
        """Make the layers.

        Args:
            channels: Of the input.
            outputs: Channels out.
            kernel: Taps of the blocks.
            stride: Factor of frames.
            condition: Channels of the latent signal; 0 leaves the styling out.
        """
        super().__init__()
        self.blocks = nn.Sequential(
            ConvBlock(channels, kernel, 2 * channels, batch_norm=True),
            ConvBlock(channels, kernel, channels, batch_norm=True),
        )
        self.tade = Tade(channels, condition, kernel, kernel) if condition else None
        self.conv = CausalConvTranspose1d(channels, outputs, 2 * stride, stride)

    def forward(self, x: Tensor, latent: Tensor) -> Tensor:
        """Return ``(batch, outputs, stride · frames)``; `latent` has as many frames as `x`."""
        y = self.blocks(x)
        if self.tade is not None:
            y, _ = self.tade(y, latent)
        z: Tensor = self.conv(y)
        return z
