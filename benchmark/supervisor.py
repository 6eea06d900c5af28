"""One persistent child process, watched: deadline, memory, death, restart, one retry."""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO

import psutil

from codecbench.benchmark.framing import HEADER, MAX_FRAME_BYTES, Message, pack_frame
from codecbench.core.errors import RunError

_TICK_S = 0.1
_AHEAD = 2  # requests that the child may have: the one it works on and the next
_START_S = 120.0
_STDERR_KEEP = 4000
_STDERR_MAX = 2**20

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
        reason: ``exception``, ``crashed:SIGSEGV``, ``timeout``, ``out_of_memory`` …; "" when ok.
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


class _ChildDiedError(Exception):
    def __init__(self, reason: str, detail: str, trace: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.trace = trace


class SupervisedChild:
    """A child process that runs codec and metric code one step at a time."""

    def __init__(self, limits: Limits | None = None) -> None:
        """Set the limits; the process starts with the first step."""
        self.limits = limits or Limits()
        self._process: subprocess.Popen[bytes] | None = None
        self._stderr: IO[bytes] | None = None

    def call(self, request: Message) -> Reply:
        """Run one step to its end, whatever that is.

        Args:
            request: ``{"op": name, …}``, see `operations`.
        """
        (reply,) = self.stream([request])
        return reply

    def stream(self, requests: Sequence[Message]) -> Iterator[Reply]:
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
                except _ChildDiedError as death:
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
        words, self._stderr = self._stderr, None
        if words is not None:
            words.close()
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()

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

    def _start(self) -> subprocess.Popen[bytes]:
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115  (lives as long as the process)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "codecbench.benchmark.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            env={**os.environ, **_SINGLE_THREAD, **_KEEP_FREED_MEMORY},
            start_new_session=True,
        )
        self._write(self._process, {"op": "ping"})
        self._receive(_START_S)
        return self._process

    def _send(self, request: Message, *, waiting: bool) -> None:
        process = self._process
        if waiting and process is not None and process.poll() is not None:
            # A new child would answer this request, and the answer be taken for the lost one's.
            raise self._death(process)
        if process is None or process.poll() is not None:
            process = self._start()
        self._bound_stderr()
        self._write(process, request)

    def _write(self, process: subprocess.Popen[bytes], request: Message) -> None:
        if process.stdin is None:
            msg = "the child has no pipe to write to"
            raise RunError(msg)
        try:
            process.stdin.write(pack_frame(request))
            process.stdin.flush()
        except BrokenPipeError:
            raise self._death(process) from None

    def _receive(self, timeout_s: float) -> Message:
        process = self._process
        if process is None or process.stdout is None:
            msg = "there is no child to hear from"
            raise RunError(msg)
        deadline = time.monotonic() + timeout_s
        buffer = b""
        wanted = HEADER.size
        body_known = False
        while len(buffer) < wanted:
            ready, _, _ = select.select([process.stdout], [], [], _TICK_S)
            if ready:
                piece = os.read(process.stdout.fileno(), max(wanted - len(buffer), 1))
                if not piece:
                    raise self._death(process)
                buffer += piece
                if not body_known and len(buffer) == HEADER.size:
                    body_known = True
                    (length,) = HEADER.unpack(buffer)
                    if length > MAX_FRAME_BYTES:
                        raise _ChildDiedError("crashed:protocol", "oversized answer", "")
                    wanted += length
                continue
            self._check_limits(process, deadline, timeout_s)
        answer: Message = json.loads(buffer[HEADER.size :])
        return answer

    def _check_limits(
        self, process: subprocess.Popen[bytes], deadline: float, timeout_s: float
    ) -> None:
        if time.monotonic() > deadline:
            raise _ChildDiedError(
                "timeout", f"no answer within {timeout_s:g} s", self._last_words()
            )
        used = resident_mib(process.pid)
        if used > self.limits.memory_mib:
            detail = f"more than {self.limits.memory_mib:.0f} MiB resident"
            raise _ChildDiedError("out_of_memory", detail, self._last_words())

    def _bound_stderr(self) -> None:
        if self._stderr is not None and os.fstat(self._stderr.fileno()).st_size > _STDERR_MAX:
            # The child shares this file description: its next write starts at the front again.
            os.ftruncate(self._stderr.fileno(), 0)
            os.lseek(self._stderr.fileno(), 0, os.SEEK_SET)

    def _death(self, process: subprocess.Popen[bytes]) -> _ChildDiedError:
        code = process.wait()
        words = self._last_words()
        if code < 0:
            name = signal.Signals(-code).name
            return _ChildDiedError(f"crashed:{name}", f"the process died of {name}", words)
        return _ChildDiedError(f"crashed:exit{code}", f"the process ended with code {code}", words)

    def _last_words(self) -> str:
        if self._stderr is None:
            return ""
        size = os.fstat(self._stderr.fileno()).st_size
        data = os.pread(self._stderr.fileno(), _STDERR_KEEP, max(0, size - _STDERR_KEEP))
        return data.decode(errors="replace")


def resident_mib(pid: int) -> float:
    """Return the resident memory of a process and its descendants in MiB; 0 when it is gone."""
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
        return sum(float(member.memory_info().rss) for member in family) / 2**20
    except psutil.Error:
        return 0.0
