"""From a run folder to the plain tables that reports read."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from codecbench.benchmark.code_step import unpack_counts
from codecbench.benchmark.conditions.spec import reference_of
from codecbench.benchmark.framing import Message
from codecbench.benchmark.results import RunResults, SystemFacts
from codecbench.benchmark.run_table import (
    Axes,
    Row,
    number_of,
    read_cells,
    read_encodings,
    tidy_frame,
)
from codecbench.benchmark.store import RunStore
from codecbench.benchmark.suite import read_suite
from codecbench.core.errors import CodecBenchError, ResultSchemaError
from codecbench.core.fingerprint import Json
from codecbench.metrics.bit_statistics import (
    CodebookStatistics,
    codebook_statistics,
    entropy_bps,
)

_MAX_BOOK = 2**22
"""Entries of the largest codebook that is counted; 64 times the largest there is."""
_SIGNALS = (
    *("codec", "point", "condition", "clip"),
    *("delay_ms", "method", "correlation", "gain_db", "polarity", "dc_offset", "drift"),
    *("clipped_share", "length_difference", "encode_s", "decode_s"),
    *("input_clipped_share", "sent_packets", "lost_packets"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pool:
    """What all clips of a point have together."""

    seconds: float
    payload_bits: int
    books: tuple[CodebookStatistics, ...]
    frame_rate: float

    @property
    def payload_bps(self) -> float | None:
        return self.payload_bits / self.seconds if self.seconds else None

    @property
    def entropy_bps(self) -> float | None:
        return entropy_bps(self.books, self.frame_rate) if self.books else None


def read_results(folder: Path) -> RunResults:
    """Read everything that a run has found so far; what is not computed yet is skipped:not_run.

    Args:
        folder: The run folder.

    Raises:
        ResultSchemaError: No run there, damaged, or of another schema.
    """
    try:
        return _read(folder)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        if isinstance(error, CodecBenchError):
            raise
        # A store is a file that anybody may have written.
        msg = f"{folder}: damaged ({type(error).__name__}: {error}); run again into another folder"
        raise ResultSchemaError(msg) from error


def _read(folder: Path) -> RunResults:
    suite = read_suite(folder / "suite.toml")
    with RunStore(folder) as store:
        facts = store.facts()
        clips, systems, metrics = store.clips(), store.systems(), store.metrics()
        axes = Axes(systems, suite.conditions, clips, metrics)
        signals = _Signals(int(str(facts["sample_rate"])))
        counts = _Counts(axes)

        def on_record(row: Row, block: int | None, clip: int | None, record: Message) -> None:
            signals.add(row, record)
            if block is not None and clip is not None:
                counts.add(block, clip, record)

        encodings = read_encodings(axes, store, on_record)
        cells = read_cells(axes, store)
    pools = counts.pools()
    environment = facts["environment"]
    return RunResults(
        name=str(facts["name"]),
        folder=folder,
        frame=tidy_frame(
            axes,
            cells,
            encodings,
            facts=facts,
            entropy_bps=[pool.entropy_bps for pool in pools],
            scored_against=[reference_of(block.condition) for block in axes.blocks],
        ),
        forensics=signals.frame(),
        codebooks=_codebooks(axes, pools),
        systems=tuple(_with_rates(system, axes, pools, suite.conditions[0]) for system in systems),
        metrics=tuple(metrics),
        suite=_suite_table(folder),
        environment=environment if isinstance(environment, dict) else {},
        references={clip.id: clip.sha256 for clip in clips},
    )


def by_name_metrics(folder: Path) -> frozenset[str]:
    """Return the metric outputs that were asked for by name, and not by a group."""
    with RunStore(folder) as store:
        names = store.facts().get("by_name")
    return frozenset(str(name) for name in names) if isinstance(names, list) else frozenset()


def _suite_table(folder: Path) -> dict[str, Json]:
    return tomllib.loads((folder / "suite.toml").read_text(encoding="utf-8"))


class _Counts:
    """Bits, seconds and codes of each block, to be pooled over its clips."""

    def __init__(self, axes: Axes) -> None:
        self._seconds = np.full(axes.shape, np.nan)
        self._bits = np.full(axes.shape, np.nan)
        self._frames = np.full(axes.shape, np.nan)
        self._books: dict[int, list[NDArray[np.int64]]] = {}

    def add(self, block: int, clip: int, record: Message) -> None:
        """Take in what was measured of one clip."""
        self._seconds[block, clip] = number_of(record, "coded_s")
        self._bits[block, clip] = number_of(record, "payload_bits")
        if "code_counts" not in record:
            return
        self._frames[block, clip] = number_of(record, "frames")
        sizes = _integers(record["codebook_sizes"])
        if any(not 0 < size <= _MAX_BOOK for size in sizes):
            msg = f"codebooks of {sizes} entries; at most {_MAX_BOOK} can be"
            raise ValueError(msg)
        books = self._books.setdefault(block, [np.zeros(size, dtype=np.int64) for size in sizes])
        texts = record["code_counts"]
        for book, text in zip(books, texts if isinstance(texts, list) else [], strict=True):
            values, found = unpack_counts(str(text))
            book[values] += found

    def pools(self) -> list[_Pool]:
        """Return what the clips of each block have together; sums run in the order of the clips."""
        found = []
        for block, seconds in enumerate(self._seconds):
            coded = ~np.isnan(seconds)
            with_codes = ~np.isnan(self._frames[block])
            books = self._books.get(block, [])
            frames = sum(self._frames[block][with_codes].tolist())
            found.append(
                _Pool(
                    seconds=sum(seconds[coded].tolist()),
                    payload_bits=round(sum(self._bits[block][coded].tolist())),
                    books=tuple(codebook_statistics(book) for book in books),
                    frame_rate=frames / sum(seconds[with_codes].tolist()) if books else 0.0,
                )
            )
        return found


def _with_rates(
    system: SystemFacts, axes: Axes, pools: Sequence[_Pool], condition: str
) -> SystemFacts:
    known = {
        (block.system.codec, block.point.name): pool
        for block, pool in zip(axes.blocks, pools, strict=True)
        if block.condition == condition
    }
    points = tuple(
        replace(
            point,
            payload_bps=known[system.codec, point.name].payload_bps,
            entropy_bps=known[system.codec, point.name].entropy_bps,
        )
        for point in system.points
    )
    return replace(system, points=points)


class _Signals:
    """What was measured of the signals of each coded clip, one row each."""

    def __init__(self, sample_rate: int) -> None:
        self._sample_rate = sample_rate
        self._rows: list[tuple[object, ...]] = []

    def add(self, row: Row, record: Message) -> None:
        """Take in one clip at one point."""
        found = record["alignment"]
        alignment = found if isinstance(found, dict) else {}
        halves = alignment.get("half_delays")
        drift = None
        if isinstance(halves, list):
            apart = number_of({"d": halves[1]}, "d") - number_of({"d": halves[0]}, "d")
            drift = 1000.0 * apart / self._sample_rate
        self._rows.append(
            (
                *row[:4],
                1000.0 * number_of(alignment, "delay_samples") / self._sample_rate,
                alignment["method"],
                alignment["correlation"],
                alignment["gain_db"],
                alignment["polarity"],
                alignment["dc_offset"],
                drift,
                record["clipped_share"],
                record["length_difference"],
                record["encode_s"],
                record["decode_s"],
                record.get("input_clipped_share", 0.0),
                record.get("sent_packets"),
                record.get("lost_packets", 0),
            )
        )

    def frame(self) -> pd.DataFrame:
        """Return all rows, in the order of the store."""
        return pd.DataFrame(self._rows, columns=list(_SIGNALS))


def _codebooks(axes: Axes, pools: Sequence[_Pool]) -> pd.DataFrame:
    rows = [
        {
            "codec": block.system.codec,
            "point": block.point.name,
            "condition": block.condition,
            "codebook": index,
            "size": book.size,
            "codes": book.codes,
            "used_share": book.use,
            "perplexity": book.perplexity,
            "entropy_bits": book.entropy_bits,
            "note": book.use_reason,
        }
        for block, pool in zip(axes.blocks, pools, strict=True)
        for index, book in enumerate(pool.books)
    ]
    columns = [
        "codec",
        "point",
        "condition",
        "codebook",
        "size",
        "codes",
        "used_share",
        "perplexity",
        "entropy_bits",
        "note",
    ]
    return pd.DataFrame(rows, columns=columns)


def _integers(value: Json) -> list[int]:
    return [int(str(item)) for item in value] if isinstance(value, list) else []
