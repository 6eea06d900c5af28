"""Scoring without codecs: one pair in Python, or many pairs of files over all cores."""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codecbench.benchmark.cell_json import cells_from_json
from codecbench.benchmark.distribute import distribute
from codecbench.benchmark.framing import Message
from codecbench.benchmark.supervisor import Limits, Reply, SupervisedChild
from codecbench.benchmark.warm_up import cold_metrics, warm_up
from codecbench.benchmark.worker import Step, Task, run_task
from codecbench.core.audio import Audio
from codecbench.core.cell import Cell, Status
from codecbench.core.errors import AudioFormatError
from codecbench.datasets.pairs import Pair
from codecbench.metrics.registry import expand_metrics, get_metric

Signal = Audio | NDArray[np.floating] | Path | str


@dataclass(frozen=True, slots=True, kw_only=True)
class PairScores:
    """Cells of one pair of files.

    Attributes:
        pair: The files.
        cells: Output name to cell, in the order asked for.
        clipped_share: Share of the degraded samples that exceeded full scale.
        length_difference: Samples that the degraded signal was too long (or, negative, too short)
            by; None where it could not be used.
    """

    pair: Pair
    cells: dict[str, Cell]
    clipped_share: float | None
    length_difference: int | None


def score(
    reference: Signal,
    degraded: Signal,
    *,
    metrics: str | Iterable[str] = "core",
    sample_rate: int | None = None,
    evaluation_rate: int = 16000,
) -> dict[str, Cell]:
    """Score one degraded signal against its reference.

    Args:
        reference: Audio, an array of floats in [-1, 1] of shape ``(samples,)``, or a sound file.
        degraded: The same; rates may differ, lengths by at most one sample.
        metrics: Names or groups.
        sample_rate: Rate of arrays, in Hz; needed where an array is given.
        evaluation_rate: Rate at which both are compared, in Hz.

    Returns:
        A cell for each output: a value, or the reason why there is none.

    Raises:
        AudioFormatError: An array of integers or not one-dimensional, or without a sample rate.
        UnknownNameError: There is no such metric.
    """
    specs = [spec for spec, _ in expand_metrics(metrics)]
    with tempfile.TemporaryDirectory(prefix="codecbench-") as folder:
        pair = Pair(
            id="pair",
            reference=_as_file(reference, sample_rate, Path(folder) / "reference.wav"),
            degraded=_as_file(degraded, sample_rate, Path(folder) / "degraded.wav"),
        )
        task = _task(pair, specs, evaluation_rate, Limits(), "pair")
        _, outcomes = run_task(task)
    return _collect(pair, specs, outcomes).cells


def score_pairs(
    pairs: Sequence[Pair],
    *,
    metrics: str | Iterable[str] = "core",
    evaluation_rate: int = 16000,
    jobs: int = 1,
    limits: Limits | None = None,
) -> Iterator[PairScores]:
    """Score many pairs of files, each as it is done; the order is that of completion.

    Args:
        pairs: What to score.
        metrics: Names or groups.
        evaluation_rate: Rate at which both are compared, in Hz.
        jobs: Worker processes.
        limits: For each step.
    """
    specs = [spec for spec, _ in expand_metrics(metrics)]
    bounds = limits or Limits()
    tasks = [
        _task(pair, specs, evaluation_rate, bounds, str(index)) for index, pair in enumerate(pairs)
    ]
    if cold := cold_metrics(specs):
        with SupervisedChild(bounds) as child:
            warm_up(cold, child)
    with distribute(tasks, jobs) as results:
        for name, outcomes in results:
            yield _collect(pairs[int(name)], specs, outcomes)


def _as_file(signal: Signal, sample_rate: int | None, path: Path) -> Path:
    """Return a file with the signal as it is, faults included: the child judges it."""
    import soundfile

    if isinstance(signal, str | Path):
        return Path(signal)
    if isinstance(signal, Audio):
        samples, rate = signal.samples, signal.sample_rate
    else:
        samples = np.asarray(signal)
        if sample_rate is None:
            msg = "an array has no sample rate; give sample_rate=…, or codecbench.Audio"
            raise AudioFormatError(msg)
        rate = sample_rate
        if samples.dtype.kind != "f" or samples.ndim != 1:
            Audio(samples, rate)  # refuses it and says how to convert
    soundfile.write(path, np.asarray(samples, dtype=np.float32), rate, subtype="FLOAT")
    return path


def _task(pair: Pair, specs: Sequence[str], rate: int, limits: Limits, name: str) -> Task:
    steps = tuple(
        Step(
            key=spec,
            request={
                "op": "score_pair",
                "metric": spec,
                "reference": str(pair.reference),
                "degraded": str(pair.degraded),
                "sample_rate": rate,
            },
        )
        for spec in specs
    )
    return Task(name=name, steps=steps, limits=limits)


def _collect(pair: Pair, specs: Sequence[str], outcomes: Sequence[tuple[str, Reply]]) -> PairScores:
    replies = dict(outcomes)
    cells: dict[str, Cell] = {}
    facts: Message = {}
    for spec in specs:
        reply = replies[spec]
        if reply.value is None:
            cell = Cell(status=Status(reply.status), reason=reply.reason, detail=reply.detail)
            cells |= dict.fromkeys(get_metric(spec).outputs, cell)
            continue
        facts |= {key: value for key, value in reply.value.items() if key != "cells"}
        cells |= cells_from_json(reply.value["cells"])
    clipped, difference = facts.get("clipped_share"), facts.get("length_difference")
    return PairScores(
        pair=pair,
        cells=cells,
        clipped_share=float(clipped) if isinstance(clipped, int | float) else None,
        length_difference=difference if isinstance(difference, int) else None,
    )
