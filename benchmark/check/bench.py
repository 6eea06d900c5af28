"""The child's side of the conformance kit: one codec, one check at a time."""

import base64

from codecbench.adapters.bitstream import Encoded
from codecbench.benchmark.check import (
    alignment,
    bits,
    hooks,
    inputs,
    lengths,
    process,
    state,
)
from codecbench.benchmark.check.subject import Check, Subject
from codecbench.benchmark.framing import Message

CHECKS: dict[str, Check] = {
    check.name: check
    for check in sorted(
        (
            *lengths.CHECKS,
            *state.CHECKS,
            *bits.CHECKS,
            *inputs.CHECKS,
            *alignment.CHECKS,
            *hooks.CHECKS,
            *process.CHECKS,
        ),
        key=lambda check: check.number,
    )
}
"""By name, in the order of their numbers. Two more need several processes: see `follow`."""


class CheckBench:
    """Keeps the codec that is checked."""

    def __init__(self) -> None:
        """Start without a codec."""
        self._subject: Subject | None = None

    def open(self, request: Message) -> Message:
        """Make and load the codec, with the network closed.

        Args:
            request: ``spec`` and ``thorough``.

        Returns:
            ``kind``, ``deterministic``, ``violates`` and ``attempts`` on the network.
        """
        attempts: list[str] = []
        try:
            with process.no_network(attempts):
                subject = self._open(request)
        except Exception:
            # Without a network it may not load at all: then the network is what is wrong.
            if not attempts:
                raise
            return {"attempts": list(attempts)}
        return {
            "attempts": list(attempts),
            "kind": subject.codec.info.kind,
            "deterministic": subject.codec.info.deterministic,
            "violates": sorted(type(subject.codec).violates),
        }

    def run(self, request: Message) -> Message:
        """Run one check.

        Args:
            request: ``spec``, ``thorough`` and ``check``, its name.
        """
        finding = CHECKS[str(request["check"])].run(self._open(request))
        return {"outcome": finding.outcome, "found": finding.found}

    def encode(self, request: Message) -> Message:
        """Encode the clip at the outer points, for another process to decode."""
        subject = self._open(request)
        streams = {}
        for point in subject.edges:
            encoded = subject.encode(subject.clip, point)
            data = base64.b64encode(encoded.to_bytes()).decode()
            streams[point.name] = [data, subject.decode(encoded).sha256]
        return {"streams": streams}

    def decode(self, request: Message) -> Message:
        """Decode in a process that has the spec and ``stream``, the bytes, and nothing else."""
        data = base64.b64decode(str(request["stream"]))
        return {"sha256": self._open(request).codec.decode(Encoded.from_bytes(data)).sha256}

    def _open(self, request: Message) -> Subject:
        spec, thorough = str(request["spec"]), bool(request["thorough"])
        subject = self._subject
        if subject is None or (subject.spec, subject.thorough) != (spec, thorough):
            self._subject = subject = Subject(spec, thorough=thorough)
        return subject
