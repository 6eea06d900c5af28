"""Whether a run's results agree with themselves: nothing is computed again for this."""

import base64
import math
import re
import zlib
from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codecbench.benchmark.framing import Message
from codecbench.benchmark.keys import ConditionIdentity, RunIdentity
from codecbench.core.cell import Cell, Status
from codecbench.core.errors import BundleError, ResultSchemaError
from codecbench.core.fingerprint import hash_json
from codecbench.reports.boards.contents import (
    Contents,
    PackedCell,
    PackedEncoding,
    PackedMetric,
    PackedRecord,
    RunDescription,
)
from codecbench.reports.boards.plain import condition_objection, shown

_MOST_BOOKS = 4096
_MOST_ENTRIES = 2**20
_LONGEST_NAME = 500
_MOST_TAGS = 64
_DIGEST = re.compile("[0-9a-f]{64}")


def check_contents(contents: Contents) -> None:
    """Check that results are complete, agree with each other, and have the keys that they claim.

    Raises:
        BundleError: They do not; the message names the place, what is there and what should be.
    """
    described = contents.description
    _check_description(described)
    encodings = {_place(encoding): encoding for encoding in contents.encodings}
    _check_complete(described, contents)
    check = _KeyCheck.of(described)
    for encoding in contents.encodings:
        check.encoding(encoding)
    values: dict[str, PackedCell] = {}
    for cell in contents.cells:
        check.cell(cell, encodings[_place(cell)])
        # One key may answer for several outputs of one metric.
        twin = values.setdefault(f"{cell.key} {cell.metric}", cell)
        if (twin.status, twin.value) != (cell.status, cell.value):
            _refuse(
                cell, f"{_said(cell)}, with the key of {name_of(twin)}, which has {_said(twin)}"
            )
    _check_gaps(contents)


def name_of(row: PackedEncoding | PackedCell) -> str:
    """Return words for a place, fit for a message."""
    words = f"{row.codec} at {row.point}, {row.condition}, clip '{row.clip}'"
    return shown(f"{row.metric} of {words}" if isinstance(row, PackedCell) else words)


def _refuse(row: PackedEncoding | PackedCell, why: str) -> None:
    msg = f"{name_of(row)}: {why}"
    raise BundleError(msg)


def _said(cell: PackedCell) -> str:
    return f"{cell.value:.6g}" if cell.value is not None else f"{cell.status}:{shown(cell.reason)}"


def _place(row: PackedEncoding | PackedCell) -> tuple[str, str, str, str]:
    return (row.codec, row.point, row.condition, row.clip)


def _check_description(described: RunDescription) -> None:
    _check_names(described)
    _check_claims(described)
    _check_definitions(described)
    for name in described.suite.conditions:
        objection = condition_objection(name)
        if objection:
            msg = f"condition '{shown(name)}' cannot be repeated elsewhere: {objection}"
            raise BundleError(msg)
    if not 8000 <= described.identity.sample_rate <= 48000:
        msg = f"evaluation rate {described.identity.sample_rate} Hz"
        raise BundleError(msg)
    for clip in described.clips:
        if clip.problem:
            continue
        sane = 0 <= clip.seconds <= 3600 and 0 < clip.sample_rate < 10**6
        if not sane or not _DIGEST.fullmatch(clip.sha256):
            msg = f"clip '{shown(clip.id)}': {clip.seconds} s at {clip.sample_rate} Hz, content "
            raise BundleError(msg + shown(clip.sha256))


def _check_names(described: RunDescription) -> None:
    names = {
        "clip": [clip.id for clip in described.clips],
        "system": [system.codec for system in described.systems],
        "metric": [metric.name for metric in described.metrics],
        "condition": list(described.suite.conditions),
    }
    for kind, found in names.items():
        doubled = [name for name, count in Counter(found).items() if count > 1]
        if not found or doubled:
            msg = f"{kind} '{shown(doubled[0])}' stands twice" if doubled else f"there is no {kind}"
            raise BundleError(msg)
        if any(not name or len(name) > _LONGEST_NAME or "\n" in name for name in found):
            msg = f"the name of a {kind} is empty or too long"
            raise BundleError(msg)

    tags = {name for clip in described.clips for name in clip.tags}
    if len(tags) > _MOST_TAGS:
        msg = f"{len(tags)} kinds of tags on clips; at most {_MOST_TAGS} are taken"
        raise BundleError(msg)


