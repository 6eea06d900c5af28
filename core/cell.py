"""One metric output for one clip, system, point and condition: a value or a status with reason."""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from codecbench.core.errors import ResultSchemaError


class Status(StrEnum):
    """What became of a cell.

    `UNDEFINED` depends on the reference alone and takes the clip out for every system; `FAILED`
    is whatever the codec's output or the codec itself caused; `SKIPPED` was not tried.
    """

    OK = "ok"
    UNDEFINED = "undefined"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A finite value, or a status with its reason; never both.

    Attributes:
        status: What became of it.
        value: The score, only when `status` is `OK`.
        reason: Short machine-readable cause such as ``too_short`` or ``crashed:SIGSEGV``.
        detail: The message behind the reason, for people.
    """

    status: Status
    value: float | None = None
    reason: str = ""
    detail: str = ""

    def __post_init__(self) -> None:
        """Refuse made-up cells."""
        if self.status is Status.OK:
            if self.value is None or not math.isfinite(self.value) or self.reason:
                found = f"{self.value} with reason '{self.reason}'" if self.reason else self.value
                msg = f"a cell with status ok needs a finite value and no reason, found {found}"
                raise ResultSchemaError(msg)
        elif self.value is not None or not self.reason:
            msg = f"a cell with status {self.status} needs a reason and no value"
            raise ResultSchemaError(msg)

    @classmethod
    def ok(cls, value: float) -> Self:
        """Make a cell with a value."""
        return cls(status=Status.OK, value=float(value))

    @classmethod
    def undefined(cls, reason: str, detail: str = "") -> Self:
        """Make a cell that no system can have, because of the reference."""
        return cls(status=Status.UNDEFINED, reason=reason, detail=detail)

    @classmethod
    def failed(cls, reason: str, detail: str = "") -> Self:
        """Make a cell that the system lost."""
        return cls(status=Status.FAILED, reason=reason, detail=detail)

    @classmethod
    def skipped(cls, reason: str, detail: str = "") -> Self:
        """Make a cell that was not tried."""
        return cls(status=Status.SKIPPED, reason=reason, detail=detail)

    @property
    def is_ok(self) -> bool:
        """Whether there is a value."""
        return self.status is Status.OK

    def __str__(self) -> str:
        """Return the value, or ``status:reason``."""
        return f"{self.value:.6g}" if self.is_ok else f"{self.status}:{self.reason}"
