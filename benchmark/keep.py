"""How much disk the audio of a run takes, and what of it stays when the run is over."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TypeAlias

from codecbench.benchmark.coding_stage import Coding
from codecbench.benchmark.objects import ObjectStore
from codecbench.benchmark.results import MetricFacts
from codecbench.benchmark.store import EncodingRow, Place
from codecbench.core.cell import Cell, Status

Keep: TypeAlias = Literal["audio", "worst", "none"]
"""What stays in the cache of a run's coded audio and bitstreams."""

KEPT_CLIPS = 3
"""With ``worst``: clips of each codec, point, condition and metric, beside those that failed."""

_BYTES_PER_SAMPLE = 2
_WAV_HEADER_BYTES = 44
_SPARE = 1.05
"""Bitstreams take more than their nominal rate: lengths of packets, and what VBR adds at times."""


def audio_bytes(codings: Iterable[Coding], sample_rate: int) -> int:
    """Return the most that degraded audio and bitstreams of codings can take in the cache.

    Args:
        codings: What has to be coded.
        sample_rate: Of the evaluation, in Hz.
    """
    total = 0.0
    for coding in codings:
        points = {point.name: point.nominal_bps for point in coding.system.facts.points}
        bits_per_s = points.get(coding.place.point, 0.0)
        per_s = _SPARE * _BYTES_PER_SAMPLE * sample_rate + bits_per_s / 8
        total += _WAV_HEADER_BYTES + coding.clip.seconds * per_s
    return round(total)


def drop_audio(
    keep: Keep,
    rows: Mapping[Place, EncodingRow],
    cells: Mapping[tuple[Place, str], Cell],
    metrics: Sequence[MetricFacts],
    objects: ObjectStore,
) -> tuple[int, int]:
    """Remove what shall not stay of the coded audio of a run; scores stay known.

    Whoever wants to hear or to score it again has it coded again, this run or another.

    Args:
        keep: What stays.
        rows: The encodings of the run.
        cells: Its cells.
        metrics: Its metrics, which say what is worse.
        objects: Where the files lie.

    Returns:
        Files that were removed, and their bytes.
    """
    if keep == "audio":
        return 0, 0
    coded = [row for row in rows.values() if row.status is Status.OK]
    places = _worst_places(cells, metrics) if keep == "worst" else set()
    stay = {name for row in coded if row.place in places for name in _names(row)}
    files = freed = 0
    for kind, name in sorted({name for row in coded for name in _names(row)} - stay):
        path = objects.find_audio(name) if kind == "audio" else objects.bitstream_path(name)
        if path is not None and path.exists():
            freed += path.stat().st_size
            files += 1
            path.unlink()
    return files, freed


def _names(row: EncodingRow) -> tuple[tuple[str, str], tuple[str, str]]:
    return ("audio", str(row.record["degraded"])), ("bits", str(row.record.get("bitstream", "")))


def _worst_places(
    cells: Mapping[tuple[Place, str], Cell], metrics: Sequence[MetricFacts]
) -> set[Place]:
    """Return where each metric is worst, and where it failed."""
    sign = {metric.name: 1.0 if metric.higher_is_better else -1.0 for metric in metrics}
    places: set[Place] = set()
    scores: dict[tuple[str, str, str, str], list[tuple[float, Place]]] = {}
    for (place, metric), cell in cells.items():
        if cell.status is Status.FAILED:
            places.add(place)
        elif cell.value is not None:
            group = (place.codec, place.point, place.condition, metric)
            scores.setdefault(group, []).append((sign[metric] * cell.value, place))
    for found in scores.values():
        found.sort(key=lambda one: (one[0], one[1].clip))
        places.update(place for _, place in found[:KEPT_CLIPS])
    return places
