"""From the contents of a bundle to a run folder of our own make; no database comes with it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

from codecbench.benchmark.results import MetricFacts
from codecbench.benchmark.store import CellRow, EncodingRow, Place, RunStore
from codecbench.benchmark.suite import write_suite
from codecbench.core.cell import Cell
from codecbench.core.fingerprint import Json
from codecbench.datasets.base import Clip
from codecbench.reports.boards.contents import RunDescription
from codecbench.reports.boards.unpacking import Bundle


def write_run(
    folder: Path,
    bundle: Bundle,
    clips: Mapping[str, Clip],
    labels: Mapping[str, str],
    dataset: str,
) -> None:
    """Write the run folder of a bundle.

    Args:
        folder: Where to.
        bundle: What was found.
        clips: Clips with the paths and tags that count here, by id.
        labels: What systems are called, by canonical name.
        dataset: Name of the data.
    """
    described = bundle.contents.description
    environment: dict[str, Json] = described.environment
    facts: dict[str, Json] = {
        "name": described.name,
        "dataset": dataset,
        "dataset_fingerprint": described.dataset_fingerprint,
        "seed": described.identity.seed,
        "sample_rate": described.identity.sample_rate,
        "by_name": list(described.by_name),
        "group": described.suite.group,
        "identity": described.identity.as_identity().to_json(),
        "environment": environment,
    }
    with RunStore(folder, write=True) as store:
        store.write_plan(
            facts=facts,
            clips=[clips[clip.id] for clip in described.clips],
            systems=[replace(each, label=labels[each.codec]) for each in described.systems],
            metrics=_metric_facts(described),
        )
        store.put(encodings=_encoding_rows(bundle), cells=_cell_rows(bundle))
    write_suite(replace(described.suite, data=dataset), folder / "suite.toml")
    text = json.dumps(environment, indent=2, sort_keys=True)
    (folder / "environment.json").write_text(f"{text}\n", encoding="utf-8")


def _metric_facts(described: RunDescription) -> list[MetricFacts]:
    found = []
    for metric in described.metrics:
        low, high = metric.range
        table = {name: getattr(metric, name) for name in metric.__slots__}
        bounds = (float("-inf") if low is None else low, float("inf") if high is None else high)
        found.append(MetricFacts(**(table | {"range": bounds})))
    return found


def _encoding_rows(bundle: Bundle) -> list[EncodingRow]:
    return [
        EncodingRow(
            place=Place(codec=row.codec, point=row.point, condition=row.condition, clip=row.clip),
            key=row.key,
            status=row.status,
            reason=row.reason,
            detail=row.detail,
            record={
                name: value
                for name, value in (asdict(row.record) if row.record else {}).items()
                # Codecs without codes say nothing of them.
                if value is not None or name == "sent_packets"
            },
        )
        for row in bundle.contents.encodings
    ]


def _cell_rows(bundle: Bundle) -> list[CellRow]:
    return [
        CellRow(
            place=Place(codec=row.codec, point=row.point, condition=row.condition, clip=row.clip),
            metric=row.metric,
            key=row.key,
            cell=Cell(status=row.status, value=row.value, reason=row.reason, detail=row.detail),
            compute_s=row.compute_s,
        )
        for row in bundle.contents.cells
    ]
