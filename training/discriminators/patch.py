"""PatchGAN on spectra: is this stretch of a logarithmic mel spectrum that of speech?

Source:
    Isola et al., "Image-to-Image Translation", arXiv:1611.07004, section 2.2.2; Esser et al.,
    "VQGAN", arXiv:2012.09841, for its use behind a quantiser. Widths are our choice for 80 bands.
"""

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from codecbench.training.discriminators.conv_stack import ConvStack, Verdict, normed

CHANNELS = (64, 128, 256)
SLOPE = 0.2


class PatchDiscriminator(ConvStack):
    """One logit for each overlapping patch of a picture; each layer halves both sides."""

    def __init__(self, *, channels: Sequence[int] = CHANNELS) -> None:
        """Make the layers, of so many channels."""
        convs = [
            normed(nn.Conv2d(inputs, outputs, 4, 2, padding=1), "weight")
            for inputs, outputs in pairwise((1, *channels))
        ]
        post = normed(nn.Conv2d(channels[-1], 1, 4, padding=1), "weight")
        super().__init__(convs, post, slope=SLOPE)

    def forward(self, spectra: Tensor) -> list[Verdict]:
        """Return the one verdict on ``(batch, bands, frames)``, 16 frames or more."""
        return [self.judge(spectra[:, None])]
