"""One round of a codec against a discriminator."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from codecbench.training.discriminators.conv_stack import Discriminator
from codecbench.training.losses.adversarial import (
    Verdicts,
    feature_distance,
    least_squares_discriminator,
    least_squares_generator,
)
from codecbench.training.objective import Objective


def duel(
    # Any: the settings are the objective's own affair.
    objective: Objective[Any],
    network: Discriminator,
    decoded: Tensor,
    target: Tensor,
    step: int,
    *,
    clip_norm: float = 0.0,
    compare: Callable[[Verdicts, Verdicts], Tensor] = feature_distance,
) -> dict[str, Tensor]:
    """Train the discriminator on a batch, and return what it then says to the codec.

    Least-squares losses. The discriminator's own optimiser is the objective's "discriminator".

    Args:
        objective: Owner of both networks.
        network: The discriminator.
        decoded: ``(batch, samples)``, with gradients.
        target: Originals of the same shape.
        step: For the learning rate.
        clip_norm: Largest norm of the discriminator's gradient; 0 leaves it.
        compare: Distance of its features, originals first.

    Returns:
        "discriminator", its own loss; "adversarial" and "features", for the codec to minimise.
    """
    network.requires_grad_(True)
    with objective.autocast():
        real, fake = network(target), network(decoded.detach())
    wrong = least_squares_discriminator(real, fake)
    objective.descend("discriminator", wrong, rate=objective.rate(step), clip_norm=clip_norm)
    network.requires_grad_(False)
    with objective.autocast():
        with torch.no_grad():
            real = network(target)
        fake = network(decoded)
    return {
        "discriminator": wrong,
        "adversarial": least_squares_generator(fake),
        "features": compare(real, fake),
    }
