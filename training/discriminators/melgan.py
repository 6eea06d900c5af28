"""MelGAN's discriminator; PSQ uses three of them on the same waveform.

Source:
    Kumar et al., "MelGAN", arXiv:1910.06711, table 3 and the authors' code (MIT); Brendel et al.,
    arXiv:2405.08417, section III-C, for three identical ones.
"""

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional

from codecbench.training.discriminators.conv_stack import (
    ConvStack,
    Discriminator,
    Verdict,
    normed,
)
from codecbench.training.discriminators.scale import MultiScaleDiscriminator

WIDTH = 16
WIDEST = 1024
SLOPE = 0.2
_MARGIN = 7


class MelganDiscriminator(ConvStack):
    """Four times a quarter of the rate and, up to a limit, four times the channels."""

    def __init__(self, *, width: int = WIDTH, widest: int = WIDEST) -> None:
        """Make the layers.

        Args:
            width: Channels of the first layer.
            widest: Most channels of any layer.
        """
        convs = [normed(nn.Conv1d(1, width, 15), "weight")]
        for _ in range(4):
            wide = min(4 * width, widest)
            conv = nn.Conv1d(width, wide, 41, 4, padding=20, groups=width // 4)
            convs.append(normed(conv, "weight"))
            width = wide
        convs.append(normed(nn.Conv1d(width, width, 5, padding=2), "weight"))
        post = normed(nn.Conv1d(width, 1, 3, padding=1), "weight")
        super().__init__(convs, post, slope=SLOPE)

    def forward(self, samples: Tensor) -> Verdict:
        """Return the verdict on ``(batch, samples)``."""
        padded = functional.pad(samples[:, None], (_MARGIN, _MARGIN), mode="reflect")
        return self.judge(padded)


def melgan_multi_scale(scales: int = 3) -> MultiScaleDiscriminator:
    """Make MelGAN's discriminator of several scales."""
    pool = nn.AvgPool1d(4, 2, padding=1, count_include_pad=False)
    return MultiScaleDiscriminator([MelganDiscriminator() for _ in range(scales)], pool)


def melgan_ensemble(count: int = 3, *, width: int = WIDTH, widest: int = WIDEST) -> Discriminator:
    """Make PSQ's: alike but for their first weights, all at the full rate."""
    members: Sequence[nn.Module] = [
        MelganDiscriminator(width=width, widest=widest) for _ in range(count)
    ]
    return Discriminator(members)
