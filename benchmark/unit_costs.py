"""What a second of audio costs in a codec or a metric: as it was before, or measured in short."""

import json
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from codecbench.benchmark.cell_json import cells_from_json
from codecbench.benchmark.framing import Message
from codecbench.benchmark.objects import ObjectStore
from codecbench.benchmark.plan import Plan, PlannedSystem
from codecbench.benchmark.store import CellRow, EncodingRow
from codecbench.benchmark.supervisor import Reply, Respondent
from codecbench.core.cell import Status
from codecbench.datasets.base import Clip

EARLIER = "earlier results"
MEASURED = "measured now"

_CLIPS = 2
_TRIED = 6
_SHORTEST_S = 2.0
_BYTES_PER_SAMPLE = 2
_SAMPLE = 20
"""Files of a system whose size is looked up."""

_CODING_TIMES = ("encode_s", "decode_s", "measure_s")
_DEGRADERS = ("pcm:bits=8", "pcm:bits=7")
"""What makes the signals that metrics are timed on: two for each reference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodingCost:
    """Of one system, for each second of audio at one point.

    Attributes:
        seconds: On one core.
        object_bytes: Degraded audio and bitstream.
        record_bytes: Of the record of one clip, whatever its length.
        origin: `EARLIER` or `MEASURED`.
    """

    seconds: float
    object_bytes: float
    record_bytes: float
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringCost:
    """Of one metric, for each second of audio.

    Attributes:
        seconds: On one core, for each degraded signal.
        reference_s: On one core, for each reference beside that.
        origin: `EARLIER` or `MEASURED`.
    """

    seconds: float
    reference_s: float
    origin: str


def earlier_coding_costs(
    rows: Iterable[EncodingRow], objects: ObjectStore, rate: int
) -> dict[str, CodingCost]:
    """Return the costs of systems of which some clips were coded before, by canonical name.

    Args:
        rows: What is known.
        objects: Where degraded audio and bitstreams lie, those that are kept still.
        rate: Of the evaluation, in Hz.
    """
    by_codec: dict[str, list[Message]] = {}
    for row in rows:
        if row.status is Status.OK:
            by_codec.setdefault(row.place.codec, []).append(row.record)
    return {
        codec: _coding_cost(records, objects, rate, EARLIER) for codec, records in by_codec.items()
    }


def earlier_scoring_costs(
    rows: Iterable[CellRow], seconds: Mapping[str, float]
) -> dict[str, ScoringCost]:
    """Return the costs of metrics that scored some clips before, by the name of the output.

    Args:
        rows: What is known.
        seconds: Duration of each clip by id.
    """
    times: dict[str, float] = {}
    audio: dict[str, float] = {}
    for row in rows:
        if row.cell.is_ok:
            times[row.metric] = times.get(row.metric, 0.0) + row.compute_s
            audio[row.metric] = audio.get(row.metric, 0.0) + seconds[row.place.clip]
    return {
        metric: ScoringCost(seconds=time / audio[metric], reference_s=0.0, origin=EARLIER)
        for metric, time in times.items()
        if audio[metric]
    }


def measure_costs(
    plan: Plan, child: Respondent, *, codecs: Collection[str], metrics: Collection[str]
) -> tuple[dict[str, CodingCost], dict[str, ScoringCost]]:
    """Carry out a few steps in a temporary folder and return what they cost.

    Each is done twice, on two clips where there are two, and the second time counts: the first
    loads models and compiles. What gives no value has no cost here.

    Args:
        plan: What is to be run.
        child: Where.
        codecs: Canonical names of the systems that matter.
        metrics: Specs of the metrics that matter.
    """
    if not (codecs or metrics):
        return {}, {}
    with tempfile.TemporaryDirectory(prefix="codecbench-") as folder:
        bench = _Bench(plan, child, ObjectStore(Path(folder)))
        coding = {
            system.facts.codec: cost
            for system in plan.systems
            if system.facts.codec in codecs and (cost := bench.code(system)) is not None
        }
        return coding, dict(bench.score(metrics)) if metrics else {}


class _Bench:
    """One or two clips, coded and scored for nothing but the time it takes."""

    def __init__(self, plan: Plan, child: Respondent, objects: ObjectStore) -> None:
        self._rate = plan.suite.sample_rate
        self._child = child
        self._objects = objects
        self._degraded: list[tuple[Clip, list[Message]]] = []
        for clip in _short_clips(plan.dataset.clips):
            versions = [self._code(spec, spec.partition("=")[2], clip).value for spec in _DEGRADERS]
            # A clip that is silent, say, tells nothing of what others cost.
            found = [version for version in versions if version and version["status"] == "ok"]
            if len(found) == len(_DEGRADERS):
                self._degraded.append((clip, found))
            if len(self._degraded) == _CLIPS:
                break

    def code(self, system: PlannedSystem) -> CodingCost | None:
        """Return what a system costs at its middle point."""
        points = system.facts.points
        point = points[len(points) // 2].name
        records = [self._code(system.facts.spec, point, clip).value for clip, _ in self._degraded]
        found = [record for record in records if record and record["status"] == "ok"]
        return _coding_cost(found[-1:], self._objects, self._rate, MEASURED) if found else None

    def score(self, metrics: Collection[str]) -> Iterator[tuple[str, ScoringCost]]:
        """Return what metrics cost, in an order that lets them share what they share in a run."""
        first: dict[str, float | None] = {}
        second: dict[str, float | None] = {}
        for clip, versions in self._degraded:
            first, second = (
                {metric: self._score(metric, clip, version) for metric in metrics}
                for version in versions
            )
        for metric, one in first.items():
            more = second[metric]
            if one is not None and more is not None:
                yield (
                    metric,
                    ScoringCost(
                        seconds=more / clip.seconds,
                        reference_s=max(0.0, one - more) / clip.seconds,
                        origin=MEASURED,
                    ),
                )

    def _code(self, spec: str, point: str, clip: Clip) -> Reply:
        return self._child.call(
            {
                "op": "code",
                "spec": spec,
                "point": point,
                "points": [point],
                **self._reference(clip),
                "objects": str(self._objects.root),
            }
        )

    def _score(self, metric: str, clip: Clip, version: Message) -> float | None:
        """Return the time inside a metric; None where it has no value."""
        degraded = str(version["degraded"])
        reply = self._child.call(
            {
                "op": "score",
                "metric": metric,
                **self._reference(clip),
                "degraded": str(self._objects.audio_path(degraded)),
                "degraded_sha256": degraded,
            }
        )
        if reply.value is None:
            return None
        cells = cells_from_json(reply.value["cells"]).values()
        return _number(reply.value, "compute_s") if all(cell.is_ok for cell in cells) else None

    def _reference(self, clip: Clip) -> Message:
        return {
            "path": str(clip.path),
            "sha256": clip.sha256,
            "sample_rate": self._rate,
            "condition": "clean",
            "clip": clip.id,
            "seed": 0,
        }


def _short_clips(clips: Sequence[Clip]) -> list[Clip]:
    """Return some of the shortest clips that every metric admits, or what there is."""
    usable = sorted(
        (clip for clip in clips if not clip.problem), key=lambda clip: (clip.seconds, clip.id)
    )
    admitted = [clip for clip in usable if clip.seconds >= _SHORTEST_S]
    return (admitted or usable[::-1])[:_TRIED]


def _coding_cost(
    records: Sequence[Message], objects: ObjectStore, rate: int, origin: str
) -> CodingCost:
    # Where none is kept, what audio takes at most.
    raw = _BYTES_PER_SAMPLE * rate
    audio_s = sum(_number(record, "coded_s") for record in records)
    core_s = sum(_number(record, name) for record in records for name in _CODING_TIMES)
    sizes = [(_size(record, objects), _number(record, "coded_s")) for record in records[:_SAMPLE]]
    kept = [(size, seconds) for size, seconds in sizes if size]
    sampled_s = sum(seconds for _, seconds in kept)
    return CodingCost(
        seconds=core_s / audio_s,
        object_bytes=sum(size for size, _ in kept) / sampled_s if sampled_s else raw,
        record_bytes=sum(len(json.dumps(record)) for record in records) / len(records),
        origin=origin,
    )


def _size(record: Message, objects: ObjectStore) -> int:
    """Return the bytes of a record's files; 0 where one of them is not kept."""
    paths = (
        objects.audio_path(str(record["degraded"])),
        objects.bitstream_path(str(record["bitstream"])),
    )
    return sum(path.stat().st_size for path in paths) if all(map(Path.exists, paths)) else 0


def _number(record: Message, name: str) -> float:
    return float(str(record[name]))
