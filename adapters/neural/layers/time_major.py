"""Convolutions over time for coding on a CPU, with the channels of each step side by side.

PyTorch brings every input of a one-dimensional convolution into the order ``(channels, time)``,
and on one thread runs those of up to three taps by a matrix product that copies each input three
times. As two-dimensional ones of height 1 in the order ``(time, channels)`` they run at up to
seven times the speed (AMD EPYC, one thread, 32 to 256 channels), and what stands between
convolutions, element by element, keeps the order. Shapes stay ``(batch, channels, time)``.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from codecbench.adapters.neural.layers.causal import CausalConv1d, CausalConvTranspose1d


class TimeMajorConv1d(nn.Conv1d):
    """A convolution whose weights cannot be trained any more."""

    time_major: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """Return ``(batch, outputs, steps)`` of ``(batch, inputs, steps)``."""
        return _convolve(self, x, int(self.padding[0]))


class TimeMajorCausalConv1d(CausalConv1d):
    """The same, padded on both sides and cut on the right, so that nothing is copied."""

    time_major: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """Return one step for each S of `x`, ``(batch, channels, time)``."""
        return _convolve(self, x, self.left)[..., : -(-x.shape[-1] // self.stride[0])]


class TimeMajorConvTranspose1d(nn.ConvTranspose1d):
    """A transposed convolution whose weights cannot be trained any more."""

    time_major: Tensor

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Return ``(batch, outputs, steps)`` of ``(batch, inputs, steps)``."""
        del output_size
        return _convolve_transposed(self, x)


class TimeMajorCausalConvTranspose1d(CausalConvTranspose1d):
    """The same without its tail."""

    time_major: Tensor

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Return exactly ``stride`` samples for each step of `x`, ``(batch, channels, time)``."""
        del output_size
        return _convolve_transposed(self, x)[..., : x.shape[-1] * self.stride[0]]


class TimeMajorGroupNorm(nn.GroupNorm):
    """A group normalisation that leaves the order as it is."""

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the shape of `x`, ``(batch, channels, steps)``."""
        return super().forward(x[:, :, None])[:, :, 0]


def _convolve(layer: TimeMajorConv1d | TimeMajorCausalConv1d, x: Tensor, padding: int) -> Tensor:
    y: Tensor = torch.mkldnn_convolution(
        x[:, :, None],
        layer.time_major,
        layer.bias,
        (0, padding),
        (1, layer.stride[0]),
        (1, layer.dilation[0]),
        layer.groups,
    )
    return y[:, :, 0]


def _convolve_transposed(
    layer: TimeMajorConvTranspose1d | TimeMajorCausalConvTranspose1d, x: Tensor
) -> Tensor:
    y = functional.conv_transpose2d(
        x[:, :, None],
        layer.time_major,
        layer.bias,
        (1, layer.stride[0]),
        (0, int(layer.padding[0])),
        (0, layer.output_padding[0]),
        layer.groups,
        (1, layer.dilation[0]),
    )
    return y[:, :, 0]


_TWINS: dict[type[nn.Module], type[nn.Module]] = {
    nn.Conv1d: TimeMajorConv1d,
    nn.ConvTranspose1d: TimeMajorConvTranspose1d,
    CausalConv1d: TimeMajorCausalConv1d,
    CausalConvTranspose1d: TimeMajorCausalConvTranspose1d,
}


def make_time_major(model: nn.Module) -> None:
    """Let a model's convolutions over time, and group normalisation, work in this order.

    Layers keep their names, their weights, and what they are: each becomes an instance of a
    subclass. Those that pad with anything but zeros, or are not on a CPU where oneDNN computes
    convolutions, stay as they are.

    Args:
        model: In evaluation mode, weight norm folded.
    """
    for layer in model.modules():
        if type(layer) in _TWINS:
            assert isinstance(layer, nn.Conv1d | nn.ConvTranspose1d)  # all keys of the table are
            if _can_change(layer):
                _change(layer)
        elif type(layer) is nn.GroupNorm:
            layer.__class__ = TimeMajorGroupNorm


def _can_change(layer: nn.Conv1d | nn.ConvTranspose1d) -> bool:
    return (
        layer.padding_mode == "zeros"
        and isinstance(layer.padding, tuple)
        and layer.weight.device.type == "cpu"
        and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]  # torch has none
        and hasattr(torch, "mkldnn_convolution")
    )


def _change(layer: nn.Conv1d | nn.ConvTranspose1d) -> None:
    weight = layer.weight.detach()[:, :, None].contiguous(memory_format=torch.channels_last)
    if not isinstance(layer, CausalConv1d | CausalConvTranspose1d):
        # Streams, which causal layers are copied for, want the old order; others need one only.
        layer.weight = nn.Parameter(weight[:, :, 0], requires_grad=False)
    layer.register_buffer("time_major", weight, persistent=False)
    layer.__class__ = _TWINS[type(layer)]  # type: ignore[assignment]  # a subclass of its own
