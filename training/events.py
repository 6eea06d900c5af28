"""What a training tells while it goes on; screens and tests listen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """Audio is read, networks are made.

    Attributes:
        step: Steps done before; more than 0 where a run goes on.
        steps: Steps in all.
        parameters: Trained numbers of the exported model.
        train_s: Audio to train with, in s.
        validation_clips: Clips to validate with.
        held_out: Whether these are of speakers that training does not hear.
        notes: What people should know: clips left out, settings that changed.
    """

    step: int
    steps: int
    parameters: int
    train_s: float
    validation_clips: int
    held_out: bool
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stepped:
    """Some steps are done.

    Attributes:
        step: Steps done.
        losses: Means over these steps.
        speed: Seconds of audio per second.
        seconds_left: Until the last step or the end of the time allowed.
    """

    step: int
    losses: Mapping[str, float]
    speed: float
    seconds_left: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Validated:
    """Clips were coded and scored.

    Attributes:
        step: Steps done.
        scores: For each operating point mean scores and statistics of codes, by name.
        failed: Cells without a value, as ``point metric: status:reason``, counted.
    """

    step: int
    scores: Mapping[str, Mapping[str, float]]
    failed: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """The run can go on from here.

    Attributes:
        step: Steps done.
        path: Checkpoint for the codec's adapter.
        best: Whether it is the best so far.
    """

    step: int
    path: Path
    best: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The training ends.

    Attributes:
        step: Steps done.
        steps: Steps in all.
        reason: "all steps are done" or "the time is over".
    """

    step: int
    steps: int
    reason: str


Event: TypeAlias = Started | Stepped | Validated | Saved | Finished
