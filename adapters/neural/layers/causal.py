"""Causal layers: convolutions and a recurrent unit that see no later step, and their streams."""

import torch
from torch import Tensor, nn
from torch.nn import functional

_FEW_STEPS = 4
"""Up to so many output steps a matrix product is faster than the library's convolution, which
first brings all weights into an order of its own."""


class Memory:
    """The last steps of what a layer was given, along the last axis; zeros at first."""

    def __init__(self, steps: int) -> None:
        """Say how many steps are kept."""
        self.steps = steps
        self.kept: Tensor | None = None

    def extend(self, x: Tensor) -> Tensor:
        """Return `x` with the kept steps before it, and keep its last ones."""
        if self.steps == 0:
            return x
        if self.kept is None:
            self.kept = x.new_zeros((*x.shape[:-1], self.steps))
        joined = torch.cat([self.kept, x], dim=-1)
        self.kept = joined[..., -self.steps :].clone()
        return joined


class CausalConv1d(nn.Conv1d):
    """A convolution whose zeros all stand on the left.

    With stride S, step n sees the input up to step ``S n + S - 1``: nothing beyond the block of
    input that it stands for.
    """

    @property
    def left(self) -> int:
        """Steps of the past that the first output needs."""
        return (self.kernel_size[0] - 1) * self.dilation[0] - (self.stride[0] - 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return one step for each S of `x`, ``(batch, channels, time)``."""
        return super().forward(functional.pad(x, (self.left, 0)) if self.left else x)

    def stream(self) -> nn.Module:
        """Return the twin for a stream; see `streaming_copy`."""
        return _StreamingConv1d(self)


class _StreamingConv1d(nn.Module):
    def __init__(self, layer: CausalConv1d) -> None:
        super().__init__()
        self.layer = layer
        self.memory = Memory(layer.left)

    def forward(self, x: Tensor) -> Tensor:
        layer = self.layer
        simple = layer.groups == 1 or layer.groups == layer.in_channels == layer.out_channels
        if simple and x.shape[-1] <= _FEW_STEPS * layer.stride[0]:
            return self._product(self.memory.extend(x))
        return functional.conv1d(
            self.memory.extend(x),
            layer.weight,
            layer.bias,
            layer.stride,
            0,
            layer.dilation,
            layer.groups,
        )

    def _product(self, x: Tensor) -> Tensor:
        """Convolve, over all channels or each by itself, as one product."""
        layer = self.layer
        span = (layer.kernel_size[0] - 1) * layer.dilation[0] + 1
        taps = x.unfold(-1, span, layer.stride[0])[..., :: layer.dilation[0]]
        if layer.groups > 1:
            z = (taps * layer.weight).sum(dim=-1)
            return z if layer.bias is None else z + layer.bias[:, None]
        columns = taps.transpose(1, 2).flatten(2)
        y: Tensor = functional.linear(columns, layer.weight.flatten(1), layer.bias)
        return y.transpose(1, 2)


class CausalConvTranspose1d(nn.ConvTranspose1d):
    """A transposed convolution without its tail: step t makes only samples from ``stride·t`` on."""

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Return exactly ``stride`` samples for each step of `x`, ``(batch, channels, time)``."""
        return super().forward(x, output_size)[..., : x.shape[-1] * self.stride[0]]

    def stream(self) -> nn.Module:
        """Return the twin for a stream; see `streaming_copy`."""
        return _StreamingConvTranspose1d(self)


class _StreamingConvTranspose1d(nn.Module):
    def __init__(self, layer: CausalConvTranspose1d) -> None:
        super().__init__()
        self.layer = layer
        # Earlier steps whose kernel reaches into the present.
        self.memory = Memory(-(-layer.kernel_size[0] // layer.stride[0]) - 1)

    def forward(self, x: Tensor) -> Tensor:
        first = self.memory.steps * self.layer.stride[0]
        y: Tensor = self.layer(self.memory.extend(x))
        return y[..., first:]


class CausalConv2d(nn.Conv2d):
    """A convolution of stride 1 over (frequency, time), symmetric in frequency, causal in time."""

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        """Make a square kernel of an odd size."""
        super().__init__(inputs, outputs, kernel, padding=(kernel // 2, 0))

    def forward(self, x: Tensor) -> Tensor:
        """Return a map of the size of `x`, ``(batch, channels, frequency, time)``."""
        return super().forward(functional.pad(x, (self.kernel_size[1] - 1, 0)))

    def stream(self) -> nn.Module:
        """Return the twin for a stream; see `streaming_copy`."""
        return _StreamingConv2d(self)


class _StreamingConv2d(nn.Module):
    def __init__(self, layer: CausalConv2d) -> None:
        super().__init__()
        self.layer = layer
        self.memory = Memory(layer.kernel_size[1] - 1)

    def forward(self, x: Tensor) -> Tensor:
        layer = self.layer
        return functional.conv2d(
            self.memory.extend(x), layer.weight, layer.bias, padding=layer.padding
        )


class CausalGru(nn.Module):
    """One layer of gated recurrent units that run forward in time."""

    def __init__(self, channels: int) -> None:
        """Make as many units as there are channels."""
        super().__init__()
        self.gru = nn.GRU(channels, channels, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the shape of `x`, ``(batch, channels, time)``."""
        return self.run(x, None)[0]

    def run(self, x: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor]:
        """Go on from a state, None at the start; return the outputs and the new state."""
        y, state = self.gru(x.transpose(1, 2), state)
        return y.transpose(1, 2), state

    def stream(self) -> nn.Module:
        """Return the twin for a stream; see `streaming_copy`."""
        return _StreamingGru(self)


class _StreamingGru(nn.Module):
    def __init__(self, layer: CausalGru) -> None:
        super().__init__()
        self.layer = layer
        self.state: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        y, self.state = self.layer.run(x, self.state)
        return y