def _check_claims(described: RunDescription) -> None:
    identity = described.identity
    outputs = [name for each in identity.metrics for name in each.outputs]
    systems = [
        (system.codec, system.fingerprint, [point.name for point in system.points])
        for system in described.systems
    ]
    same = {
        "sample rate": (identity.sample_rate, described.suite.sample_rate),
        "seed": (identity.seed, described.suite.seed),
        "conditions": ([c.name for c in identity.conditions], list(described.suite.conditions)),
        "metrics": (outputs, [metric.name for metric in described.metrics]),
        "adapters": (sorted(identity.adapters), sorted(codec for codec, _, _ in systems)),
        "dataset fingerprint": (
            described.dataset_fingerprint,
            hash_json([[clip.id, clip.sha256] for clip in described.clips]),
        ),
        "name": (
            described.name,
            identity.as_identity().run_name(systems, described.dataset_fingerprint),
        ),
    }
    for what, (claimed, computed) in same.items():
        if claimed != computed:
            msg = f"{what}: {shown(str(claimed))} claimed, {shown(str(computed))} by the contents"
            raise BundleError(msg)


def _check_definitions(described: RunDescription) -> None:
    facts = {metric.name: metric for metric in described.metrics}
    for each in described.identity.metrics:
        definition = each.identity.get("definition")
        computed = hash_json({"definition": definition, "versions": each.identity.get("versions")})
        for name in each.outputs:
            claimed = (facts[name].definition, facts[name].definition_hash)
            if claimed != (definition, computed[:12]):
                msg = (
                    f"metric '{shown(name)}': its definition '{shown(claimed[0])}' [{claimed[1]}] "
                    f"is not what its keys hang on, '{shown(str(definition))}' [{computed[:12]}]"
                )
                raise BundleError(msg)


def _check_complete(described: RunDescription, contents: Contents) -> None:
    """Refuse results in which places are missing, which is how clips can be chosen unseen."""
    places = {
        (system.codec, point.name, condition, clip.id)
        for system in described.systems
        for point in system.points
        for condition in described.suite.conditions
        for clip in described.clips
    }
    found = Counter(map(_place, contents.encodings))
    cells = Counter((*_place(cell), cell.metric) for cell in contents.cells)
    wanted = {(*place, metric.name) for place in places for metric in described.metrics}
    for kind, have, want in (("encoding", found, places), ("cell", cells, wanted)):
        for difference, word in (
            (want - have.keys(), "missing"),
            (have.keys() - want, "unplanned"),
        ):
            if difference:
                first = shown(" / ".join(min(difference)))
                msg = (
                    f"{len(difference)} {kind}s are {word}, the first is {first}; finish the run "
                    "by its own command, then bundle it"
                )
                raise BundleError(msg)
        doubled = [place for place, count in have.items() if count > 1]
        if doubled:
            msg = f"{kind} {shown(' / '.join(doubled[0]))} stands twice"
            raise BundleError(msg)


