"""What a run tells while it goes on; screens and tests listen."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

Stage: TypeAlias = Literal["coding", "scoring"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StageStarted:
    """A stage begins.

    Attributes:
        stage: Which.
        steps: Steps to do.
        reused: Steps whose outcome was known already.
    """

    stage: Stage
    steps: int
    reused: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterChanged:
    """The cluster on which tasks run has other workers than before.

    Attributes:
        address: Of its scheduler.
        workers: Worker processes; 0 while it has none and the run waits.
        threads: Tasks that they can do at once.
    """

    address: str
    workers: int
    threads: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSalvaged:
    """The store of the run was damaged and has been replaced by what it still held.

    Attributes:
        why: What is wrong with it.
        damaged: Where it lies now.
        encodings: Encodings that were intact.
        cells: Cells that were intact.
    """

    why: str
    damaged: Path
    encodings: int
    cells: int

    def __str__(self) -> str:
        """Return one line for people."""
        return (
            f"{self.why.partition(';')[0]}; kept {self.encodings} encodings and {self.cells} cells "
            f"that are intact, the rest comes from the cache or is computed again; the damaged "
            f"file is {self.damaged}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskNeeded:
    """Audio is about to be coded.

    Attributes:
        cache: Folder in which it is kept.
        most_bytes: The most that it can take there while the run goes on.
        free_bytes: What is free there now.
        keep: What stays of it afterwards: ``audio`` (all), ``worst`` or ``none``.
    """

    cache: Path
    most_bytes: int
    free_bytes: int
    keep: str

    @property
    def is_short(self) -> bool:
        """Whether there may be too little."""
        return self.most_bytes > self.free_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioDropped:
    """Coded audio and bitstreams that shall not stay have been removed.

    Attributes:
        files: Their number.
        bytes: Their size.
    """

    files: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmUp:
    """Kernels are about to be compiled, which happens once per installation.

    Attributes:
        metrics: Whose.
    """

    metrics: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A step that gave no value.

    Attributes:
        codec: Label of the system.
        point: Operating point.
        clip: Clip id.
        metric: Metric; "" in the coding stage.
        outcome: ``status:reason``.
        detail: One line.
        trace: Traceback or last words of the process that died.
    """

    codec: str
    point: str
    clip: str
    metric: str
    outcome: str
    detail: str
    trace: str = ""

    def __str__(self) -> str:
        """Return one line for people."""
        where = " ".join(part for part in (self.codec, self.point, self.clip, self.metric) if part)
        return f"{where}: {self.outcome} {self.detail}".rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class StepsDone:
    """Some steps ended and are stored.

    Attributes:
        stage: Which.
        steps: How many ended.
        failures: Those of them that gave no value because of a system.
    """

    stage: Stage
    steps: int
    failures: tuple[Failure, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished:
    """Everything is stored.

    Attributes:
        ok: Cells with a value.
        undefined: Cells that no system can have.
        failed: Cells that a system lost.
        skipped: Cells that were not tried.
    """

    ok: int
    undefined: int
    failed: int
    skipped: int


Event: TypeAlias = (
    ClusterChanged
    | StoreSalvaged
    | DiskNeeded
    | WarmUp
    | StageStarted
    | StepsDone
    | AudioDropped
    | RunFinished
)
