"""From a run folder to what a bundle says of it."""

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

from codecbench.benchmark.results import MetricFacts
from codecbench.benchmark.store import CellRow, EncodingRow, RunStore
from codecbench.benchmark.suite import read_suite
from codecbench.core.cell import Status
from codecbench.core.errors import BundleError
from codecbench.datasets.base import Clip
from codecbench.reports.boards.contents import (
    Contents,
    PackedCell,
    PackedClip,
    PackedEncoding,
    PackedMetric,
    RunDescription,
    from_json,
)


def read_contents(folder: Path) -> tuple[Contents, list[Clip]]:
    """Read everything that a run has found, and its clips with their paths.

    Raises:
        BundleError: The run does not say what its keys hang on.
        ResultSchemaError: There is no run in the folder.
    """
    with RunStore(folder) as store:
        facts, clips, systems = store.facts(), store.clips(), store.systems()
        metrics = store.metrics()
        encodings, cells = store.encodings().values(), store.cells().values()
    if "identity" not in facts:
        msg = (
            f"{folder}: made before runs said what their keys hang on; give the command of the run "
            "again (nothing is computed twice), and then bundle it"
        )
        raise BundleError(msg)
    suite = read_suite(folder / "suite.toml")
    table: dict[str, Any] = {  # Any: JSON, checked by from_json
        "name": facts["name"],
        "dataset": facts["dataset"],
        "dataset_fingerprint": facts["dataset_fingerprint"],
        "by_name": facts["by_name"],
        # Where the data lies is nobody's business.
        "suite": asdict(suite) | {"data": facts["dataset"]},
        "identity": facts["identity"],
        "environment": facts["environment"],
        "clips": [_clip(clip) for clip in clips],
        "systems": [asdict(system) for system in systems],
        "metrics": [asdict(_metric(metric)) for metric in metrics],
    }
    described = from_json(RunDescription, _json(table), str(folder))
    packed = [
        from_json(PackedEncoding, _json(_encoding(row)), str(folder))
        for row in sorted(encodings, key=_place_of_encoding)
    ]
    scored = tuple(_cell(row) for row in sorted(cells, key=_place_of_cell))
    return Contents(description=described, encodings=tuple(packed), cells=scored), clips


def _json(table: dict[str, Any]) -> bytes:
    return json.dumps(table).encode()


def _clip(clip: Clip) -> dict[str, Any]:
    table = asdict(clip) | {"tags": dict(clip.tags)}
    return {name: table[name] for name in PackedClip.__slots__}


def _metric(facts: MetricFacts) -> PackedMetric:
    low, high = (bound if math.isfinite(bound) else None for bound in facts.range)
    table = {name: getattr(facts, name) for name in PackedMetric.__slots__}
    return PackedMetric(**(table | {"range": (low, high)}))


def _encoding(row: EncodingRow) -> dict[str, Any]:
    return {
        **asdict(row.place),
        "key": row.key,
        "status": row.status.value,
        "reason": row.reason,
        "detail": row.detail,
        "record": dict(row.record) if row.status is Status.OK else None,
    }


def _cell(row: CellRow) -> PackedCell:
    return PackedCell(
        **asdict(row.place),
        metric=row.metric,
        key=row.key,
        status=row.cell.status,
        value=row.cell.value,
        reason=row.cell.reason,
        detail=row.cell.detail,
        compute_s=row.compute_s,
    )


def _place_of_encoding(row: EncodingRow) -> tuple[str, ...]:
    return (row.place.codec, row.place.point, row.place.condition, row.place.clip)


def _place_of_cell(row: CellRow) -> tuple[str, ...]:
    place = row.place
    return (row.metric, place.codec, place.point, place.condition, place.clip)
