"""A moving average of weights, which is usually better than the weights of any one step.

Source:
    Polyak & Juditsky, SIAM J. Control Optim. 30 (1992), 838; the rising decay keeps early,
    poor weights from lingering.
"""

import copy

import torch
from torch import Tensor, nn


class WeightAverage(nn.Module):
    """A copy of a model whose parameters and buffers follow it slowly.

    Attributes:
        model: The averaged copy, in evaluation mode.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        """Start from a model as it is.

        Args:
            model: Is copied.
            decay: Weight of the past in each update, reached after about ``10 / (1 - decay)``.
        """
        super().__init__()
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.decay = decay
        self.register_buffer("updates", torch.zeros((), dtype=torch.int64, device="cpu"))
        self.updates: Tensor

    @torch.no_grad()
    def restart(self, model: nn.Module) -> None:
        """Take a model over as it is and forget the past."""
        self.model.load_state_dict(model.state_dict())
        self.updates.zero_()

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Move the copy towards the model; integers such as counters are taken over."""
        self.updates += 1
        updates = int(self.updates)
        weight = 1.0 - min(self.decay, (1 + updates) / (10 + updates))
        present = model.state_dict()
        for name, value in self.model.state_dict().items():
            if value.is_floating_point():
                value.lerp_(present[name].to(value.dtype), weight)
            else:
                value.copy_(present[name])
