"""What a bundle says: the shape of its files, read from strangers and therefore strictly.

manifest.json       this format, who packed what, every other file with its size and SHA-256
run.json            suite, environment, clips by content hash, systems, metrics, what keys hang on
encodings.jsonl     one line per clip, system, point and condition
cells.jsonl         one line per cell
bits/….cbs          bitstreams, by SHA-256
audio/….flac        degraded audio, by content hash
references/….wav    reference clips, only where asked for and where licences allow it
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

from codecbench.benchmark.keys import ConditionIdentity, MetricIdentity, RunIdentity
from codecbench.benchmark.results import SystemFacts
from codecbench.benchmark.suite import Suite
from codecbench.core.cell import Status
from codecbench.core.errors import BundleError
from codecbench.core.fingerprint import hash_json
from codecbench.metrics.alignment import Alignment
from codecbench.reports.boards.plain import check_plain, shown

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from pydantic import ConfigDict

FORMAT = "codecbench bundle"
VERSION = 1
MANIFEST, RUN, ENCODINGS, CELLS = "manifest.json", "run.json", "encodings.jsonl", "cells.jsonl"

Part: TypeAlias = Literal["audio", "bitstreams"]
"""What can be left out of a bundle."""
T = TypeVar("T")

_STRICT: "ConfigDict" = {"extra": "forbid"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEntry:
    """One file of a bundle."""

    __pydantic_config__ = _STRICT
    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What stands in front of a bundle.

    Attributes:
        format: `FORMAT`.
        version: `VERSION`.
        codecbench: Version that packed it.
        author: Who packed it, as they call themselves; "" where they did not say.
        run: Name of the run.
        dataset: Name of the dataset.
        dataset_fingerprint: Hash over ids and content of its clips.
        left_out: What is not in it.
        references: Whether the reference clips are in it.
        files: Every other file, sorted by name.
    """

    __pydantic_config__ = _STRICT
    format: str
    version: int
    codecbench: str
    author: str
    run: str
    dataset: str
    dataset_fingerprint: str
    left_out: tuple[Part, ...]
    references: bool
    files: tuple[FileEntry, ...]

    @property
    def content(self) -> str:
        """Hash over what was found, whoever packed it with or without sounds."""
        found = {entry.name: entry.sha256 for entry in self.files}
        return hash_json([found.get(name) for name in (RUN, ENCODINGS, CELLS)])


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedClip:
    """A reference by its content; see `codecbench.datasets.base.Clip`."""

    __pydantic_config__ = _STRICT
    id: str
    sample_rate: int
    seconds: float
    sha256: str
    channels: int
    problem: str
    tags: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedMetric:
    """A metric output; see `codecbench.benchmark.results.MetricFacts`. None: without bound."""

    __pydantic_config__ = _STRICT
    name: str
    unit: str
    higher_is_better: bool
    range: tuple[float | None, float | None]
    definition: str
    definition_hash: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedMetricIdentity:
    """See `codecbench.benchmark.keys.MetricIdentity`."""

    __pydantic_config__ = _STRICT
    spec: str
    outputs: tuple[str, ...]
    identity: dict[str, Any]  # Any: JSON, compared and hashed as a whole


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedConditionIdentity:
    """See `codecbench.benchmark.keys.ConditionIdentity`."""

    __pydantic_config__ = _STRICT
    name: str
    identity: Any  # Any: JSON, compared and hashed as a whole
    reference: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedIdentity:
    """See `codecbench.benchmark.keys.RunIdentity`."""

    __pydantic_config__ = _STRICT
    sample_rate: int
    seed: int
    resampler: str
    forensics: int
    adapters: dict[str, str]
    metrics: tuple[PackedMetricIdentity, ...]
    conditions: tuple[PackedConditionIdentity, ...]

    def as_identity(self) -> RunIdentity:
        """Return what keys are computed from."""
        return RunIdentity(
            sample_rate=self.sample_rate,
            seed=self.seed,
            resampler=self.resampler,
            forensics=self.forensics,
            adapters=self.adapters,
            metrics=tuple(MetricIdentity(**_fields(each)) for each in self.metrics),
            conditions=tuple(ConditionIdentity(**_fields(each)) for each in self.conditions),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDescription:
    """Everything about a run but its encodings and cells."""

    __pydantic_config__ = _STRICT
    name: str
    dataset: str
    dataset_fingerprint: str
    by_name: tuple[str, ...]
    suite: Suite
    identity: PackedIdentity
    environment: dict[str, Any]  # Any: JSON, shown as it is
    clips: tuple[PackedClip, ...]
    systems: tuple[SystemFacts, ...]
    metrics: tuple[PackedMetric, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedRecord:
    """What the coding step found; see `codecbench.benchmark.code_step`."""

    __pydantic_config__ = _STRICT
    status: Literal["ok"]
    degraded: str
    bitstream: str
    payload_bits: int
    wire_bits: int
    total_bits: int
    packets: int
    coded_s: float
    length_difference: int
    clipped_share: float
    alignment: Alignment
    measure_s: float
    load_s: float
    encode_s: float
    decode_s: float
    input_clipped_share: float = 0.0
    sent_packets: int | None = None
    lost_packets: int = 0
    concealment: str = ""
    codebook_sizes: tuple[int, ...] | None = None
    frames: int | None = None
    code_counts: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedEncoding:
    """What became of one clip at one point; `record` is None unless the status is ok."""

    __pydantic_config__ = _STRICT
    codec: str
    point: str
    condition: str
    clip: str
    key: str
    status: Status
    reason: str
    detail: str
    record: PackedRecord | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedCell:
    """One cell."""

    __pydantic_config__ = _STRICT
    codec: str
    point: str
    condition: str
    clip: str
    metric: str
    key: str
    status: Status
    value: float | None
    reason: str
    detail: str
    compute_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a run has found, ready to be packed, or unpacked and not yet believed."""

    description: RunDescription
    encodings: tuple[PackedEncoding, ...] = field(repr=False)
    cells: tuple[PackedCell, ...] = field(repr=False)

    def files(self) -> dict[str, bytes]:
        """Return the files that say all this, by name."""
        return {
            RUN: to_json(self.description),
            ENCODINGS: b"".join(map(to_json, self.encodings)),
            CELLS: b"".join(map(to_json, self.cells)),
        }


def to_json(value: "DataclassInstance") -> bytes:
    """Write a dataclass as one line of JSON; equal values give equal bytes."""
    table = asdict(value)
    text = json.dumps(
        table, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return f"{text}\n".encode()


def from_json(kind: type[T], data: bytes, where: str) -> T:
    """Read a dataclass from JSON.

    Args:
        kind: The class.
        data: One JSON object.
        where: For messages.

    Raises:
        BundleError: It is not that, or holds numbers or characters that have no place in it.
    """
    (found,) = from_lines(kind, [data], where)
    return found


def from_lines(kind: type[T], lines: Iterable[bytes], where: str) -> Iterator[T]:
    """Read dataclasses from lines of JSON; see `from_json`."""
    from pydantic import TypeAdapter, ValidationError

    adapter = TypeAdapter(kind)
    for number, line in enumerate(lines, start=1):
        try:
            check_plain(json.loads(line))
            yield adapter.validate_json(line, strict=True)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            msg = f"{where}, line {number}: {shown(place)}: {shown(first['msg'])}"
            raise BundleError(msg) from error
        except (ValueError, RecursionError) as error:
            msg = f"{where}, line {number}: {shown(str(error))}"
            raise BundleError(msg) from error


def _fields(packed: PackedMetricIdentity | PackedConditionIdentity) -> dict[str, Any]:
    # Any: the values have the types that the classes say.
    return {name: getattr(packed, name) for name in packed.__slots__}
