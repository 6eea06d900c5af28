"""The process in which all codecs and metrics run: started by `supervisor`, spoken to by frames.

Started as ``python -P -m codecbench.benchmark.child`` with threads pinned by its environment.
It ends when its standard input does, and is killed when its parent dies.
"""

import errno
import logging
import os
import re
import signal
import sys
import time
import traceback
from typing import BinaryIO

from codecbench.benchmark.framing import Message, pack_frame, read_frame
from codecbench.benchmark.supervisor import DISK
from codecbench.core.errors import (
    CodecBenchError,
    LostFileError,
    MissingDependencyError,
    MissingWeightsError,
    NotAvailableError,
    ProcessError,
    StorageError,
)
from codecbench.core.watched_process import die_with_parent

logger = logging.getLogger(__name__)


def main() -> None:
    """Answer requests until the supervisor hangs up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent()
    # What a codec prints must not end up between the frames: keep the pipe, give away fd 1.
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _serve(sys.stdin.buffer, replies)


def _serve(requests: BinaryIO, replies: BinaryIO) -> None:
    # Not at the top: the process answers its first frame only after this import, which counts
    # towards the time that a start may take.
    from codecbench.benchmark.operations import OPERATIONS

    while (request := read_frame(requests)) is not None:
        started = time.perf_counter()
        reply: Message
        try:
            operation = OPERATIONS[str(request["op"])]
            reply = {"ok": operation(request)}
        except Exception as error:  # noqa: BLE001  (the one place: any fault of a codec or metric)
            reply = {"error": describe_error(error)}
        reply["seconds"] = time.perf_counter() - started
        replies.write(pack_frame(reply))
        replies.flush()


def describe_error(error: Exception) -> Message:
    """Say in JSON what went wrong: type, one line, traceback, and whether it was merely absent."""
    first_line = str(error).strip().splitlines()[0] if str(error).strip() else ""
    # An address in a message would make two equal runs differ.
    first_line = re.sub(r"0x[0-9a-fA-F]{4,}", "0x…", first_line)
    absent = "skipped" if isinstance(error, NotAvailableError) else ""
    reason = "exception"
    if isinstance(error, MissingDependencyError):
        reason = "missing_dependency"
    elif isinstance(error, MissingWeightsError):
        reason = "missing_weights"
    elif isinstance(error, ProcessError):
        reason = error.reason
    elif isinstance(error, MemoryError):
        reason = "out_of_memory"
    elif isinstance(error, LostFileError):
        absent, reason = "skipped", "lost_audio"
    elif isinstance(error, StorageError) or (
        isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    ):
        # A full disk is nobody's fault, wherever a codec wanted to write.
        reason = DISK
    return {
        "type": type(error).__name__,
        "ours": isinstance(error, CodecBenchError),
        "status": absent or "failed",
        "reason": reason,
        "message": first_line[:500],
        "traceback": "".join(traceback.format_exception(error))[-4000:],
    }


if __name__ == "__main__":
    main()
