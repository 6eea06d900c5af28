"""One codebook: the nearest codeword, by distance or by angle, and the way back.

The papers' quantisers are built of it: residual, grouped, cross-scale, with projections to and from
the codebook's space around it. It holds nothing but the codebook, as ``embedding.weight``.
"""

from math import sqrt

import torch
from torch import Tensor, nn
from torch.nn import functional


class VectorQuantizer(nn.Module):
    """A codebook of vectors with the search for the nearest one.

    With `normalize` the search compares directions: vector and codewords are scaled to unit length
    first, and what comes back is the codeword as it is stored (ESC; DAC does the same and calls its
    projections factorised codes). Without, it is plain Euclidean distance (HiFi-Codec, VQ-VAE).
    """

    def __init__(self, size: int, dimensions: int, *, normalize: bool = False) -> None:
        """Make a codebook of random codewords.

        Args:
            size: Number of codewords.
            dimensions: Of each.
            normalize: Search by angle.
        """
        super().__init__()
        self.normalize = normalize
        self.embedding = nn.Embedding(size, dimensions)
        nn.init.normal_(self.embedding.weight, std=sqrt(2 / dimensions))

    def search(self, vectors: Tensor, first: int | None = None) -> Tensor:
        """Return the index of the nearest codeword, the first of equals.

        Args:
            vectors: ``(..., dimensions)``.
            first: Search only so many of the codewords, those at the beginning.

        Returns:
            int64 ``(...)``.
        """
        words = self.embedding.weight[:first]
        flat = vectors.reshape(-1, words.shape[1])
        if self.normalize:
            # Of unit vectors the nearest has the largest product; the length of `vectors` scales
            # all products alike.
            nearest = (flat @ functional.normalize(words, eps=1e-12).T).argmax(dim=-1)
        else:
            # |v - w|² without |v|², which all codewords share.
            nearest = torch.addmm(words.square().sum(dim=1), flat, words.T, alpha=-2).argmin(dim=-1)
        return nearest.view(vectors.shape[:-1])

    def lookup(self, codes: Tensor) -> Tensor:
        """Return the codewords of indices: ``(...)`` to ``(..., dimensions)``."""
        return functional.embedding(codes, self.embedding.weight)

    def forward(self, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """Return the indices and the codewords nearest to `vectors`."""
        codes = self.search(vectors)
        return codes, self.lookup(codes)
