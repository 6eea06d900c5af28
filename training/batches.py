"""Batches for the steps of a training, made ahead while a GPU is busy with the one before."""

from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from codecbench.training.audio_pool import AudioPool, Level


class Batches:
    """Gives the batch of any step; asked for one after the other, the next is ready already."""

    def __init__(
        self,
        pool: AudioPool,
        *,
        count: int,
        length: int,
        seed: int,
        level: Level,
        device: str = "cpu",
        ahead: bool | None = None,
    ) -> None:
        """Say what a batch is; the arguments are those of `AudioPool.crops`.

        Args:
            pool: The audio.
            count: Crops per batch.
            length: Of each, in samples.
            seed: Of the training.
            level: Random gain.
            device: Where batches are wanted.
            ahead: Make the next batch in a thread of its own; by default where there is a GPU,
                for on a CPU the thread would take from the training what it gives.
        """
        self._pool, self._count, self._length = pool, count, length
        self._seed, self._level, self._device = seed, level, device
        wanted = device != "cpu" if ahead is None else ahead
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="crops") if wanted else None
        self._next: tuple[int, Future[NDArray[np.float32]]] | None = None

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the thread."""
        if self._thread is not None:
            self._thread.shutdown(cancel_futures=True)

    def get(self, step: int) -> Tensor:
        """Return the batch of a step, float32 ``(count, length)`` on the device."""
        if self._thread is None:
            crops = self._crops(step)
        else:
            ready = self._next
            crops = ready[1].result() if ready and ready[0] == step else self._crops(step)
            self._next = (step + 1, self._thread.submit(self._crops, step + 1))
        batch = torch.from_numpy(crops)
        if self._device == "cpu":
            return batch
        # From pinned memory the copy goes on while the GPU still works on the step before.
        return batch.pin_memory().to(self._device, non_blocking=True)

    def _crops(self, step: int) -> NDArray[np.float32]:
        return self._pool.crops(
            count=self._count, length=self._length, seed=self._seed, step=step, level=self._level
        )