def _check_gaps(contents: Contents) -> None:
    """Refuse gaps that honest runs do not have.

    What is skipped is skipped for all clips, and what is undefined is so for all systems.
    """
    skipped: dict[tuple[str, ...], set[bool]] = {}
    undefined: dict[tuple[str, str, str], dict[bool, PackedCell]] = {}
    for cell in contents.cells:
        if cell.status is Status.UNDEFINED or cell.status is Status.OK:
            by_kind = undefined.setdefault((cell.metric, cell.condition, cell.clip), {})
            by_kind[cell.status is Status.OK] = cell
        if cell.status is not Status.UNDEFINED:
            place = (cell.metric, cell.codec, cell.point, cell.condition)
            skipped.setdefault(place, set()).add(cell.status is Status.SKIPPED)
    for by_kind in undefined.values():
        if len(by_kind) == 2:
            _refuse(by_kind[False], f"undefined, but a value for {name_of(by_kind[True])}")
    for where, kinds in skipped.items():
        if len(kinds) == 2:
            msg = f"{shown(' / '.join(where))}: skipped for some clips and not for others"
            raise BundleError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class _KeyCheck:
    """Computes keys again, and looks at what stands beside them."""

    identity: RunIdentity
    conditions: dict[str, ConditionIdentity]
    clips: dict[str, str]
    seconds: dict[str, float]
    versions: dict[str, tuple[str, str]]
    metrics: dict[str, PackedMetric]
    identities: dict[str, Message]

    @classmethod
    def of(cls, described: RunDescription) -> "_KeyCheck":
        identity = described.identity.as_identity()
        return cls(
            identity=identity,
            conditions={each.name: each for each in identity.conditions},
            clips={clip.id: clip.sha256 for clip in described.clips},
            seconds={clip.id: clip.seconds for clip in described.clips},
            versions={each.codec: (each.version, each.fingerprint) for each in described.systems},
            metrics={metric.name: metric for metric in described.metrics},
            identities={
                name: each.identity for each in described.identity.metrics for name in each.outputs
            },
        )

    def encoding(self, row: PackedEncoding) -> None:
        version, fingerprint = self.versions[row.codec]
        computed = self.identity.coding_key(
            clip=row.clip,
            sha256=self.clips[row.clip],
            codec=row.codec,
            version=version,
            fingerprint=fingerprint,
            point=row.point,
            condition=self.conditions[row.condition],
        )
        if row.key != computed:
            _refuse(row, f"coding key {shown(row.key)} claimed, {computed} by the contents")
        if (row.status is Status.OK) != (row.record is not None):
            _refuse(row, f"status {row.status} {'without' if row.record is None else 'with'} facts")
        if row.record is not None:
            try:
                _check_record(row.record, self.seconds[row.clip])
            except ValueError as error:
                _refuse(row, str(error))

    def cell(self, row: PackedCell, encoding: PackedEncoding) -> None:
        try:
            Cell(status=row.status, value=row.value, reason=row.reason, detail=row.detail)
        except ResultSchemaError as error:
            _refuse(row, shown(str(error)))
        lost = encoding.status in (Status.UNDEFINED, Status.SKIPPED)
        if lost and row.status is not encoding.status and row.status is not Status.SKIPPED:
            _refuse(row, f"{_said(row)}, but its coding is {encoding.status}")
        if encoding.status is Status.FAILED and row.status is Status.OK:
            _refuse(row, f"{_said(row)}, but its coding has failed")
        computed = self.identity.scoring_key(
            clip=row.clip,
            sha256=self.clips[row.clip],
            metric=self.identities[row.metric],
            condition=self.conditions[row.condition],
            degraded=encoding.record.degraded if encoding.record is not None else "",
        )
        # What needs no scoring has the key of its coding.
        unscored = lost or row.status is Status.SKIPPED
        if row.key != computed and not (unscored and row.key == encoding.key):
            _refuse(row, f"scoring key {shown(row.key)} claimed, {computed} by the contents")
        if row.value is not None:
            low, high = self.metrics[row.metric].range
            slack = 1e-6 * max(1.0, abs(row.value))
            if not (
                (-math.inf if low is None else low) - slack
                <= row.value
                <= (math.inf if high is None else high) + slack
            ):
                _refuse(row, f"{_said(row)} lies outside the metric's range {low} … {high}")


def _check_record(record: PackedRecord, seconds: float) -> None:
    """Refuse what a reader of results could trip over, or what no clip of that length has."""
    if not (_DIGEST.fullmatch(record.bitstream) and _DIGEST.fullmatch(record.degraded)):
        msg = "sounds that are not named by their content"
        raise ValueError(msg)
    bits = (record.payload_bits, record.wire_bits, record.total_bits, record.packets)
    if not 0 <= bits[0] <= bits[1] <= bits[2] or record.packets < 0:
        msg = f"bits {bits} of payload, packets and all, and packets: not in this order"
        raise ValueError(msg)
    if record.coded_s <= 0 or abs(record.coded_s - seconds) > 0.001:
        msg = f"{record.coded_s} s coded of a clip of {seconds} s"
        raise ValueError(msg)
    sizes, counts = record.codebook_sizes, record.code_counts
    if sizes is None or counts is None:
        if (sizes, counts, record.frames) != (None, None, None):
            msg = "codes without their counts"
            raise ValueError(msg)
        return
    if len(sizes) > _MOST_BOOKS or len(sizes) != len(counts) or record.frames is None:
        msg = f"{len(sizes)} codebooks and {len(counts)} counts"
        raise ValueError(msg)
    for size, text in zip(sizes, counts, strict=True):
        if not 0 < size <= _MOST_ENTRIES:
            msg = f"a codebook of {size} entries"
            raise ValueError(msg)
        values, found = _unpack(text, size)
        fits = values.size == 0 or (values.min() >= 0 and values.max() < size and found.min() > 0)
        if not fits or found.sum() != record.frames or np.unique(values).size != values.size:
            msg = f"counts of codes that are not of {record.frames} frames and {size} entries"
            raise ValueError(msg)


def _unpack(text: str, size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Unpack counts within the room that they may need."""
    most = 16 * size
    unpacker = zlib.decompressobj()
    try:
        data = unpacker.decompress(base64.b64decode(text, validate=True), most + 1)
    except zlib.error as error:
        msg = "counts of codes that cannot be unpacked"
        raise ValueError(msg) from error
    if len(data) > most or len(data) % 16 or not unpacker.eof:
        msg = "counts of codes that are cut or too many"
        raise ValueError(msg)
    table = np.frombuffer(data, dtype="<i8").reshape(2, -1)
    return table[0], table[1]
