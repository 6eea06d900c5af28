"""Exit codes, and errors as one line on standard error."""

import sys
import traceback
from enum import IntEnum

import click

from codecbench.cli.plain_output import plain_output
from codecbench.core.errors import (
    CodecBenchError,
    DecodeError,
    EncodeError,
    MetricError,
    NotAvailableError,
    StorageError,
)
from codecbench.core.whole_file import raise_storage_error


class ExitCode(IntEnum):
    """What a command's exit code means."""

    OK = 0
    REGRESSION = 1
    USAGE = 2
    INCOMPLETE = 3
    INTERNAL = 4
    INTERRUPTED = 130


def run_group(group: click.Command) -> int:
    """Run a click command and return the exit code; nothing but bugs shows a traceback.

    What is printed is inert: no name of a clip or codec moves the cursor of the terminal.
    """
    with plain_output():
        return _run(group)


def _run(group: click.Command) -> int:
    debug = "--debug" in sys.argv[1:2]
    try:
        code = group.main(standalone_mode=False)
    except click.exceptions.Abort:
        code = _say("interrupted", ExitCode.INTERRUPTED)
    except click.exceptions.Exit as stop:
        code = stop.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        print(error.format_message(), file=sys.stderr)
        code = ExitCode.USAGE
    except click.ClickException as error:
        code = _say(error.format_message(), ExitCode.USAGE)
    except KeyboardInterrupt:
        code = _say("interrupted", ExitCode.INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output has enough.
        sys.stderr.close()
        code = ExitCode.OK
    except CodecBenchError as error:
        code = _say(str(error), code_of(error), debug=debug)
    except Exception as error:  # noqa: BLE001  (the last line of defence of a program)
        code = _say(*_unforeseen(error), debug=debug)
    return int(code or 0)


def _unforeseen(error: Exception) -> tuple[str, ExitCode]:
    """Say what an error that is not ours means: the disk is to blame, or we are."""
    if isinstance(error, OSError):
        try:
            raise_storage_error(error, error.filename or "the output")
        except StorageError as fault:
            return str(fault), ExitCode.INCOMPLETE
    what = f"internal error: {type(error).__name__}: {error}; please report it with --debug"
    return what, ExitCode.INTERNAL


def code_of(error: CodecBenchError) -> ExitCode:
    """Return the code of one of our errors.

    They are about what was asked for, unless a codec or package let us down.
    """
    let_down = (NotAvailableError, EncodeError, DecodeError, MetricError, StorageError)
    return ExitCode.INCOMPLETE if isinstance(error, let_down) else ExitCode.USAGE


def _say(message: str, code: ExitCode, *, debug: bool = False) -> int:
    if debug:
        traceback.print_exc()
    print(f"codecbench: {' '.join(message.split())}", file=sys.stderr)
    return int(code)
