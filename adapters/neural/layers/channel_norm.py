"""Normalisation over channels at each place by itself, which is causal whatever the axes mean."""

import torch
from torch import Tensor, nn

EPSILON = 1e-5


class ChannelNorm(nn.Module):
    """Give the channels of each place zero mean and unit variance.

    Unlike instance normalisation it looks at no other time. Statistics are over the second axis
    of ``(batch, channels, ...)``.
    """

    def __init__(self, channels: int, *, affine: bool = False) -> None:
        """Say how many channels there are.

        Args:
            channels: Of the input.
            affine: Learn a gain and an offset for each channel.
        """
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels)) if affine else None
        self.bias = nn.Parameter(torch.zeros(channels)) if affine else None

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the shape of `x`."""
        # On a CPU torch.var_mean over the second axis takes five to fourteen times as long.
        deviation = x - x.mean(dim=1, keepdim=True)
        variance = deviation.square().mean(dim=1, keepdim=True)
        y = deviation * torch.rsqrt(variance + EPSILON)
        if self.weight is None or self.bias is None:
            return y
        shape = (-1, *(1,) * (x.ndim - 2))
        return torch.addcmul(self.bias.view(shape), y, self.weight.view(shape))
