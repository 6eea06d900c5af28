"""STOI, ESTOI, the mel distance and SI-SDR of many versions of a reference at once, in torch.

For a machine with a GPU whose cores are busy with PESQ. The metrics themselves stay the definition;
this is their arithmetic on another device.
"""

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from codecbench.core.audio import Audio
from codecbench.core.cell import Cell
from codecbench.core.dependency import require
from codecbench.core.errors import ConfigError, MissingDependencyError
from codecbench.metrics.base import Metric
from codecbench.metrics.evaluation import PreparedReference, evaluate, prepare_reference
from codecbench.metrics.registry import get_metric

if TYPE_CHECKING:
    from codecbench.metrics.torch_kernels import Kernel

BATCHED = ("stoi", "estoi", "mel_dac", "si_sdr")
"""Metrics that are array arithmetic and nothing else."""
_CHUNK_SAMPLES = 16 * 480_000
"""Samples that go to the device together: 16 versions of 30 s, for which STOI takes 2 GB."""


class TorchBatch:
    """A reference, prepared for all the versions that codecs made of it."""

    def __init__(
        self, reference: Audio, metrics: Sequence[str] = BATCHED, *, device: str = "cuda"
    ) -> None:
        """Prepare the reference.

        Args:
            reference: As `screen_reference` returned it.
            metrics: Some of `BATCHED`.
            device: Of torch, such as "cuda" or "cpu".

        Raises:
            ConfigError: A metric is none of `BATCHED`.
            MissingDependencyError: There is no torch, or no such device.
        """
        unknown = [name for name in metrics if name not in BATCHED]
        if unknown:
            msg = f"{', '.join(unknown)}: cannot be batched; choose from {', '.join(BATCHED)}"
            raise ConfigError(msg)
        torch = require("torch")
        if device.startswith("cuda") and not torch.cuda.is_available():
            raise MissingDependencyError("cuda", "use device='cpu', or a machine with a GPU")
        from codecbench.metrics.torch_kernels import KERNELS

        self._reference = reference
        self._device = device
        self._prepared: list[tuple[Metric, PreparedReference]] = []
        self._kernels: dict[str, Kernel] = {}
        for name in metrics:
            metric = get_metric(name)
            prepared = prepare_reference(metric, reference)
            self._prepared.append((metric, prepared))
            if prepared.outcome is None:
                self._kernels[name] = KERNELS[name](reference, device)

    def score(self, degraded: Sequence[Audio]) -> list[dict[str, Cell]]:
        """Score versions of the reference.

        Args:
            degraded: Each as `screen_degraded` returned it.

        Returns:
            For each version a cell for each metric, as `evaluate` returns them.
        """
        cells: list[dict[str, Cell]] = [{} for _ in degraded]
        fitting = [at for at, version in enumerate(degraded) if self._fits(version)]
        for places in self._chunks(fitting):
            scores = self._run([degraded[at] for at in places])
            for place, at in enumerate(places):
                cells[at] = {name: _cell(values[place]) for name, values in scores.items()}
        for metric, prepared in self._prepared:
            for version, row in zip(degraded, cells, strict=True):
                if metric.name not in row:
                    # Nothing was computed: `evaluate` says why, and computes nothing either.
                    row |= evaluate(metric, prepared, version)
        return cells

    def _fits(self, version: Audio) -> bool:
        wanted = (self._reference.n_samples, self._reference.sample_rate)
        return (version.n_samples, version.sample_rate) == wanted

    def _chunks(self, places: list[int]) -> Iterator[list[int]]:
        step = max(1, _CHUNK_SAMPLES // max(1, self._reference.n_samples))
        for start in range(0, len(places), step):
            yield places[start : start + step]

    def _run(self, versions: list[Audio]) -> dict[str, list[float]]:
        import torch

        samples = torch.from_numpy(np.stack([version.samples for version in versions]))
        with torch.inference_mode():
            samples = samples.to(self._device, torch.float64)
            return {name: kernel(samples).tolist() for name, kernel in self._kernels.items()}


def _cell(value: float) -> Cell:
    if math.isfinite(value):
        return Cell.ok(value)
    return Cell.failed("silent_degraded", "the degraded signal is constant")
