"""ESC's product quantiser: two time steps in one vector, three groups, each with its codebook.

Source:
    Gu & Diao, "ESC", EMNLP 2024, arXiv:2404.19441, section 3.2, and the authors' code (MIT).
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from codecbench.adapters.neural.layers.vector_quantizer import VectorQuantizer

OVERLAP = 2
"""Time steps per vector."""
GROUPS = 3
CODEBOOK_SIZE = 1024


class ProductQuantizer(nn.Module):
    """One stream of ESC: three codes for every two time steps of one level of the network."""

    def __init__(self, channels: int, height: int, dimensions: int) -> None:
        """Make projections and codebooks.

        Args:
            channels: Width of the tokens.
            height: Frequency bands of the level.
            dimensions: Of the codewords.
        """
        super().__init__()
        self.channels = channels
        self.height = height
        total = OVERLAP * channels * height
        sizes = [total // GROUPS] * (GROUPS - 1)
        self.sizes = [*sizes, total - sum(sizes)]
        self.vqs = nn.ModuleList(
            VectorQuantizer(CODEBOOK_SIZE, dimensions, normalize=True) for _ in self.sizes
        )
        self.down_projs = nn.ModuleList(
            nn.Linear(size, dimensions, bias=False) for size in self.sizes
        )
        self.up_projs = nn.ModuleList(
            nn.Linear(dimensions, size, bias=False) for size in self.sizes
        )

    def encode(self, tokens: Tensor) -> Tensor:
        """Return codes, int64 ``(batch, 3, time / 2)``.

        Args:
            tokens: ``(batch, height · time, channels)`` with an even time.
        """
        codes = [
            book.search(down(part))
            for book, down, part in zip(
                self.books(), self.down_projs, self.split(tokens), strict=True
            )
        ]
        return torch.stack(codes, dim=1)

    def decode(self, codes: Tensor) -> Tensor:
        """Return tokens, ``(batch, height · time, channels)``, of what `encode` returned."""
        return self.join(
            [
                up(book.lookup(index))
                for book, up, index in zip(
                    self.books(), self.up_projs, codes.unbind(1), strict=True
                )
            ]
        )

    def split(self, tokens: Tensor) -> tuple[Tensor, ...]:
        """Return the vectors of the groups, each ``(batch, time / 2, size of the group)``."""
        batch = tokens.shape[0]
        grid = tokens.view(batch, self.height, -1, self.channels)
        # Channel slow, frequency fast, and then two time steps one after the other.
        vectors = grid.permute(0, 2, 3, 1).reshape(batch, -1, sum(self.sizes))
        return torch.split(vectors, self.sizes, dim=-1)

    def join(self, parts: Sequence[Tensor]) -> Tensor:
        """Return the tokens of the vectors of all groups: what `split` undoes."""
        batch, frames, _ = parts[0].shape
        shape = (batch, OVERLAP * frames, self.channels, self.height)
        vectors = torch.cat(list(parts), dim=-1).view(shape)
        return vectors.permute(0, 3, 1, 2).reshape(batch, -1, self.channels)

    def books(self) -> list[VectorQuantizer]:
        """Return the codebooks of the groups."""
        return [book for book in self.vqs if isinstance(book, VectorQuantizer)]
