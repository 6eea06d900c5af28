"""The VQ-VAE of the Spectrogram Patch Codec: a mel spectrogram as patches from one codebook.

Published (arXiv:2509.02244, abstract and reviews of it): patches of 4 × 4, one shared codebook of
4096 codewords, vectors of 512 numbers. The layers are not; residual blocks around the patch
embedding are ours. They see no later patch, so this part adds no look-ahead to the patch itself.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from codecbench.adapters.neural.layers.causal import CausalConv2d
from codecbench.adapters.neural.layers.channel_norm import ChannelNorm
from codecbench.adapters.neural.layers.vector_quantizer import VectorQuantizer

PATCH = 4
"""Bands and frames of a patch."""
_SEARCH_AT_ONCE = 512
"""Vectors; so many distances to all codewords stay in the processor's cache."""


@dataclass(frozen=True, slots=True)
class QuantizedPatches:
    """What one pass in training gives, besides the reconstruction.

    Attributes:
        vectors: What was quantised, ``(batch, latent, 20, frames / 4)``.
        codes: Indices, int64 ``(batch, 20, frames / 4)``, low bands first.
        commitment: Mean squared distance of vectors from codewords; its gradient moves the
            vectors alone, the codebook follows by moving averages (`CodebookAverages`).
    """

    vectors: Tensor
    codes: Tensor
    commitment: Tensor


class PatchResidualBlock(nn.Module):
    """A 3 × 3 and a pointwise convolution, each after normalisation and SiLU, around x."""

    def __init__(self, channels: int) -> None:
        """Make the layers."""
        super().__init__()
        self.first_norm = ChannelNorm(channels, affine=True)
        self.first = CausalConv2d(channels, channels, 3)
        self.second_norm = ChannelNorm(channels, affine=True)
        self.second = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the shape of `x`, ``(batch, channels, bands, frames)``."""
        y = self.first(functional.silu(self.first_norm(x)))
        z: Tensor = self.second(functional.silu(self.second_norm(y)))
        return x + z


class PatchVae(nn.Module):
    """Encoder, codebook and decoder of normalised mel spectrograms."""

    def __init__(
        self,
        *,
        channels: int,
        encoder_blocks: int,
        decoder_blocks: int,
        latent: int,
        codebook_size: int,
    ) -> None:
        """Make the layers.

        Args:
            channels: Of all blocks.
            encoder_blocks: Residual blocks before the codebook; 0 quantises each patch by itself.
            decoder_blocks: Residual blocks behind it.
            latent: Numbers per codeword.
            codebook_size: Number of codewords.
        """
        super().__init__()
        self.embed = nn.Conv2d(1, channels, PATCH, PATCH)
        self.encoder = nn.Sequential(*(PatchResidualBlock(channels) for _ in range(encoder_blocks)))
        self.to_latent = nn.Conv2d(channels, latent, 1)
        self.codebook = VectorQuantizer(codebook_size, latent)
        self.codebook.requires_grad_(requires_grad=False)
        self.from_latent = nn.Conv2d(latent, channels, 1)
        self.decoder = nn.Sequential(*(PatchResidualBlock(channels) for _ in range(decoder_blocks)))
        self.unpatch = nn.ConvTranspose2d(channels, 1, PATCH, PATCH)

    def forward(self, mel: Tensor, size: int | None = None) -> tuple[Tensor, QuantizedPatches]:
        """Code and decode with gradients, which pass straight through the codebook.

        Args:
            mel: Normalised, ``(batch, 80, frames)``, a whole number of patches.
            size: Use the first so many codewords only; all by default.

        Returns:
            The reconstruction in the shape of `mel`, and what losses and codebook need.
        """
        vectors = self.vectors(mel)
        codes = self.search(vectors.detach(), size)
        words = self.words(codes)
        commitment = functional.mse_loss(vectors, words)
        passed = vectors + (words - vectors).detach()
        return self.reconstruct(passed), QuantizedPatches(vectors, codes, commitment)

    def vectors(self, mel: Tensor) -> Tensor:
        """Return what is quantised, ``(batch, latent, 20, frames / 4)``."""
        y: Tensor = self.to_latent(self.encoder(self.embed(mel[:, None])))
        return y

    def search(self, vectors: Tensor, size: int | None = None) -> Tensor:
        """Return the nearest of the first `size` codewords, int64 ``(batch, 20, frames / 4)``."""
        places = vectors.movedim(1, -1)
        flat = places.reshape(-1, places.shape[-1])
        starts = range(0, len(flat), _SEARCH_AT_ONCE)
        found = [
            self.codebook.search(flat[start : start + _SEARCH_AT_ONCE], size) for start in starts
        ]
        return torch.cat(found).view(places.shape[:-1])

    def words(self, codes: Tensor) -> Tensor:
        """Return the codewords of indices, ``(batch, latent, 20, frames / 4)``."""
        return self.codebook.lookup(codes).movedim(-1, 1)

    def reconstruct(self, words: Tensor) -> Tensor:
        """Return a normalised mel spectrogram, ``(batch, 80, frames)``."""
        mel: Tensor = self.unpatch(self.decoder(self.from_latent(words)))
        return mel[:, 0]
