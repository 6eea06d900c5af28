"""A process at the other end of two pipes, watched: deadline, memory, death, last words."""

import contextlib
import ctypes
import fcntl
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence

import psutil

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_TICK_S = 0.1
_LINGER_S = 10.0
_PIPE_BYTES = 2**20
_STDERR_KEEP = 4000
_STDERR_MAX = 2**20


class ProcessDiedError(Exception):
    """The process is of no use any more: dead, too slow, or too large.

    Attributes:
        reason: ``crashed:SIGSEGV``, ``timeout``, ``out_of_memory`` …
        detail: One line for people.
        trace: Its last words on standard error.
    """

    def __init__(self, reason: str, detail: str, trace: str) -> None:
        """Take what is known."""
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.trace = trace


class WatchedProcess:
    """A process that is written to and read from, and that is never waited for in vain."""

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        environment: Mapping[str, str],
        memory_mib: float,
        own_session: bool,
    ) -> None:
        """Start the process.

        Args:
            arguments: The program and what it is given.
            environment: Its variables.
            memory_mib: Resident memory that it and its descendants may use.
            own_session: Whether it leads a session, so that all it starts dies with it. Where it
                does not, its descendants are looked for one by one.

        Raises:
            OSError: The program cannot be started.
        """
        self.memory_mib = memory_mib
        self._own_session = own_session
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115  (lives as long as the process)
        try:
            self._process = subprocess.Popen(
                list(arguments),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                env=dict(environment),
                start_new_session=own_session,
            )
        except OSError:
            self._stderr.close()
            raise
        self._widen_pipes()

    def _widen_pipes(self) -> None:
        """Let a clip pass in one go: each time a pipe is full the two processes take turns."""
        if hasattr(fcntl, "F_SETPIPE_SZ"):
            for pipe in (self._process.stdin, self._process.stdout):
                assert pipe is not None  # asked for with Popen
                # More than an unprivileged user may have is refused, and does no harm.
                with contextlib.suppress(OSError):
                    fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def write(self, data: bytes) -> None:
        """Send all of `data`.

        Raises:
            ProcessDiedError: Nobody reads any more.
        """
        self._bound_stderr()
        assert self._process.stdin is not None  # asked for with Popen
        try:
            self._process.stdin.write(data)
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self.death() from None

    def read(self, count: int, *, deadline: float, timeout_s: float) -> bytes:
        """Return exactly so many bytes.

        Args:
            count: How many.
            deadline: On the monotonic clock.
            timeout_s: What led to the deadline, for the message.

        Raises:
            ProcessDiedError: It ended, took too long, or took too much memory.
        """
        assert self._process.stdout is not None  # asked for with Popen
        pipe = self._process.stdout
        buffer = bytearray()
        while len(buffer) < count:
            ready, _, _ = select.select([pipe], [], [], _TICK_S)
            if not ready:
                self._check_limits(deadline, timeout_s)
                continue
            piece = os.read(pipe.fileno(), count - len(buffer))
            if not piece:
                raise self.death()
            buffer += piece
        return bytes(buffer)

    def close(self) -> None:
        """Kill it with all that it started, and wait for its end."""
        if self._own_session:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        elif self.is_running:  # the number of one that has ended may be another's by now
            kill_family(self._process.pid)
        self._process.wait()
        self._stderr.close()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()

    def death(self) -> ProcessDiedError:
        """Wait for the end of a process that hung up, and say what it was."""
        try:
            code = self._process.wait(_LINGER_S)
        except subprocess.TimeoutExpired:
            detail = "the process hung up and lived on"
            return ProcessDiedError("crashed:protocol", detail, self.last_words())
        words = self.last_words()
        if code < 0:
            name = signal.Signals(-code).name
            return ProcessDiedError(f"crashed:{name}", f"the process died of {name}", words)
        return ProcessDiedError(f"crashed:exit{code}", f"the process ended with code {code}", words)

    def last_words(self) -> str:
        """Return the end of what it wrote to standard error."""
        size = os.fstat(self._stderr.fileno()).st_size
        data = os.pread(self._stderr.fileno(), _STDERR_KEEP, max(0, size - _STDERR_KEEP))
        return data.decode(errors="replace")

    def _check_limits(self, deadline: float, timeout_s: float) -> None:
        if time.monotonic() > deadline:
            raise ProcessDiedError(
                "timeout", f"no answer within {timeout_s:g} s", self.last_words()
            )
        if resident_mib(self._process.pid) > self.memory_mib:
            detail = f"more than {self.memory_mib:.0f} MiB resident"
            raise ProcessDiedError("out_of_memory", detail, self.last_words())

    def _bound_stderr(self) -> None:
        if os.fstat(self._stderr.fileno()).st_size > _STDERR_MAX:
            # The process shares this file description: its next write starts at the front again.
            os.ftruncate(self._stderr.fileno(), 0)
            os.lseek(self._stderr.fileno(), 0, os.SEEK_SET)


def resident_mib(pid: int) -> float:
    """Return the resident memory of a process and its descendants in MiB; 0 when it is gone."""
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
        return sum(float(member.memory_info().rss) for member in family) / 2**20
    except psutil.Error:
        return 0.0


def kill_family(pid: int) -> None:
    """Kill a process and its descendants, those that are still there."""
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        for member in [process, *process.children(recursive=True)]:
            with contextlib.suppress(psutil.Error):
                member.kill()


def die_with_parent() -> None:
    """Have this process killed when the one that started it ends, however that ends; on Linux."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
