"""Coding held-out clips with the hard quantiser, and scoring them with our own metrics."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum, log2
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from codecbench.core.audio_file import read_audio
from codecbench.core.resampling import resample
from codecbench.datasets.base import Clip
from codecbench.metrics.bit_statistics import codebook_statistics, count_codes
from codecbench.metrics.evaluation import evaluate_pair
from codecbench.metrics.registry import get_metric
from codecbench.training.objective import Objective, Reconstruction

METRICS = ("pesq_wb", "estoi", "mel_dac")


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """What one validation found.

    Attributes:
        scores: For each operating point: the mean of each metric over the clips that have a
            value, and of the codes ``utilisation`` (their entropy as a share of the bits that are
            sent) and ``dead_codes`` (share of all entries that do not occur).
        failed: How often a cell has no value, by point, metric and reason.
    """

    scores: dict[str, dict[str, float]]
    failed: dict[str, int]


class Validator:
    """Clips in memory, and the metrics."""

    def __init__(self, clips: Sequence[Clip], *, sample_rate: int, longest_s: float) -> None:
        """Read the clips.

        Args:
            clips: Such as `held_out.split` chooses.
            sample_rate: Of the objective, in Hz.
            longest_s: Only so much of the beginning of each is used.
        """
        self.sample_rate = sample_rate
        most = round(longest_s * sample_rate)
        self.references = [
            resample(read_audio(clip.path), sample_rate).samples[:most].copy() for clip in clips
        ]
        self._metrics = [get_metric(name) for name in METRICS]

    def run(self, objective: Objective[Any]) -> Validation:
        """Code and score all clips at all points; the networks come back in training mode."""
        # Any: the settings are the objective's own affair.
        scores: dict[str, dict[str, float]] = {}
        failed: Counter[str] = Counter()
        objective.train(training=False)
        with torch.inference_mode():
            for point in objective.points:
                scores[point] = self._score_point(objective, point, failed)
        objective.train()
        return Validation(scores=scores, failed=dict(failed))

    def _score_point(
        self, objective: Objective[Any], point: str, failed: Counter[str]
    ) -> dict[str, float]:
        values: dict[str, list[float]] = defaultdict(list)
        found: list[Reconstruction] = []
        for reference in self.references:
            given = torch.from_numpy(reference).to(objective.device)
            coded = objective.reconstruct(given, point)
            found.append(coded)
            for name, value in coded.scores.items():
                values[name].append(value)
            if coded.samples is None:
                continue
            degraded = coded.samples.float().cpu().numpy()
            for metric in self._metrics:
                cells = evaluate_pair(metric, reference, degraded, self.sample_rate)
                for name, cell in cells.items():
                    if cell.value is None:
                        failed[f"{point} {name}: {cell}".strip()] += 1
                    else:
                        values[name].append(cell.value)
        means = {name: fsum(each) / len(each) for name, each in values.items()}
        return {**means, **code_use(found)}


def code_use(found: Sequence[Reconstruction]) -> dict[str, float]:
    """Return utilisation and dead codes of all clips together; empty without codes."""
    if not found or found[0].codes is None:
        return {}
    sizes = found[0].codebook_sizes
    pooled: list[NDArray[np.int64]] = [np.zeros(size, dtype=np.int64) for size in sizes]
    for coded in found:
        assert coded.codes is not None
        for total, counts in zip(
            pooled, count_codes(coded.codes.cpu().numpy(), sizes), strict=True
        ):
            total += counts
    books = [codebook_statistics(counts) for counts in pooled]
    bits = fsum(log2(book.size) for book in books)
    return {
        "utilisation": fsum(book.plugin_entropy_bits for book in books) / bits,
        "dead_codes": 1.0 - sum(book.distinct for book in books) / sum(sizes),
    }
