"""A sample of a stranger's run, computed again: bitstreams decoded, clips coded and scored."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from codecbench.benchmark.cell_json import cells_from_json
from codecbench.benchmark.framing import Message
from codecbench.benchmark.objects import ObjectStore
from codecbench.benchmark.supervisor import Reply, SupervisedChild
from codecbench.core.audio_file import read_audio
from codecbench.core.cell import Cell, Status
from codecbench.core.errors import BundleError
from codecbench.reports.boards.at_hand import AtHand, MetricHere
from codecbench.reports.boards.consistency import name_of
from codecbench.reports.boards.contents import PackedCell, PackedEncoding, PackedRecord
from codecbench.reports.boards.evidence import Evidence
from codecbench.reports.boards.plain import shown
from codecbench.reports.boards.unpacking import Bundle

NEAR_DB = 40.0
"""Decoded anew, audio may differ from a stranger's by an error so far below the signal.

Decoders of integers give equal samples. Networks differ in the last digits from one processor to
the next, which after rounding to 16 bit is an error of 60 dB below speech and less.
"""
BITS_SHARE = 0.01
"""Coded anew, a clip may take so many more or fewer bits, for the same reason."""


@dataclass(slots=True, kw_only=True)
class Repetition:
    """Computes a sample again and compares.

    Attributes:
        bundle: What was claimed.
        at_hand: What can be computed here.
        references: File of each clip, by id.
        child: Where codecs and metrics run, within time and memory.
        scratch: Folder for what is decoded.
        evidence: What was found so far.
    """

    bundle: Bundle
    at_hand: AtHand
    references: Mapping[str, Path]
    child: SupervisedChild
    scratch: Path
    evidence: Evidence
    _clips: dict[str, str] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)
    _worst: dict[str, float] = field(default_factory=dict)

    def run(self) -> Evidence:
        """Decode, code and score the sample again, and look at every undefined cell.

        Raises:
            BundleError: Something is not what was claimed; the message names place and values.
        """
        described = self.bundle.contents.description
        self._clips = {clip.id: clip.sha256 for clip in described.clips}
        chosen = set(self.evidence.clips)
        encodings = [row for row in self.bundle.contents.encodings if row.clip in chosen]
        if "bitstreams" not in self.bundle.manifest.left_out:
            self._decode([row for row in encodings if row.record is not None])
        self._code(encodings)
        self._score(chosen)
        self._look_at_undefined(chosen)
        return Evidence(
            seed=self.evidence.seed,
            clips=self.evidence.clips,
            worst=dict(sorted(self._worst.items())),
            **self._counts,
        )

    def _count(self, what: str, number: int = 1) -> None:
        self._counts[what] = self._counts.get(what, 0) + number

    def _step(self, row: PackedEncoding | PackedCell, **request: str) -> Message:
        described = self.bundle.contents.description
        return {
            "path": str(self.references[row.clip]),
            "sha256": self._clips[row.clip],
            "sample_rate": described.identity.sample_rate,
            "condition": row.condition,
            "clip": row.clip,
            "seed": described.identity.seed,
            **request,
        }

    def _coding_step(self, row: PackedEncoding) -> Message:
        step = self._step(row, op="code", spec=self.at_hand.codecs[row.codec].spec, point=row.point)
        return step | {"points": [row.point], "objects": str(self.scratch / "objects")}

    def _decode(self, encodings: Sequence[PackedEncoding]) -> None:
        rows = [row for row in encodings if row.codec in self.at_hand.codecs]
        requests: list[Message] = []
        for row in rows:
            path = self.bundle.objects.bitstream_path(_record(row).bitstream)
            requests.append(self._coding_step(row) | {"bitstream": str(path)})
        for row, reply in zip(rows, self.child.stream(requests), strict=True):
            self._judge_decoded(row, _outcome(row, reply, "its bitstream, decoded here"))

    def _judge_decoded(self, row: PackedEncoding, found: Message) -> None:
        record = _record(row)
        self._count("decoded")
        if found["degraded"] == record.degraded:
            self._count("identical")
        elif "audio" in self.bundle.manifest.left_out:
            msg = (
                f"{name_of(row)}: decoded here, other samples come out than were scored; their "
                "audio is not in the bundle, so nobody can say how different"
            )
            raise BundleError(msg)
        else:
            apart = self._decibels(record.degraded, str(found["degraded"]))
            if apart < NEAR_DB:
                msg = (
                    f"{name_of(row)}: its audio differs from its bitstream decoded here by an "
                    f"error {apart:.1f} dB below the signal; at least {NEAR_DB:g} dB are wanted"
                )
                raise BundleError(msg)
        for what, theirs in (
            ("packets sent", record.sent_packets),
            ("packets lost", record.lost_packets),
            ("concealment", record.concealment),
            ("samples of difference in length", record.length_difference),
        ):
            ours = found[_FIELDS[what]]
            if theirs != ours:
                msg = f"{name_of(row)}: {what}: {theirs} in the bundle, {ours} here"
                raise BundleError(msg)
        self._compare_alignment(row, found)

    def _compare_alignment(self, row: PackedEncoding, found: Message) -> None:
        here = found["alignment"]
        alignment = _record(row).alignment
        ours = here if isinstance(here, dict) else {}
        for what, theirs, slack in (
            ("delay_samples", alignment.delay_samples, 0.25),
            ("gain_db", alignment.gain_db, 0.1),
            ("polarity", alignment.polarity, 0.0),
        ):
            if abs(float(str(ours[what])) - theirs) > slack:
                msg = f"{name_of(row)}: {what} {theirs} in the bundle, {ours[what]} here"
                raise BundleError(msg)

    def _decibels(self, theirs: str, ours: str) -> float:
        claimed = read_audio(self.bundle.objects.audio_path(theirs)).samples.astype(np.float64)
        scratch = ObjectStore(self.scratch / "objects")
        found = read_audio(scratch.audio_path(ours)).samples.astype(np.float64)
        if claimed.size != found.size:
            return -np.inf
        error = float(np.square(claimed - found).sum())
        power = float(np.square(found).sum())
        return (
            float(10 * np.log10(power / error))
            if power and error
            else (-np.inf if error else np.inf)
        )

    def _code(self, encodings: Sequence[PackedEncoding]) -> None:
        """Code again: what a bitstream says of its own bits, no decoder contradicts."""
        rows = [
            row
            for row in encodings
            if row.codec in self.at_hand.codecs
            and self.at_hand.codecs[row.codec].deterministic
            and row.status in (Status.OK, Status.FAILED)
        ]
        steps = [self._coding_step(row) for row in rows]
        for row, reply in zip(rows, self.child.stream(steps), strict=True):
            if row.record is None:
                value = reply.value
                if value is not None and value["status"] == "ok":
                    msg = (
                        f"{name_of(row)}: {row.status}:{shown(row.reason)} in the bundle, coded "
                        "without fault here; give the command of the run again"
                    )
                    raise BundleError(msg)
                continue
            found = _outcome(row, reply, "the clip, coded here")
            self._count("coded")
            self._count("same_bytes", int(found["bitstream"] == row.record.bitstream))
            ours = int(str(found["payload_bits"]))
            if abs(ours - row.record.payload_bits) > BITS_SHARE * ours + 8:
                msg = f"{name_of(row)}: {row.record.payload_bits} payload bits, {ours} here"
                raise BundleError(msg)

    def _score(self, chosen: Collection[str]) -> None:
        encodings = {
            (row.codec, row.point, row.condition, row.clip): row
            for row in self.bundle.contents.encodings
            if row.clip in chosen and row.record is not None
        }
        claims = self._claims(chosen)
        steps: list[Message] = []
        asked: list[tuple[MetricHere, tuple[str, str, str, str]]] = []
        for place, row in encodings.items():
            for metric in self.at_hand.metrics:
                claimed = [claims[(*place, name)] for name in metric.outputs]
                if all(cell.status is Status.SKIPPED for cell in claimed):
                    continue
                steps.append(self._scoring_step(row, metric))
                asked.append((metric, place))
        for (metric, place), reply in zip(asked, self.child.stream(steps), strict=True):
            found = _cells(reply, metric)
            for name in metric.outputs:
                self._compare(claims[(*place, name)], found[name], metric.tolerance)

    def _claims(self, chosen: Collection[str]) -> dict[tuple[str, str, str, str, str], PackedCell]:
        return {
            (cell.codec, cell.point, cell.condition, cell.clip, cell.metric): cell
            for cell in self.bundle.contents.cells
            if cell.clip in chosen
        }

    def _scoring_step(self, row: PackedEncoding, metric: MetricHere) -> Message:
        digest = _record(row).degraded
        path = self.bundle.objects.audio_path(digest)
        if not path.exists():
            path = ObjectStore(self.scratch / "objects").audio_path(digest)
        if not path.exists():
            msg = (
                f"{name_of(row)}: there is nothing to score: its audio is not in the bundle and "
                f"the codec is not here ({self.at_hand.absent.get(row.codec, 'no bitstreams')})"
            )
            raise BundleError(msg)
        return self._step(
            row, op="score", metric=metric.spec, degraded=str(path), degraded_sha256=digest
        )

    def _compare(self, claimed: PackedCell, found: Cell, tolerance: float) -> None:
        self._count("cells")
        theirs = Cell(status=claimed.status, value=claimed.value, reason=claimed.reason)
        if claimed.value is None or found.value is None:
            if (claimed.status, claimed.reason) != (found.status, found.reason):
                msg = f"{name_of(claimed)}: {shown(str(theirs))} in the bundle, {found} here"
                raise BundleError(msg)
            return
        difference = abs(claimed.value - found.value)
        self._worst[claimed.metric] = max(self._worst.get(claimed.metric, 0.0), difference)
        if difference > tolerance:
            msg = (
                f"{name_of(claimed)}: {claimed.value:.9g} in the bundle, {found.value:.9g} here; "
                f"{tolerance:g} may lie between"
            )
            raise BundleError(msg)

    def _look_at_undefined(self, chosen: Collection[str]) -> None:
        """Ask again what takes a clip out for every system, whether or not it is in the sample."""
        readable = {clip.id for clip in self.bundle.contents.description.clips if not clip.problem}
        claimed = {
            (cell.metric, cell.condition, cell.clip): cell
            for cell in self.bundle.contents.cells
            if cell.status is Status.UNDEFINED and cell.clip in readable
        }
        asked: list[tuple[MetricHere, str, PackedCell]] = []
        for metric in self.at_hand.metrics:
            for name in metric.outputs:
                asked += [
                    (metric, name, cell) for place, cell in claimed.items() if place[0] == name
                ]
        steps = [
            self._step(cell, op="score", metric=metric.spec, degraded="", degraded_sha256="")
            for metric, _, cell in asked
        ]
        for (metric, name, cell), reply in zip(asked, self.child.stream(steps), strict=True):
            found = _cells(reply, metric).get(name)
            self._count("undefined")
            if found is None or (found.status, found.reason) != (cell.status, cell.reason):
                msg = (
                    f"{name_of(cell)}: undefined:{shown(cell.reason)} in the bundle, "
                    f"{found or 'defined'} here"
                )
                raise BundleError(msg)


_FIELDS = {
    "packets sent": "sent_packets",
    "packets lost": "lost_packets",
    "concealment": "concealment",
    "samples of difference in length": "length_difference",
}


def _record(row: PackedEncoding) -> PackedRecord:
    assert row.record is not None  # only rows with one get here
    return row.record


def _outcome(row: PackedEncoding, reply: Reply, what: str) -> Message:
    value = reply.value
    if value is None or value["status"] != "ok":
        found = f"{reply.status}:{reply.reason}" if value is None else value.get("reason", "")
        detail = reply.detail if value is None else value.get("detail", "")
        msg = f"{name_of(row)}: {what}, gives {found} ({shown(str(detail))})"
        raise BundleError(msg)
    return value


def _cells(reply: Reply, metric: MetricHere) -> dict[str, Cell]:
    if reply.value is None:
        cell = Cell(status=Status(reply.status), reason=reply.reason, detail=reply.detail)
        return dict.fromkeys(metric.outputs, cell)
    return cells_from_json(reply.value["cells"])
