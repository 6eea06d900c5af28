"""HiFi-GAN's parts: residual blocks of many receptive fields, and the generator made of them.

Used by HiFi-Codec's encoder and decoder and by the vocoder of the Spectrogram Patch Codec. Names of
parameters are those of HiFi-GAN's checkpoints (`conv_pre`, `ups`, `resblocks.<i>.convs1.<j>`,
`conv_post`), weight norm included (`weight_g`, `weight_v`); fold it before coding.

Source:
    Kong, Kim & Bae, "HiFi-GAN", NeurIPS 2020, arXiv:2010.05646, section 2 and appendix A.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import weight_norm

from codecbench.adapters.neural.layers.causal import CausalConv1d, CausalConvTranspose1d

SLOPE = 0.1
"""Negative slope of the leaky rectifiers. Source: HiFi-GAN, appendix A.2."""

Convolution = TypeVar("Convolution", nn.Conv1d, nn.ConvTranspose1d)


def with_weight_norm(layer: Convolution) -> Convolution:
    """Give a convolution weight norm over all dimensions but the first, w = g v / ‖v‖.

    For a transposed convolution the first dimension is that of its inputs. A checkpoint with the
    older names ``weight_g`` and ``weight_v`` loads as it is.
    """
    weight_norm(layer, dim=0)
    return layer


def same_conv(
    inputs: int, outputs: int, kernel: int, *, dilation: int = 1, causal: bool = False
) -> nn.Conv1d:
    """Make a convolution of stride 1 with weight norm that keeps the length.

    Args:
        inputs: Channels in.
        outputs: Channels out.
        kernel: Odd number of taps.
        dilation: Distance between taps, in steps.
        causal: Put all padding on the left, not half on each side.
    """
    if causal:
        return with_weight_norm(CausalConv1d(inputs, outputs, kernel, dilation=dilation))
    padding = dilation * (kernel - 1) // 2
    return with_weight_norm(nn.Conv1d(inputs, outputs, kernel, dilation=dilation, padding=padding))


def upsampling_conv(
    inputs: int, outputs: int, kernel: int, *, stride: int, causal: bool = False
) -> nn.ConvTranspose1d:
    """Make a transposed convolution with weight norm that multiplies the length by `stride`.

    That holds where ``kernel - stride`` is even, or with `causal`.
    """
    if causal:
        return with_weight_norm(CausalConvTranspose1d(inputs, outputs, kernel, stride))
    padding = (kernel - stride) // 2
    return with_weight_norm(nn.ConvTranspose1d(inputs, outputs, kernel, stride, padding))


class ResidualBlock(nn.Module):
    """Three pairs of convolutions, the first of each pair dilated, with a residual around each.

    HiFi-GAN's "ResBlock1": for each dilation d, x ← x + conv₁(σ(conv_d(σ(x)))) with σ a leaky
    rectifier of slope 0.1.
    """

    def __init__(
        self,
        channels: int,
        kernel: int,
        *,
        dilations: Sequence[int] = (1, 3, 5),
        causal: bool = False,
    ) -> None:
        """Make the layers.

        Args:
            channels: Of input, output and everything between.
            kernel: Odd number of taps of all convolutions.
            dilations: One pair of convolutions for each.
            causal: See no later sample.
        """
        super().__init__()
        self.convs1 = nn.ModuleList(
            same_conv(channels, channels, kernel, dilation=dilation, causal=causal)
            for dilation in dilations
        )
        self.convs2 = nn.ModuleList(
            same_conv(channels, channels, kernel, causal=causal) for _ in dilations
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the shape of `x`, ``(batch, channels, time)``; `x` stays as it is."""
        for dilated, plain in zip(self.convs1, self.convs2, strict=True):
            # In place only on what a convolution has just made: gradients stay right.
            inner = functional.leaky_relu_(dilated(functional.leaky_relu(x, SLOPE)), SLOPE)
            x = plain(inner).add_(x)
        return x


class HifiGanGenerator(nn.Module):
    """From frames of features to a waveform: upsampling, each time followed by mixed blocks.

    Attributes:
        hop_length: Samples that each frame becomes.
    """

    def __init__(
        self,
        inputs: int,
        *,
        channels: int = 512,
        upsample_rates: Sequence[int],
        upsample_kernels: Sequence[int],
        block_kernels: Sequence[int] = (3, 7, 11),
        dilations: Sequence[int] = (1, 3, 5),
        causal: bool = False,
    ) -> None:
        """Make the layers; the defaults are HiFi-GAN's V1.

        Args:
            inputs: Channels of the features.
            channels: After the first convolution; each upsampling halves them.
            upsample_rates: Factor of each upsampling.
            upsample_kernels: Taps of each upsampling.
            block_kernels: Taps of the residual blocks whose mean follows each upsampling.
            dilations: Of each residual block.
            causal: Let no sample depend on later frames.
        """
        super().__init__()
        self.hop_length = 1
        widths = [channels // 2**i for i in range(len(upsample_rates) + 1)]
        self.conv_pre = same_conv(inputs, channels, 7, causal=causal)
        self.ups = nn.ModuleList()
        self.resblocks = nn.ModuleList()
        for (wide, narrow), rate, kernel in zip(
            pairwise(widths), upsample_rates, upsample_kernels, strict=True
        ):
            self.hop_length *= rate
            self.ups.append(upsampling_conv(wide, narrow, kernel, stride=rate, causal=causal))
            self.resblocks.extend(
                ResidualBlock(narrow, taps, dilations=dilations, causal=causal)
                for taps in block_kernels
            )
        self.conv_post = same_conv(widths[-1], 1, 7, causal=causal)

    def forward(self, features: Tensor) -> Tensor:
        """Return a waveform in [-1, 1], ``(batch, 1, frames · hop_length)``.

        Args:
            features: ``(batch, inputs, frames)``.
        """
        x = self.conv_pre(features)
        fields = len(self.resblocks) // len(self.ups)
        for stage, up in enumerate(self.ups):
            x = up(functional.leaky_relu_(x, SLOPE))
            blocks = self.resblocks[stage * fields : (stage + 1) * fields]
            mixed = blocks[0](x)
            for block in blocks[1:]:
                mixed = mixed.add_(block(x))
            x = mixed.div_(fields)
        return torch.tanh_(self.conv_post(functional.leaky_relu_(x, SLOPE)))
