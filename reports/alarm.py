"""Something that deserves a look: information, never a verdict."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """Something that deserves a look.

    Attributes:
        kind: mixed, rate, ceiling, falling, anchor, contradiction, published,
            common or signal.
        subject: Which system, point, metric.
        text: What was found and what it may mean.
    """

    kind: str
    subject: str
    text: str
