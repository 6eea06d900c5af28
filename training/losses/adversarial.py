"""Losses of generators and discriminators against each other.

Source:
    Mao et al., "Least Squares GAN", arXiv:1611.04076; Lim & Ye, "Geometric GAN", arXiv:1705.02894
    (hinge); Larsen et al., arXiv:1512.09300 (distance of features).
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from codecbench.training.discriminators.conv_stack import Verdict

Verdicts = Sequence[Verdict]


def least_squares_discriminator(real: Verdicts, fake: Verdicts) -> Tensor:
    """Return what a discriminator minimises: the sum over all of (1 - D(real))² + D(fake)²."""
    parts = [
        (1 - good.logits.float()).square().mean() + bad.logits.float().square().mean()
        for good, bad in zip(real, fake, strict=True)
    ]
    return torch.stack(parts).sum()


def least_squares_generator(fake: Verdicts) -> Tensor:
    """Return what a generator minimises: the sum over all discriminators of (1 - D(fake))²."""
    parts = [(1 - each.logits.float()).square().mean() for each in fake]
    return torch.stack(parts).sum()


def hinge_discriminator(real: Verdicts, fake: Verdicts) -> Tensor:
    """Return the sum over all of what misses 1 at real and -1 at made signals."""
    parts = [
        functional.relu(1 - good.logits.float()).mean()
        + functional.relu(1 + bad.logits.float()).mean()
        for good, bad in zip(real, fake, strict=True)
    ]
    return torch.stack(parts).sum()


def hinge_generator(fake: Verdicts) -> Tensor:
    """Return the sum over all discriminators of the negative mean of their logits."""
    return torch.stack([-each.logits.float().mean() for each in fake]).sum()


def feature_distance(real: Verdicts, fake: Verdicts, *, logits: bool = False) -> Tensor:
    """Return the sum over all layers of all discriminators of the mean absolute difference.

    Args:
        real: On the originals; gets no gradient.
        fake: On what the generator made.
        logits: Compare the logits too, as HiFi-GAN does.
    """
    parts = []
    for good, bad in zip(real, fake, strict=True):
        pairs = list(zip(good.features, bad.features, strict=True))
        if logits:
            pairs.append((good.logits, bad.logits))
        parts += [(mine.float() - wanted.detach().float()).abs().mean() for wanted, mine in pairs]
    return torch.stack(parts).sum()
