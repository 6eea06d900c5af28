"""Conditions such as ``pesq_wb < -0.05``: what counts as a regression."""

import math
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from codecbench.core.errors import ConfigError, UnknownNameError

RATE, TIME, FAILURES = "rate", "time", "failures"
SPECIAL = (RATE, TIME, FAILURES)
ALLOWED = (
    "write METRIC < -0.05 (or > for metrics where less is better), METRIC < -2%, "
    "rate > +1%, rate > 200 (bit/s), time > +10%, or failures > 0"
)
"""What a condition may be, in one line."""

_FORM = re.compile(
    r"\s*(?P<subject>[A-Za-z_]\w*)\s*(?P<sign>[<>])\s*"
    r"(?P<limit>[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,2})?)\s*(?P<percent>%?)\s*"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FailIf:
    """A change, new minus base, that is not accepted.

    Attributes:
        subject: A metric, "rate", "time" or "failures".
        sign: "<" where the change must not fall below the limit, ">" where not rise above it.
        limit: In the metric's unit, bit/s or cells; or in per cent of the base.
        percent: Which of the two.
    """

    subject: str
    sign: str
    limit: float
    percent: bool = False

    @property
    def tolerance(self) -> float:
        """The loss that is accepted, at least 0, in the unit of `limit`."""
        return abs(self.limit)

    def __str__(self) -> str:
        """Return the condition as it can be parsed again."""
        sign = "+" if self.limit > 0 and self.subject != FAILURES else ""
        return f"{self.subject} {self.sign} {sign}{self.limit:g}{'%' if self.percent else ''}"


def parse_fail_if(text: str) -> FailIf:
    """Parse a condition.

    Args:
        text: Such as ``pesq_wb < -0.05``, ``rate > +1%``, ``failures > 2``.

    Raises:
        ConfigError: It is none, or one that an unchanged codec would not pass.
    """
    match = _FORM.fullmatch(text)
    if match is None:
        msg = f"condition '{text}' cannot be read; {ALLOWED}"
        raise ConfigError(msg)
    found = FailIf(
        subject=match["subject"],
        sign=match["sign"],
        limit=float(match["limit"]),
        percent=bool(match["percent"]),
    )
    if not math.isfinite(found.limit):
        msg = f"condition '{text}': the limit is too large for a number; {ALLOWED}"
        raise ConfigError(msg)
    below = found.sign == "<"
    if (below and found.limit > 0) or (not below and found.limit < 0):
        msg = f"condition '{text}' would fail without any change; {ALLOWED}"
        raise ConfigError(msg)
    if found.subject in SPECIAL and below:
        msg = f"condition '{text}': {found.subject} gets worse upwards; {ALLOWED}"
        raise ConfigError(msg)
    if found.subject == FAILURES and (found.percent or found.limit != int(found.limit)):
        msg = f"condition '{text}': failures are counted in cells; {ALLOWED}"
        raise ConfigError(msg)
    if found.subject == TIME and not found.percent:
        msg = f"condition '{text}': time is a ratio, so its limit is in per cent; {ALLOWED}"
        raise ConfigError(msg)
    return found


def parse_all(texts: Sequence[str]) -> tuple[FailIf, ...]:
    """Parse conditions, at most one per subject.

    Raises:
        ConfigError: One cannot be read, or two are about the same.
    """
    found = tuple(parse_fail_if(text) for text in texts)
    subjects = [each.subject for each in found]
    for subject in subjects:
        if subjects.count(subject) > 1:
            msg = f"two conditions on '{subject}'; give one"
            raise ConfigError(msg)
    return found


def check_subjects(conditions: Sequence[FailIf], directions: dict[str, bool]) -> None:
    """Refuse conditions on what was not measured, or on improvements.

    Args:
        conditions: What is asked.
        directions: By metric, whether higher is better.

    Raises:
        UnknownNameError: No such metric was measured.
        ConfigError: The condition is on the better side.
    """
    known: Collection[str] = [*directions, *SPECIAL]
    for each in conditions:
        if each.subject not in known:
            raise UnknownNameError("metric in a condition", each.subject, known)
        if each.subject in directions and directions[each.subject] != (each.sign == "<"):
            better = "higher" if directions[each.subject] else "lower"
            msg = f"condition '{each}' would fail on an improvement: {better} is better"
            raise ConfigError(msg)
