"""One scoring step, inside the child: one metric on one degraded version of one reference."""

import time
from pathlib import Path

from codecbench.benchmark.cell_json import cells_to_json
from codecbench.benchmark.framing import Message
from codecbench.benchmark.references import References, UnusableReferenceError
from codecbench.core.audio import Audio
from codecbench.core.audio_file import read_audio
from codecbench.core.cell import Cell, Status
from codecbench.core.errors import LostFileError, SignalError
from codecbench.metrics.base import Metric
from codecbench.metrics.evaluation import PreparedReference, evaluate, prepare_reference
from codecbench.metrics.registry import get_metric


class ScoringBench:
    """Keeps one reference prepared for every metric, and the degraded signal at hand.

    Steps come in the order of degraded signals, so a second one would only cost memory: what
    metrics share of 30 s of audio takes about 40 MB.
    """

    def __init__(self, references: References) -> None:
        """Share the references with the coding side."""
        self._references = references
        self._metrics: dict[str, Metric] = {}
        self._prepared_for = ""
        self._prepared: dict[str, PreparedReference] = {}
        self._degraded: Audio | None = None

    def run(self, request: Message) -> Message:
        """Score one degraded signal with one metric.

        Args:
            request: ``metric`` (spec), ``path``, ``sha256`` and ``clip`` (id) of the clip,
                ``sample_rate`` (of the evaluation), ``condition``, ``seed``, ``degraded`` (file)
                and ``degraded_sha256``. Without a degraded file only what the reference alone
                decides is answered.

        Returns:
            ``cells``: output name to ``[status, value, reason, detail]``; empty where there is no
            degraded file and the reference can be scored. ``compute_s``: time inside the metric,
            what it did for the reference included where this was the first to ask.
        """
        spec = str(request["metric"])
        if spec not in self._metrics:
            self._metrics[spec] = get_metric(spec)
        metric = self._metrics[spec]
        rate = int(str(request["sample_rate"]))
        try:
            reference = self._references.scored(request, rate)
        except UnusableReferenceError as error:
            cell = Cell.undefined(error.reason, error.detail)
            cells = dict.fromkeys(metric.outputs, cell)
            return {"cells": cells_to_json(cells), "compute_s": 0.0}
        if self._prepared_for != reference.sha256:
            self._prepared_for = reference.sha256
            self._prepared.clear()
        # Reading comes first, so that what is timed is the metric and nothing else.
        degraded = None
        if request["degraded"]:
            degraded = self._read(Path(str(request["degraded"])), str(request["degraded_sha256"]))
        started = time.perf_counter()
        if spec not in self._prepared:
            self._prepared[spec] = prepare_reference(metric, reference)
        prepared = self._prepared[spec]
        if degraded is None:
            outcome = prepared.outcome
            undefined = outcome is not None and outcome.status is Status.UNDEFINED
            cells = dict.fromkeys(metric.outputs, outcome) if outcome and undefined else {}
        else:
            cells = evaluate(metric, prepared, degraded)
        return {"cells": cells_to_json(cells), "compute_s": time.perf_counter() - started}

    def _read(self, path: Path, sha256: str) -> Audio:
        if self._degraded is None or self._degraded.sha256 != sha256:
            # Let go of the last one before this one is read.
            self._degraded = None
            try:
                audio = read_audio(path)
            except SignalError as error:
                raise _lost(path) from error
            if audio.sha256 != sha256:
                raise _lost(path)
            self._degraded = audio
        return self._degraded


def _lost(path: Path) -> LostFileError:
    """Take away what cannot be used, so that the next run makes it again."""
    path.unlink(missing_ok=True)
    return LostFileError(f"{path}: gone from the cache or damaged there; start the run again")
