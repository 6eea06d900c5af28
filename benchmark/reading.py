"""From a run folder to the plain tables that reports read."""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from codecbench.benchmark.code_step import unpack_counts
from codecbench.benchmark.conditions.spec import reference_of
from codecbench.benchmark.framing import Message
from codecbench.benchmark.results import COLUMNS, PointFacts, RunResults, SystemFacts
from codecbench.benchmark.store import EncodingRow, Place, RunStore
from codecbench.benchmark.suite import read_suite
from codecbench.core.cell import Cell, Status
from codecbench.core.fingerprint import Json
from codecbench.metrics.bit_statistics import (
    CodebookStatistics,
    codebook_statistics,
    entropy_bps,
    measure_rates,
)

RTP_HEADER_BITS = 8 * 40
"""IPv4 20 bytes (RFC 791), UDP 8 (RFC 768), RTP 12 (RFC 3550), for each packet."""

_NOT_RUN = Cell.skipped("not_run", "interrupted before this; start the run again")


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
    with RunStore(folder) as store:
        facts = store.facts()
        clips, systems, metrics = store.clips(), store.systems(), store.metrics()
        encodings, cells = store.encodings(), store.cells()
    suite = read_suite(folder / "suite.toml")
    pools = {
        (system.codec, point.name, condition): _pool(
            encodings.get(_place(system, point, condition, clip.id)) for clip in clips
        )
        for system in systems
        for point in system.points
        for condition in suite.conditions
    }
    against = {name: reference_of(name) for name in suite.conditions}
    tag_names = sorted({name for clip in clips for name in clip.tags})
    rows: list[tuple[Any, ...]] = []
    for metric in metrics:
        for system in systems:
            for point in system.points:
                for condition in suite.conditions:
                    pool = pools[system.codec, point.name, condition]
                    for clip in clips:
                        place = _place(system, point, condition, clip.id)
                        row = cells.get((place, metric.name))
                        cell = row.cell if row else _NOT_RUN
                        rows.append(
                            (
                                facts["name"],
                                facts["dataset"],
                                system.codec,
                                point.name,
                                condition,
                                clip.id,
                                metric.name,
                                cell.value,
                                cell.status.value,
                                _reason(cell),
                                metric.unit,
                                metric.definition_hash,
                                system.version,
                                system.fingerprint,
                                facts["seed"],
                                clip.seconds,
                                row.compute_s if row else None,
                                point.nominal_bps,
                                *_clip_rates(point.nominal_bps, encodings.get(place)),
                                pool.entropy_bps,
                                _rtp_bps(encodings.get(place)),
                                against[condition],
                                _concealment(encodings.get(place)),
                                *(clip.tags.get(name, "") for name in tag_names),
                            )
                        )
    # A tag may be called like one of our columns; ours keep their names.
    tag_columns = [f"tag_{name}" if name in COLUMNS else name for name in tag_names]
    frame = pd.DataFrame.from_records(rows, columns=[*COLUMNS, *tag_columns])
    floats = ["value", "compute_s", "payload_bps", "wire_bps", "total_bps", "entropy_bps"]
    floats.append("rtp_bps")
    environment = facts["environment"]
    return RunResults(
        name=str(facts["name"]),
        folder=folder,
        frame=frame.astype(dict.fromkeys(floats, "float64")),
        forensics=_forensics(encodings.values(), int(str(facts["sample_rate"]))),
        codebooks=_codebooks(pools),
        systems=tuple(_with_rates(system, pools, suite.conditions[0]) for system in systems),
        metrics=tuple(metrics),
        suite=_suite_table(folder),
        environment=environment if isinstance(environment, dict) else {},
        references={clip.id: clip.sha256 for clip in clips},
    )


def by_name_metrics(folder: Path) -> frozenset[str]:
    """Return the metric outputs that were asked for by name, and not by a group."""
    with RunStore(folder) as store:
        names = store.facts()["by_name"]
    return frozenset(str(name) for name in names) if isinstance(names, list) else frozenset()


def _suite_table(folder: Path) -> dict[str, Json]:
    return tomllib.loads((folder / "suite.toml").read_text(encoding="utf-8"))


def _place(system: SystemFacts, point: PointFacts, condition: str, clip: str) -> Place:
    return Place(codec=system.codec, point=point.name, condition=condition, clip=clip)


def _reason(cell: Cell) -> str:
    return f"{cell.reason}: {cell.detail}" if cell.detail else cell.reason


def _clip_rates(nominal_bps: float, encoding: EncodingRow | None) -> tuple[float | None, ...]:
    if encoding is None or encoding.status is not Status.OK:
        return (None, None, None)
    record = encoding.record
    rates = measure_rates(
        nominal_bps=nominal_bps,
        payload_bits=round(_number(record, "payload_bits")),
        wire_bits=round(_number(record, "wire_bits")),
        total_bits=round(_number(record, "total_bits")),
        duration_s=_number(record, "coded_s"),
    )
    return (rates.payload_bps, rates.wire_bps, rates.total_bps)


