"""One run of a program: a list of arguments, a folder of its own, a time limit, no shell."""

import signal
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from codecbench.core.errors import ProcessError
from codecbench.core.watched_process import kill_family

_WORDS_KEPT = 300


def run_command(arguments: Sequence[str], *, folder: Path, timeout_s: float) -> str:
    """Run a program to its end and return what it wrote to standard output.

    Args:
        arguments: The program and what it is given, each one argument.
        folder: Where it runs.
        timeout_s: After so many seconds it and all that it started are killed.

    Raises:
        ProcessError: It cannot be started, took too long, died, or ended with a code other than 0.
    """
    name = Path(arguments[0]).name
    with tempfile.TemporaryFile() as told, tempfile.TemporaryFile() as errors:
        try:
            process = subprocess.Popen(
                list(arguments), cwd=folder, stdin=subprocess.DEVNULL, stdout=told, stderr=errors
            )
        except OSError as error:
            msg = f"{name} cannot be started: {error.strerror}"
            raise ProcessError(msg, reason="exception") from error
        try:
            code = process.wait(timeout_s)
        except subprocess.TimeoutExpired as error:
            msg = f"{name} gave no result within {timeout_s:g} s"
            raise ProcessError(msg, reason="timeout") from error
        finally:
            if process.poll() is None:
                kill_family(process.pid)
                process.wait()
        if code != 0:
            errors.seek(0)
            words = " ".join(errors.read().decode(errors="replace").split())[-_WORDS_KEPT:]
            how, reason = f"ended with code {code}", f"crashed:exit{code}"
            if code < 0:
                reason = f"crashed:{signal.Signals(-code).name}"
                how = f"died of {signal.Signals(-code).name}"
            msg = f"{name} {how}{': ' + words if words else ''}"
            raise ProcessError(msg, reason=reason)
        told.seek(0)
        return told.read().decode(errors="replace")
