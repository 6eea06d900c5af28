"""Multi-scale STFT discriminator: complex spectra of several windows as pictures.

Source:
    Défossez et al., "EnCodec", arXiv:2210.13438, section 3.4, and its code (MIT), with three
    windows; AcademiCodec has five.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from codecbench.training.discriminators.conv_stack import (
    ConvStack,
    Discriminator,
    Verdict,
    normed,
)

WINDOWS = (1024, 2048, 512, 256, 128)
CHANNELS = 32
SLOPE = 0.2


class StftDiscriminator(ConvStack):
    """Looks at real and imaginary parts over frames and bins."""

    window: Tensor

    def __init__(self, window: int, *, channels: int = CHANNELS) -> None:
        """Make the layers.

        Args:
            window: And transform, in samples; the hop is a quarter of it. No shorter signal can be
                judged.
            channels: Of every layer.
        """
        # The first one has no norm, in the original by an oversight that its users have kept.
        convs = [nn.Conv2d(2, channels, (3, 9), padding=(1, 4))]
        for dilation in (1, 2, 4):
            conv = nn.Conv2d(
                channels,
                channels,
                (3, 9),
                (1, 2),
                padding=(dilation, 4),
                dilation=(dilation, 1),
            )
            convs.append(normed(conv, "weight"))
        convs.append(normed(nn.Conv2d(channels, channels, 3, padding=1), "weight"))
        post = normed(nn.Conv2d(channels, 1, 3, padding=1), "weight")
        super().__init__(convs, post, slope=SLOPE)
        shape = torch.hann_window(window)
        # Spectra are divided by the length of the window as a vector.
        self.register_buffer("window", shape / shape.square().sum().sqrt(), persistent=False)

    def forward(self, samples: Tensor) -> Verdict:
        """Return the verdict on ``(batch, samples)``."""
        length = self.window.numel()
        spectra = torch.stft(
            samples.float(),
            length,
            length // 4,
            length,
            self.window,
            center=False,
            return_complex=True,
        )
        return self.judge(torch.view_as_real(spectra).permute(0, 3, 2, 1))


def multi_scale_stft(
    windows: Sequence[int] = WINDOWS, *, channels: int = CHANNELS
) -> Discriminator:
    """Make one discriminator for each window."""
    return Discriminator([StftDiscriminator(window, channels=channels) for window in windows])
