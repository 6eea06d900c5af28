"""One step of plain scoring, inside the child: two files, one metric, no codec."""

from pathlib import Path

from codecbench.benchmark.cell_json import cells_to_json
from codecbench.benchmark.framing import Message
from codecbench.core.audio import Audio
from codecbench.core.audio_file import read_signal
from codecbench.core.cell import Cell
from codecbench.core.errors import SignalError
from codecbench.core.resampling import resample
from codecbench.metrics.evaluation import PreparedReference, evaluate, prepare_reference
from codecbench.metrics.registry import get_metric
from codecbench.metrics.screening import (
    Screened,
    degraded_reason,
    reference_reason,
    screen_degraded,
    screen_reference,
)


class PairBench:
    """Keeps the last pair screened and its reference prepared."""

    def __init__(self) -> None:
        """Start empty."""
        self._reference_key: tuple[str, int] = ("", 0)
        self._reference: Audio | Cell = Cell.undefined("too_short")
        self._prepared: dict[str, PreparedReference] = {}
        self._degraded_key: tuple[str, int, str] = ("", 0, "")
        self._screened: Screened | Cell = Cell.undefined("too_short")

    def run(self, request: Message) -> Message:
        """Score one pair of files with one metric.

        Args:
            request: ``metric`` (spec), ``reference`` and ``degraded`` (files), ``sample_rate`` (of
                the evaluation).

        Returns:
            ``cells`` as `ScoringBench.run` does, ``clipped_share`` and ``length_difference`` of
            the degraded file.
        """
        spec = str(request["metric"])
        metric = get_metric(spec)
        self._load_reference(str(request["reference"]), int(str(request["sample_rate"])))
        self._load_degraded(str(request["degraded"]))
        facts: Message = {}
        cells: dict[str, Cell]
        if isinstance(self._reference, Cell):
            cells = dict.fromkeys(metric.outputs, self._reference)
        else:
            if spec not in self._prepared:
                self._prepared[spec] = prepare_reference(metric, self._reference)
            prepared = self._prepared[spec]
            if isinstance(self._screened, Cell):
                cells = dict.fromkeys(metric.outputs, prepared.outcome or self._screened)
            else:
                cells = evaluate(metric, prepared, self._screened.audio)
                facts = {
                    "clipped_share": self._screened.clipped_share,
                    "length_difference": self._screened.length_difference,
                }
        return {"cells": cells_to_json(cells), **facts}

    def _load_reference(self, path: str, sample_rate: int) -> None:
        if self._reference_key == (path, sample_rate):
            return
        self._reference_key = (path, sample_rate)
        self._prepared.clear()
        try:
            raw = read_signal(Path(path))
            self._reference = resample(screen_reference(raw.samples, raw.sample_rate), sample_rate)
        except SignalError as error:
            self._reference = Cell.undefined(reference_reason(error), str(error))

    def _load_degraded(self, path: str) -> None:
        key = (*self._reference_key, path)
        if self._degraded_key == key:
            return
        self._degraded_key = key
        if isinstance(self._reference, Cell):
            self._screened = self._reference
            return
        try:
            raw = read_signal(Path(path))
            self._screened = screen_degraded(
                raw.samples, raw.sample_rate, reference=self._reference
            )
        except SignalError as error:
            self._screened = Cell.failed(degraded_reason(error), str(error))