def _rtp_bps(encoding: EncodingRow | None) -> float | None:
    """Return what the headers of a call add to the rate; None where packets are not known."""
    if encoding is None or encoding.status is not Status.OK:
        return None
    sent = encoding.record.get("sent_packets")
    if sent is None:
        return None
    return RTP_HEADER_BITS * float(str(sent)) / _number(encoding.record, "coded_s")


def _concealment(encoding: EncodingRow | None) -> str:
    return "" if encoding is None else str(encoding.record.get("concealment", ""))


def _pool(encodings: Iterable[EncodingRow | None]) -> _Pool:
    records = [row.record for row in encodings if row is not None and row.status is Status.OK]
    seconds = sum(_number(record, "coded_s") for record in records)
    coded = [record for record in records if "code_counts" in record]
    if not coded:
        bits = round(sum(_number(record, "payload_bits") for record in records))
        return _Pool(seconds=seconds, payload_bits=bits, books=(), frame_rate=0.0)
    sizes = _integers(coded[0]["codebook_sizes"])
    counts = [np.zeros(size, dtype=np.int64) for size in sizes]
    for record in coded:
        texts = record["code_counts"]
        for book, text in zip(counts, texts if isinstance(texts, list) else [], strict=True):
            values, found = unpack_counts(str(text))
            book[values] += found
    frames = sum(_number(record, "frames") for record in coded)
    return _Pool(
        seconds=seconds,
        payload_bits=round(sum(_number(record, "payload_bits") for record in records)),
        books=tuple(codebook_statistics(book) for book in counts),
        frame_rate=frames / sum(_number(record, "coded_s") for record in coded),
    )


def _with_rates(
    system: SystemFacts, pools: dict[tuple[str, str, str], _Pool], condition: str
) -> SystemFacts:
    points = tuple(
        replace(
            point,
            payload_bps=pools[system.codec, point.name, condition].payload_bps,
            entropy_bps=pools[system.codec, point.name, condition].entropy_bps,
        )
        for point in system.points
    )
    return replace(system, points=points)


def _forensics(encodings: Iterable[EncodingRow], sample_rate: int) -> pd.DataFrame:
    rows = []
    for encoding in encodings:
        if encoding.status is not Status.OK:
            continue
        record, place = encoding.record, encoding.place
        found = record["alignment"]
        alignment = found if isinstance(found, dict) else {}
        halves = alignment.get("half_delays")
        drift = (
            1000.0 * (_number({"d": halves[1]}, "d") - _number({"d": halves[0]}, "d")) / sample_rate
            if isinstance(halves, list)
            else None
        )
        rows.append(
            {
                "codec": place.codec,
                "point": place.point,
                "condition": place.condition,
                "clip": place.clip,
                "delay_ms": 1000.0 * _number(alignment, "delay_samples") / sample_rate,
                "method": alignment["method"],
                "correlation": alignment["correlation"],
                "gain_db": alignment["gain_db"],
                "polarity": alignment["polarity"],
                "dc_offset": alignment["dc_offset"],
                "drift": drift,
                "clipped_share": record["clipped_share"],
                "length_difference": record["length_difference"],
                "encode_s": record["encode_s"],
                "decode_s": record["decode_s"],
                "input_clipped_share": record.get("input_clipped_share", 0.0),
                "sent_packets": record.get("sent_packets"),
                "lost_packets": record.get("lost_packets", 0),
            }
        )
    columns = [
        "codec",
        "point",
        "condition",
        "clip",
        "delay_ms",
        "method",
        "correlation",
        "gain_db",
        "polarity",
        "dc_offset",
        "drift",
        "clipped_share",
        "length_difference",
        "encode_s",
        "decode_s",
        "input_clipped_share",
        "sent_packets",
        "lost_packets",
    ]
    return pd.DataFrame(rows, columns=columns)


def _codebooks(pools: dict[tuple[str, str, str], _Pool]) -> pd.DataFrame:
    rows = [
        {
            "codec": codec,
            "point": point,
            "condition": condition,
            "codebook": index,
            "size": book.size,
            "codes": book.codes,
            "used_share": book.use,
            "perplexity": book.perplexity,
            "entropy_bits": book.entropy_bits,
            "note": book.use_reason,
        }
        for (codec, point, condition), pool in pools.items()
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


def _number(table: Message, key: str) -> float:
    value = table[key]
    if not isinstance(value, int | float):
        msg = f"expected a number for {key}, found {value!r}"
        raise TypeError(msg)
    return float(value)


def _integers(value: Json) -> list[int]:
    return [int(str(item)) for item in value] if isinstance(value, list) else []
