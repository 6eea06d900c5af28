"""One of the two that are compared: what was found, on which audio, and where to listen to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from codecbench.benchmark.reading import read_results
from codecbench.benchmark.results import RunResults
from codecbench.benchmark.store import Place, RunStore
from codecbench.benchmark.suite import Suite
from codecbench.core.cell import Status
from codecbench.datasets.base import Clip


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """Results with what pairing and listening need.

    Attributes:
        name: What the user called it.
        results: The results.
        clips: Clips by id; a baseline file knows their hashes, not where they lie.
        keys: Coding key of each encoding that is known.
        degraded: Content hash of what was decoded, of each encoding that went well.
        sample_rate: Rate of evaluation in Hz.
    """

    name: str
    results: RunResults
    clips: Mapping[str, Clip]
    keys: Mapping[Place, str] = field(default_factory=dict)
    degraded: Mapping[Place, str] = field(default_factory=dict)
    sample_rate: int = 16000


def read_side(folder: Path, name: str | None = None) -> Side:
    """Read a run folder.

    Args:
        folder: The run, finished or not.
        name: What to call it; the folder where None.

    Raises:
        ResultSchemaError: No run there, damaged, or of another schema.
    """
    with RunStore(folder) as store:
        facts, clips, encodings = store.facts(), store.clips(), store.encodings()
    return Side(
        name=name or str(folder),
        results=read_results(folder),
        clips={clip.id: clip for clip in clips},
        keys={place: row.key for place, row in encodings.items()},
        degraded={
            place: str(row.record["degraded"])
            for place, row in encodings.items()
            if row.status is Status.OK
        },
        sample_rate=int(str(facts["sample_rate"])),
    )


def suite_from(table: Mapping[str, Any]) -> Suite:
    """Return the suite that a run or a baseline keeps as a table.

    Args:
        table: Any: as `write_suite` or a baseline wrote it.

    Raises:
        TypeError: It has other keys.
    """
    kept: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list | tuple) else value
        for key, value in table.items()
    }
    return Suite(**kept)
