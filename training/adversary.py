"""One round of a codec against a discriminator."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from codecbench.training.losses.adversarial import (
    Verdicts,
    feature_distance,
    hinge_discriminator,
    hinge_generator,
    least_squares_discriminator,
    least_squares_generator,
)
from codecbench.training.objective import Objective


def duel(
    # Any: the settings are the objective's own affair.
    objective: Objective[Any],
    network: nn.Module,
    decoded: Tensor,
    target: Tensor,
    step: int,
    *,
    optimizer: str = "discriminator",
    clip_norm: float = 0.0,
    compare: Callable[[Verdicts, Verdicts], Tensor] = feature_distance,
    hinge: bool = False,
) -> dict[str, Tensor]:
    """Train the discriminator on a batch, and return what it then says to the codec.

    Args:
        objective: Owner of both networks.
        network: The discriminator, which returns verdicts.
        decoded: ``(batch, samples)``, or what else the discriminator takes, with gradients.
        target: Originals of the same shape.
        step: For the learning rate.
        optimizer: Name of the discriminator's own among the objective's.
        clip_norm: Largest norm of the discriminator's gradient; 0 leaves it.
        compare: Distance of its features, originals first.
        hinge: Use hinge losses, not least squares.

    Returns:
        "discriminator", its own loss; "adversarial" and "features", for the codec to minimise.
    """
    network.requires_grad_(True)
    with objective.autocast():
        real, fake = network(target), network(decoded.detach())
    wrong = (hinge_discriminator if hinge else least_squares_discriminator)(real, fake)
    objective.descend(optimizer, wrong, rate=objective.rate(step), clip_norm=clip_norm)
    network.requires_grad_(False)
    with objective.autocast():
        with torch.no_grad():
            real = network(target)
        fake = network(decoded)
    return {
        "discriminator": wrong,
        "adversarial": (hinge_generator if hinge else least_squares_generator)(fake),
        "features": compare(real, fake),
    }
