"""Why a value is not there, in words that a table can hold."""

from collections import Counter
from collections.abc import Iterable

from codecbench.core.cell import Status

NOT_RUN = "not_run"
"""Reason of a cell that the run has not reached."""


def short_reason(reason: str) -> str:
    """Return the machine-readable part of ``reason: message``; ``crashed:SIGSEGV`` stays whole."""
    return reason.split(": ", 1)[0]


def explain(status: str, reason: str) -> str:
    """Say in a few words why there is no value.

    Args:
        status: undefined, failed or skipped.
        reason: Its cause, alone or as ``cause: message``. A message that ends with the command
            that helps, as those of `MissingDependencyError` do, is cut down to that command.

    Returns:
        Such as ``not available: pip install pesq`` or ``failed: timeout``.
    """
    short = short_reason(reason)
    if short == NOT_RUN:
        return "not run yet"
    if status != str(Status.SKIPPED):
        return f"{status}: {short}"
    message = reason[len(short) :].lstrip(": ")
    _, found, fix = reason.rpartition("run: ")
    return f"not available: {fix if found else message or short}"


def count_reasons(pairs: Iterable[tuple[str, str]]) -> str:
    """Sum up why cells have no value, most frequent first.

    Args:
        pairs: Status and reason of each.

    Returns:
        Such as ``failed: timeout (3); undefined: too_short (1)``; "" where there are none.
    """
    counts = Counter(explain(status, reason) for status, reason in pairs)
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return "; ".join(f"{text} ({count})" for text, count in ranked)
