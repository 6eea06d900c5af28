"""The tidy frame of a run, filled column by column: a run may have a million cells.

Places are numbers here: a block is a system at a point under a condition, in the order of the
plan, and a cell stands at (metric, block, clip).
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from codecbench.benchmark.framing import Message
from codecbench.benchmark.results import COLUMNS, MetricFacts, PointFacts, SystemFacts
from codecbench.benchmark.store import RunStore, encoding_of
from codecbench.core.cell import Cell, Status
from codecbench.core.fingerprint import Json
from codecbench.datasets.base import Clip
from codecbench.metrics.bit_statistics import measure_rates

RTP_HEADER_BITS = 8 * 40
"""IPv4 20 bytes (RFC 791), UDP 8 (RFC 768), RTP 12 (RFC 3550), for each packet."""

_NOT_RUN = Cell.skipped("not_run", "interrupted before this; start the run again")
_STATUSES = [status.value for status in Status]

# Any: what SQLite gives back; types are those of the schema.
Row = tuple[Any, ...]
OnRecord = Callable[[Row, int | None, int | None, Message], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A system at a point under a condition."""

    system: SystemFacts
    point: PointFacts
    condition: str


class Axes:
    """Where everything of a plan stands in the arrays."""

    def __init__(
        self,
        systems: Sequence[SystemFacts],
        conditions: Sequence[str],
        clips: Sequence[Clip],
        metrics: Sequence[MetricFacts],
    ) -> None:
        """Number blocks, clips and metrics in the order of the plan."""
        self.clips, self.metrics = clips, metrics
        self.blocks = [
            Block(system=system, point=point, condition=condition)
            for system in systems
            for point in system.points
            for condition in conditions
        ]
        self._blocks = {
            (block.system.codec, block.point.name, block.condition): number
            for number, block in enumerate(self.blocks)
        }
        self._clips = {clip.id: number for number, clip in enumerate(clips)}
        self._metrics = {metric.name: number for number, metric in enumerate(metrics)}

    @property
    def shape(self) -> tuple[int, int]:
        """Number of blocks and of clips."""
        return len(self.blocks), len(self.clips)

    def place(self, row: Row) -> tuple[int | None, int | None]:
        """Return block and clip of a row that begins with codec, point, condition and clip."""
        return self._blocks.get(row[:3]), self._clips.get(row[3])

    def metric(self, name: str) -> int | None:
        """Return the number of a metric."""
        return self._metrics.get(name)


class Cells:
    """All cells of a run: values, statuses, reasons, times."""

    def __init__(self, axes: Axes, rows: Iterable[Row]) -> None:
        """Take in rows of the table of cells; those that are not in the plan are left out.

        Raises:
            ResultSchemaError: A row is no cell.
        """
        shape = (len(axes.metrics), *axes.shape)
        self.value = np.full(shape, np.nan)
        self.compute_s = np.full(shape, np.nan)
        self.status = np.full(shape, _STATUSES.index(_NOT_RUN.status), np.int8)
        self.reason = np.zeros(shape, np.int32)
        known = {_words(_NOT_RUN.reason, _NOT_RUN.detail): 0, "": 1}
        ok = _STATUSES.index(Status.OK)
        for row in rows:
            block, clip = axes.place(row)
            metric = axes.metric(row[4])
            if block is None or clip is None or metric is None:
                continue
            _, status, value, reason, detail, took = row[5:11]
            at = metric, block, clip
            if status != "ok" or reason or detail or value is None or not math.isfinite(value):
                # Raises where status, value and reason do not go together.
                Cell(status=Status(status), value=value, reason=reason, detail=detail)
                self.status[at] = _STATUSES.index(status)
                self.reason[at] = known.setdefault(_words(reason, detail), len(known))
            else:
                self.status[at], self.reason[at] = ok, 1
            if status == "ok":
                self.value[at] = value
            self.compute_s[at] = took
        self.reasons = list(known)


class Encodings:
    """What was measured of each coded clip: bits and rates, by block and clip."""

    def __init__(self, axes: Axes, rows: Iterable[Row], on_record: OnRecord) -> None:
        """Take in rows of the table of encodings.

        Args:
            axes: The plan.
            rows: In the order of the store.
            on_record: Called with row, block, clip and record of each that is ok; what is not in
                the plan has None for block or clip.

        Raises:
            MetricError: Bits that cannot be.
        """
        self.payload_bps = np.full(axes.shape, np.nan)
        self.wire_bps = np.full(axes.shape, np.nan)
        self.total_bps = np.full(axes.shape, np.nan)
        self.rtp_bps = np.full(axes.shape, np.nan)
        self.concealment = np.zeros(axes.shape, np.int32)
        known = {"": 0}
        for row in rows:
            block, clip = axes.place(row)
            encoding = encoding_of(row)
            if block is not None and clip is not None:
                words = str(encoding.record.get("concealment", ""))
                self.concealment[block, clip] = known.setdefault(words, len(known))
            if encoding.status is not Status.OK:
                continue
            on_record(row, block, clip, encoding.record)
            if block is not None and clip is not None:
                self._put_rates((block, clip), axes.blocks[block].point, encoding.record)
        self.concealments = list(known)

    def _put_rates(self, at: tuple[int, int], point: PointFacts, record: Message) -> None:
        seconds = number_of(record, "coded_s")
        rates = measure_rates(
            nominal_bps=point.nominal_bps,
            payload_bits=round(number_of(record, "payload_bits")),
            wire_bits=round(number_of(record, "wire_bits")),
            total_bits=round(number_of(record, "total_bits")),
            duration_s=seconds,
        )
        self.payload_bps[at] = rates.payload_bps
        self.wire_bps[at], self.total_bps[at] = rates.wire_bps, rates.total_bps
        sent = record.get("sent_packets")
        if sent is not None:  # what the headers of a call add; some codecs know no packets
            self.rtp_bps[at] = RTP_HEADER_BITS * float(str(sent)) / seconds


