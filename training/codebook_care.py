"""What keeps codebooks that learn by gradients in use: a start from data, and no dead codewords.

Neither is in the papers of ESC and HiFi-Codec, whose trainings are long enough to do without;
recipes that use it name it as a deviation.
"""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from codecbench.adapters.neural.layers.codebook_averages import CodebookAverages
from codecbench.adapters.neural.layers.vector_quantizer import VectorQuantizer


class Phase(nn.Module):
    """Whether something has begun, such as look-up in codebooks; saved with everything else."""

    looks_up: Tensor

    def __init__(self) -> None:
        """Say that it has not."""
        super().__init__()
        self.register_buffer("looks_up", torch.zeros((), dtype=torch.bool))

    @property
    def begun(self) -> bool:
        """Whether it has."""
        return bool(self.looks_up)

    def begin(self) -> None:
        """Say that it has."""
        self.looks_up.fill_(True)


class RecentBatches(nn.Module):
    """The last few batches, kept so that codebooks can start from more than one.

    They are saved with everything else: a resumed training starts its codebooks from the same.
    """

    def __init__(self, count: int) -> None:
        """Keep so many batches."""
        super().__init__()
        self.count = count
        self.register_buffer("samples", torch.zeros(0))
        self.samples: Tensor

    def keep(self, batch: Tensor) -> None:
        """Add a batch, ``(batch, samples)``, and forget the oldest."""
        older = self.samples[-(self.count - 1) :] if self.samples.ndim == batch.ndim + 1 else None
        parts = [batch[None]] if older is None or self.count == 1 else [older, batch[None]]
        self.samples = torch.cat(parts)

    def batches(self) -> list[Tensor]:
        """Return what was kept, the oldest first."""
        return list(self.samples) if self.samples.ndim > 1 else []

    def clear(self) -> None:
        """Forget all."""
        self.samples = self.samples.new_zeros(0)

    def _load_from_state_dict(
        self, state_dict: dict[str, Tensor], prefix: str, *args: object
    ) -> None:
        # How much has been kept depends on the step; torch wants equal shapes.
        self.samples = torch.zeros_like(state_dict[f"{prefix}samples"], device=self.samples.device)
        super()._load_from_state_dict(state_dict, prefix, *args)


class CodebookCare(nn.Module):
    """Watches how often the codewords of some codebooks are used.

    Whatever it changes in a model, it changes in the moving average of that model too, which would
    otherwise decode new codes with old codewords.
    """

    def __init__(self, books: Sequence[VectorQuantizer], *, least_count: float) -> None:
        """Begin to count.

        Args:
            books: The model's; the same order is used everywhere.
            least_count: Average uses per step below which a codeword is dead; 0 for none.
        """
        super().__init__()
        self.averages = nn.ModuleList(
            CodebookAverages(book, least_count=least_count) for book in books
        )

    def start(self, index: int, books: Sequence[VectorQuantizer], vectors: Tensor) -> None:
        """Set a codebook by k-means, in the metric of its search.

        Args:
            index: Of the codebook.
            books: That codebook in the model, and in its average if there is one.
            vectors: ``(vectors, dimensions)``.
        """
        self._average(index).start(books[0], vectors)
        _copy(books)

    def count(self, codes: Sequence[Tensor]) -> None:
        """Count the codes of a step, one tensor for each codebook."""
        for index, each in enumerate(codes):
            self._average(index).count(each.flatten())

    def revive(self, index: int, books: Sequence[VectorQuantizer], vectors: Tensor) -> int:
        """Put dead codewords on vectors drawn from a batch, and return how many."""
        revived = self._average(index).revive(books[0], vectors)
        if revived:
            _copy(books)
        return revived

    def _average(self, index: int) -> CodebookAverages:
        return cast("CodebookAverages", self.averages[index])


@torch.no_grad()
def _copy(books: Sequence[VectorQuantizer]) -> None:
    for other in books[1:]:
        other.embedding.weight.copy_(books[0].embedding.weight)
