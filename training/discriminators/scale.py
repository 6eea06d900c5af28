"""Multi-scale discriminators: the waveform itself, and pooled twice and four times.

Source:
    Kumar et al., "MelGAN", arXiv:1910.06711, section 2.2; Kong et al., "HiFi-GAN",
    arXiv:2010.05646, section 2.3 and its code for the sizes.
"""

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from codecbench.training.discriminators.conv_stack import (
    ConvStack,
    Discriminator,
    Norm,
    Verdict,
    normed,
)

SCALES = 3
CHANNELS = (128, 128, 256, 512, 1024, 1024, 1024)
# Taps, stride and groups of each layer.
LAYERS = ((15, 1, 1), (41, 2, 4), (41, 2, 16), (41, 4, 16), (41, 4, 16), (41, 1, 16), (5, 1, 1))


class ScaleDiscriminator(ConvStack):
    """Looks at a waveform through grouped convolutions."""

    def __init__(
        self, *, channels: Sequence[int] = CHANNELS, norm: Norm = "weight", slope: float = 0.1
    ) -> None:
        """Make the layers.

        Args:
            channels: Of the seven layers before the last; multiples of 16.
            norm: Of the weights.
            slope: Of the rectifiers.
        """
        convs = [
            normed(nn.Conv1d(inputs, outputs, taps, stride, padding=taps // 2, groups=groups), norm)
            for (inputs, outputs), (taps, stride, groups) in zip(
                pairwise((1, *channels)), LAYERS, strict=True
            )
        ]
        post = normed(nn.Conv1d(channels[-1], 1, 3, padding=1), norm)
        super().__init__(convs, post, slope=slope)

    def forward(self, samples: Tensor) -> Verdict:
        """Return the verdict on ``(batch, samples)``."""
        return self.judge(samples[:, None])


class MultiScaleDiscriminator(Discriminator):
    """The same kind of discriminator at falling sample rates."""

    def __init__(self, discriminators: Sequence[nn.Module], pool: nn.AvgPool1d) -> None:
        """Take one discriminator for each scale, and what goes from one scale to the next."""
        super().__init__(discriminators)
        self.pool = pool

    def forward(self, samples: Tensor) -> list[Verdict]:
        """Return a verdict of each scale on ``(batch, samples)``, the finest first."""
        verdicts = []
        for index, discriminator in enumerate(self.discriminators):
            if index:
                samples = self.pool(samples[:, None])[:, 0]
            verdicts.append(discriminator(samples))
        return verdicts


def multi_scale(
    *,
    channels: Sequence[int] = CHANNELS,
    norms: Sequence[Norm] = ("spectral", "weight", "weight"),
    slope: float = 0.1,
) -> MultiScaleDiscriminator:
    """Make HiFi-GAN's multi-scale discriminator, or one that differs as the arguments say."""
    return MultiScaleDiscriminator(
        [ScaleDiscriminator(channels=channels, norm=norm, slope=slope) for norm in norms],
        nn.AvgPool1d(4, 2, padding=2),
    )
