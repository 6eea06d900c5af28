"""What all discriminators are made of: convolutions one after the other, and what they return."""

from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeVar, cast

from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm, weight_norm

Norm = Literal["none", "weight", "spectral"]
Layer = TypeVar("Layer", nn.Conv1d, nn.Conv2d)


class Verdict(NamedTuple):
    """What one discriminator says of a batch.

    Attributes:
        logits: One value per place; which shape does not matter to any loss.
        features: Activations of the layers before, the first layer first.
    """

    logits: Tensor
    features: list[Tensor]


def normed(layer: Layer, norm: Norm) -> Layer:
    """Give a convolution the norm of its weights that its paper asks for."""
    if norm == "weight":
        weight_norm(layer, dim=0)
    elif norm == "spectral":
        spectral_norm(layer)
    return layer


class ConvStack(nn.Module):
    """Convolutions with leaky rectifiers, and a last one whose output are the logits.

    A discriminator is a stack of its own and what it does to the waveform before.
    """

    def __init__(
        self,
        convs: Sequence[nn.Conv1d] | Sequence[nn.Conv2d],
        post: nn.Conv1d | nn.Conv2d,
        *,
        slope: float,
    ) -> None:
        """Take layers that have their norms already.

        Args:
            convs: Each is followed by a rectifier.
            post: The last one.
            slope: Of the rectifiers, for negative values.
        """
        super().__init__()
        self.convs = nn.ModuleList(convs)
        self.post = post
        self.slope = slope

    def judge(self, x: Tensor) -> Verdict:
        """Run all layers on what the first one takes."""
        features: list[Tensor] = []
        for conv in self.convs:
            x = functional.leaky_relu(conv(x), self.slope)
            features.append(x)
        return Verdict(self.post(x), features)


class Discriminator(nn.Module):
    """Several discriminators that look at the same signals independently."""

    def __init__(self, discriminators: Sequence[nn.Module]) -> None:
        """Take those that `forward` asks; each returns a `Verdict`, or is one like this."""
        super().__init__()
        self.discriminators = nn.ModuleList(discriminators)

    def forward(self, samples: Tensor) -> list[Verdict]:
        """Return a verdict of each.

        Args:
            samples: ``(batch, samples)``.
        """
        verdicts: list[Verdict] = []
        for discriminator in self.discriminators:
            found = cast("Verdict | list[Verdict]", discriminator(samples))
            verdicts += [found] if isinstance(found, Verdict) else found
        return verdicts
