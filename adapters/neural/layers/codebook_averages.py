"""How a codebook learns without gradients: moving averages, a k-means start, no dead codewords.

Source:
    van den Oord et al., arXiv:1711.00937, appendix A.1 (moving averages); Défossez et al.,
    arXiv:2210.13438, section 3.2 (k-means start, replacement of codewords that nobody uses).
"""

import torch
from torch import Tensor, nn

from codecbench.adapters.neural.layers.vector_quantizer import VectorQuantizer

_SMOOTHING = 1e-5


class CodebookAverages(nn.Module):
    """The state of training of one codebook, kept apart from the model.

    Save it with the optimizer to resume exactly; coding does not need it.
    """

    def __init__(
        self, codebook: VectorQuantizer, *, decay: float = 0.99, least_count: float = 1.0
    ) -> None:
        """Start from the codebook as it is.

        Args:
            codebook: Searched by distance.
            decay: Of the averages, per update.
            least_count: Average uses per update below which a codeword counts as dead.
        """
        super().__init__()
        self.decay = decay
        self.least_count = least_count
        words = codebook.embedding.weight.detach()
        self.register_buffer("counts", words.new_ones(len(words)))
        self.register_buffer("sums", words.clone())
        self.counts: Tensor
        self.sums: Tensor

    @torch.no_grad()
    def start(
        self,
        codebook: VectorQuantizer,
        vectors: Tensor,
        *,
        iterations: int = 10,
        generator: torch.Generator | None = None,
    ) -> None:
        """Set the codewords by k-means.

        Args:
            codebook: Changed in place.
            vectors: ``(vectors, dimensions)``; ten times as many as codewords serve well.
            iterations: Of k-means.
            generator: Draws the first centres; torch's own by default.
        """
        words = codebook.embedding.weight
        words.copy_(self._draw(vectors, len(words), generator))
        for _ in range(iterations):
            counts, sums = _assign(vectors, codebook.search(vectors), len(words))
            used = counts > 0
            words[used] = sums[used] / counts[used, None]
        self.counts.fill_(1.0)
        self.sums.copy_(words)

    @torch.no_grad()
    def update(self, codebook: VectorQuantizer, vectors: Tensor, codes: Tensor) -> None:
        """Move the codewords towards the mean of the vectors that chose them.

        Args:
            codebook: Changed in place.
            vectors: ``(vectors, dimensions)``.
            codes: Their codewords, ``(vectors,)``.
        """
        counts, sums = _assign(vectors, codes, len(self.counts))
        self.counts.lerp_(counts, 1 - self.decay)
        self.sums.lerp_(sums, 1 - self.decay)
        total = self.counts.sum()
        smooth = (self.counts + _SMOOTHING) / (total + len(self.counts) * _SMOOTHING) * total
        codebook.embedding.weight.copy_(self.sums / smooth[:, None])

    @torch.no_grad()
    def count(self, codes: Tensor) -> None:
        """Only count uses: for a codebook that learns by gradients.

        Args:
            codes: Of one batch, ``(vectors,)``.
        """
        counts = torch.bincount(codes, minlength=len(self.counts)).to(self.counts.dtype)
        self.counts.lerp_(counts, 1 - self.decay)

    @torch.no_grad()
    def revive(
        self,
        codebook: VectorQuantizer,
        vectors: Tensor,
        *,
        generator: torch.Generator | None = None,
    ) -> int:
        """Put dead codewords on vectors drawn from a batch, and return how many.

        Call it seldom, every hundred steps or so: a new codeword needs time to be used.
        """
        dead = self.counts < self.least_count
        count = int(dead.sum())
        if count:
            drawn = self._draw(vectors, count, generator)
            codebook.embedding.weight[dead] = drawn
            self.sums[dead] = drawn * self.least_count
            self.counts[dead] = self.least_count
        return count

    @staticmethod
    def _draw(vectors: Tensor, count: int, generator: torch.Generator | None) -> Tensor:
        if len(vectors) >= count:
            return vectors[torch.randperm(len(vectors), generator=generator)[:count]]
        return vectors[torch.randint(len(vectors), (count,), generator=generator)]


def perplexity(codes: Tensor, size: int) -> float:
    """Return 2 to the power of the entropy of codes: how many codewords are in effective use."""
    shares = torch.bincount(codes.flatten(), minlength=size).double() / codes.numel()
    return float(torch.exp(-torch.xlogy(shares, shares).sum()))


def _assign(vectors: Tensor, codes: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Return how many vectors chose each codeword, and their sum."""
    counts = torch.bincount(codes, minlength=size).to(vectors.dtype)
    sums = vectors.new_zeros(size, vectors.shape[1])
    return counts, sums.index_add_(0, codes, vectors)
