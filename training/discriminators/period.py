"""Multi-period discriminators: a waveform folded to rows of so many samples.

Source:
    Kong et al., "HiFi-GAN", arXiv:2010.05646, section 2.3. DAC's differs in its padding: Kumar et
    al., arXiv:2306.06546, and the authors' code (MIT). AcademiCodec's, with 32 channels everywhere,
    no norm and slope 0.2, is that of https://github.com/yangdongchao/AcademiCodec.
"""

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional

from codecbench.training.discriminators.conv_stack import (
    ConvStack,
    Discriminator,
    Norm,
    Verdict,
    normed,
)

PERIODS = (2, 3, 5, 7, 11)
CHANNELS = (32, 128, 512, 1024, 1024)


class PeriodDiscriminator(ConvStack):
    """Looks at every so many-th sample, at all phases side by side."""

    def __init__(
        self,
        period: int,
        *,
        channels: Sequence[int] = CHANNELS,
        norm: Norm = "weight",
        slope: float = 0.1,
        always_pad: bool = False,
    ) -> None:
        """Make the layers.

        Args:
            period: In samples.
            channels: Of the five layers before the last.
            norm: Of the weights.
            slope: Of the rectifiers.
            always_pad: Add a whole period where the signal is whole periods already, as DAC does.
        """
        strides = [3] * (len(channels) - 1) + [1]
        convs = [
            normed(nn.Conv2d(inputs, outputs, (5, 1), (stride, 1), padding=(2, 0)), norm)
            for (inputs, outputs), stride in zip(pairwise((1, *channels)), strides, strict=True)
        ]
        post = normed(nn.Conv2d(channels[-1], 1, (3, 1), padding=(1, 0)), norm)
        super().__init__(convs, post, slope=slope)
        self.period = period
        self.always_pad = always_pad

    def forward(self, samples: Tensor) -> Verdict:
        """Return the verdict on ``(batch, samples)``."""
        missing = -samples.shape[-1] % self.period
        if self.always_pad and missing == 0:
            missing = self.period
        # What mirrors has a channel axis.
        padded = functional.pad(samples[:, None], (0, missing), mode="reflect")
        return self.judge(padded.view(len(samples), 1, -1, self.period))


def multi_period(
    periods: Sequence[int] = PERIODS,
    *,
    channels: Sequence[int] = CHANNELS,
    norm: Norm = "weight",
    slope: float = 0.1,
    always_pad: bool = False,
) -> Discriminator:
    """Make HiFi-GAN's multi-period discriminator, or one that differs as the arguments say."""
    return Discriminator(
        [
            PeriodDiscriminator(
                period, channels=channels, norm=norm, slope=slope, always_pad=always_pad
            )
            for period in periods
        ]
    )