def read_cells(axes: Axes, store: RunStore) -> Cells:
    """Read all cells of a store."""
    return Cells(axes, store.stream("cells"))


def read_encodings(axes: Axes, store: RunStore, on_record: OnRecord) -> Encodings:
    """Read all encodings of a store; see `Encodings`."""
    return Encodings(axes, store.stream("encodings"), on_record)


def tidy_frame(
    axes: Axes,
    cells: Cells,
    encodings: Encodings,
    *,
    facts: dict[str, Json],
    entropy_bps: Sequence[float | None],
    scored_against: Sequence[str],
) -> pd.DataFrame:
    """Return the tidy frame, see `COLUMNS`.

    Args:
        axes: The plan.
        cells: Of the run.
        encodings: Of the run.
        facts: By name: ``name``, ``dataset`` and ``seed`` of the run.
        entropy_bps: By block.
        scored_against: By block.
    """
    tag_names = sorted({name for clip in axes.clips for name in clip.tags})
    # A tag may be called like one of our columns; ours keep their names.
    tag_columns = [f"tag_{name}" if name in COLUMNS else name for name in tag_names]
    if not cells.value.size:
        return pd.DataFrame(columns=[*COLUMNS, *tag_columns])
    (n_blocks, n_clips), n_metrics = axes.shape, len(axes.metrics)
    metric = np.repeat(np.arange(n_metrics), n_blocks * n_clips)
    block = np.tile(np.repeat(np.arange(n_blocks), n_clips), n_metrics)
    clip = np.tile(np.arange(n_clips), n_metrics * n_blocks)
    nowhere = np.zeros(metric.size, np.int64)
    blocks, systems = axes.blocks, [each.system for each in axes.blocks]

    def by_encoding(values: NDArray[Any]) -> NDArray[Any]:
        return np.tile(values.reshape(-1), n_metrics)

    columns: dict[str, object] = {
        "run": _texts([facts["name"]], nowhere),
        "dataset": _texts([facts["dataset"]], nowhere),
        "codec": _texts([each.codec for each in systems], block),
        "point": _texts([each.point.name for each in blocks], block),
        "condition": _texts([each.condition for each in blocks], block),
        "clip": _texts([each.id for each in axes.clips], clip),
        "metric": _texts([each.name for each in axes.metrics], metric),
        "value": cells.value.reshape(-1),
        "status": _texts(_STATUSES, cells.status.reshape(-1)),
        "reason": _texts(cells.reasons, cells.reason.reshape(-1)),
        "unit": _texts([each.unit for each in axes.metrics], metric),
        "definition": _texts([each.definition_hash for each in axes.metrics], metric),
        "codec_version": _texts([each.version for each in systems], block),
        "fingerprint": _texts([each.fingerprint for each in systems], block),
        "seed": np.full(metric.size, int(str(facts["seed"]))),
        "clip_s": _numbers([each.seconds for each in axes.clips])[clip],
        "compute_s": cells.compute_s.reshape(-1),
        "nominal_bps": _numbers([each.point.nominal_bps for each in blocks])[block],
        "payload_bps": by_encoding(encodings.payload_bps),
        "wire_bps": by_encoding(encodings.wire_bps),
        "total_bps": by_encoding(encodings.total_bps),
        "entropy_bps": _numbers(entropy_bps)[block],
        "rtp_bps": by_encoding(encodings.rtp_bps),
        "scored_against": _texts(scored_against, block),
        "concealment": _texts(encodings.concealments, by_encoding(encodings.concealment)),
    }
    for name, column in zip(tag_names, tag_columns, strict=True):
        columns[column] = _texts([each.tags.get(name, "") for each in axes.clips], clip)
    return pd.DataFrame(columns)


def number_of(record: Message, key: str) -> float:
    """Return a number of a record.

    Raises:
        TypeError: It is none.
    """
    value = record[key]
    if not isinstance(value, int | float):
        msg = f"expected a number for {key}, found {value!r}"
        raise TypeError(msg)
    return float(value)


def _texts(values: Sequence[object], places: NDArray[Any]) -> Any:  # noqa: ANN401  (an extension array)
    return pd.array([str(value) for value in values], dtype="str").take(places)


def _numbers(values: Sequence[float | None]) -> NDArray[np.float64]:
    return np.array([math.nan if value is None else float(value) for value in values])


def _words(reason: str, detail: str) -> str:
    return f"{reason}: {detail}" if detail else reason
