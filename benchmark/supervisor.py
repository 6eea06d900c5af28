"""One persistent child process, watched: deadline, memory, death, restart, one retry."""

import json
import os
import sys
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Protocol

from codecbench.benchmark.framing import HEADER, MAX_FRAME_BYTES, Message, pack_frame
from codecbench.core.errors import RunError
from codecbench.core.watched_process import ProcessDiedError, WatchedProcess

DISK = "disk"
"""Reason of a step that could not write what it had: the run stops, and nothing is failed."""

_AHEAD = 2  # requests that the child may have: the one it works on and the next
_START_S = 120.0

_SINGLE_THREAD = {
    name: "1"
    for name in (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "NUMEXPR_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
        "NUMBA_NUM_THREADS",
    )
}
_KEEP_FREED_MEMORY = {
    # glibc gives arrays of this size back to the system at once, and then spends more time on
    # page faults than numpy does on a clip of five seconds. Elsewhere these mean nothing.
    "MALLOC_MMAP_THRESHOLD_": str(32 * 2**20),
    "MALLOC_TRIM_THRESHOLD_": str(128 * 2**20),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a step may use.

    Attributes:
        timeout_s: Wall-clock seconds per step.
        memory_mib: Resident memory of the child and its descendants.
        retries: How often a step that killed the child is tried again, alone in a fresh child.
    """

    timeout_s: float = 600.0
    memory_mib: float = 4096.0
    retries: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What became of a step.

    Attributes:
        value: What the operation returned; None when it did not return.
        status: "ok", "skipped" or "failed".
        reason: ``exception``, ``crashed:SIGSEGV``, ``timeout``, ``out_of_memory``, `DISK` …; ""
            when ok.
        detail: One line for people.
        error_type: Name of the exception's class, where there was one.
        trace: Traceback, or the last words on standard error.
        seconds: Time inside the operation as the child measured it; wall time where it died.
    """

    value: Message | None
    status: str
    reason: str = ""
    detail: str = ""
    error_type: str = ""
    trace: str = ""
    seconds: float = 0.0


class Respondent(Protocol):
    """Whoever runs one step and says what became of it: a child here, or one on a cluster."""

    def call(self, request: Message) -> Reply:
        """Run one step to its end, whatever that is."""


class SupervisedChild:
    """A child process that runs codec and metric code one step at a time."""

    def __init__(self, limits: Limits | None = None) -> None:
        """Set the limits; the process starts with the first step."""
        self.limits = limits or Limits()
        self._process: WatchedProcess | None = None

    def call(self, request: Message) -> Reply:
        """Run one step to its end, whatever that is.

        Args:
            request: ``{"op": name, …}``, see `operations`.
        """
        (reply,) = self.stream([request])
        return reply

    def stream(self, requests: Sequence[Message]) -> Generator[Reply, None, None]:
        """Run steps one after the other and hand out what became of each.

        The next request waits in the pipe while one is worked on, so that the child need not
        wait for us. A child that dies is on the first step that it has not answered; that one is
        tried again or given up, and the rest goes to a new child.

        Args:
            requests: In the order to run them.
        """
        answered = sent = tries = 0
        started = time.perf_counter()
        try:
            while answered < len(requests):
                try:
                    ahead = 1 if tries else _AHEAD
                    while sent < min(len(requests), answered + ahead):
                        self._send(requests[sent], waiting=sent > answered)
                        sent += 1
                    reply = self._reply(self._receive(self.limits.timeout_s))
                except ProcessDiedError as death:
                    self.close()
                    sent = answered
                    tries += 1
                    if tries <= self.limits.retries:
                        continue
                    reply = Reply(
                        value=None,
                        status="failed",
                        reason=death.reason,
                        detail=death.detail,
                        trace=death.trace,
                        seconds=time.perf_counter() - started,
                    )
                    sent += 1
                answered += 1
                tries = 0
                yield reply
                started = time.perf_counter()
        finally:
            if sent > answered:
                # Answers would come that are nobody's.
                self.close()

    def close(self) -> None:
        """End the child; the next step starts a new one."""
        process, self._process = self._process, None
        if process is not None:
            process.close()

    def __enter__(self) -> "SupervisedChild":
        """Return itself."""
        return self

    def __exit__(self, *exception: object) -> None:
        """End the child."""
        self.close()

    def _reply(self, message: Message) -> Reply:
        seconds = message.get("seconds")
        took = float(seconds) if isinstance(seconds, int | float) else 0.0
        error = message.get("error")
        if isinstance(error, dict):
            return Reply(
                value=None,
                status=str(error["status"]),
                reason=str(error["reason"]),
                detail=f"{error['type']}: {error['message']}",
                error_type=str(error["type"]),
                trace=str(error["traceback"]),
                seconds=took,
            )
        value = message["ok"]
        if not isinstance(value, dict):
            msg = f"the child answered {type(value).__name__} instead of an object"
            raise RunError(msg)
        return Reply(value=value, status="ok", seconds=took)

    def _start(self) -> WatchedProcess:
        self._process = WatchedProcess(
            [sys.executable, "-P", "-m", "codecbench.benchmark.child"],
            environment={**os.environ, **_SINGLE_THREAD, **_KEEP_FREED_MEMORY},
            memory_mib=self.limits.memory_mib,
            own_session=True,
        )
        self._process.write(pack_frame({"op": "ping"}))
        self._receive(_START_S)
        return self._process

    def _send(self, request: Message, *, waiting: bool) -> None:
        process = self._process
        if waiting and process is not None and not process.is_running:
            # A new child would answer this request, and the answer be taken for the lost one's.
            raise process.death()
        if process is None or not process.is_running:
            self.close()
            process = self._start()
        process.write(pack_frame(request))

    def _receive(self, timeout_s: float) -> Message:
        process = self._process
        if process is None:
            msg = "there is no child to hear from"
            raise RunError(msg)
        deadline = time.monotonic() + timeout_s
        (length,) = HEADER.unpack(process.read(HEADER.size, deadline=deadline, timeout_s=timeout_s))
        if length > MAX_FRAME_BYTES:
            raise ProcessDiedError("crashed:protocol", "oversized answer", "")
        answer: Message = json.loads(process.read(length, deadline=deadline, timeout_s=timeout_s))
        return answer
