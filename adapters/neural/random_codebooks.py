"""Codebooks for models without weights: transformers leaves them all zero, so all codes equal."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

SPREAD = 0.5
"""Standard deviation of codewords, relative to that of what they code: residuals stay bounded."""
NOISE_S = 2.0
NOISE_LEVEL = 0.1


def fill_codebooks(
    model: nn.Module, encode: Callable[[Tensor], object], *, sample_rate: int
) -> None:
    """Draw all codebooks from torch's generator, each to fit what it is given to code.

    Args:
        model: With codebooks of the kind "EuclideanCodebook"; changed in place.
        encode: Codes a signal ``(1, 1, samples)`` with all codebooks.
        sample_rate: Of the signal, in Hz.
    """
    books = [m for m in model.modules() if type(m).__name__.endswith("EuclideanCodebook")]
    for book in books:
        _fill_at_first_use(book)
    model.eval()
    with torch.no_grad():
        encode(NOISE_LEVEL * torch.randn(1, 1, round(NOISE_S * sample_rate)))


def _fill_at_first_use(book: nn.Module) -> None:
    """Let a codebook take the mean and spread of the first vectors that it is to encode."""
    # Untyped: the codebooks of three models of transformers, alike by convention alone.
    original: Callable[[Tensor], Tensor] = book.encode  # type: ignore[assignment]

    def encode(vectors: Tensor) -> Tensor:
        words = book.embed_sum if hasattr(book, "embed_sum") else book.embed
        assert isinstance(words, Tensor)
        flat = vectors.reshape(-1, vectors.shape[-1])
        words.copy_(flat.mean(0) + SPREAD * flat.std(0) * torch.randn(words.shape))
        if hasattr(book, "_embed"):
            book.__dict__["_embed"] = None  # Mimi keeps the quotient of sum and usage
        del book.encode  # the method of the class again
        return original(vectors)

    book.encode = encode  # type: ignore[assignment]
