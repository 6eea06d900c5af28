"""The baseline of a gate: a small text file to commit, with scores and keys and without audio."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codecbench.benchmark.results import COLUMNS, MetricFacts, PointFacts, RunResults, SystemFacts
from codecbench.benchmark.store import Place
from codecbench.benchmark.suite import Suite
from codecbench.core.errors import ResultSchemaError
from codecbench.core.fingerprint import Json
from codecbench.datasets.base import Clip
from codecbench.reports.regression.policy import Policy, policy_from_table
from codecbench.reports.regression.side import Side, suite_from

if TYPE_CHECKING:
    import pandas as pd

VERSION = 1
"""Version of the file."""

_MAX_BYTES = 2**28
"""A larger file is none of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What a gate compares with.

    Attributes:
        side: The old scores.
        suite: What is run.
        policy: What is accepted.
        identities: By metric output, a hash of all that its scores hang on.
        speed_reference: Codec against which systems were timed; "" where none was.
        log_ratios: By codec, logarithms of its time over the reference's, one per round.
    """

    side: Side
    suite: Suite
    policy: Policy
    identities: Mapping[str, str]
    speed_reference: str = ""
    log_ratios: Mapping[str, tuple[float, ...]]


def write_baseline(baseline: Baseline, path: Path) -> None:
    """Write a baseline: one line per codec point and condition, so that changes can be read."""
    results = baseline.side.results
    head: dict[str, Json] = {
        "codecbench_gate": VERSION,
        "suite": asdict(baseline.suite),
        "policy": baseline.policy.to_json(),
        "run": results.name,
        "dataset": _dataset(results),
        "seed": baseline.suite.seed,
        "speed": {
            "reference": baseline.speed_reference,
            "log_ratios": {name: list(each) for name, each in baseline.log_ratios.items()},
        },
    }
    tags = _speakers(results)
    lists: dict[str, Sequence[Json]] = {
        "clips": [
            [clip.id, clip.sha256, clip.seconds, clip.sample_rate, tags.get(clip.id, "")]
            for clip in baseline.side.clips.values()
        ],
        "metrics": [
            asdict(metric)
            | {
                "range": [None if math.isinf(end) else end for end in metric.range],
                "identity": baseline.identities.get(metric.name, ""),
            }
            for metric in results.metrics
        ],
        "systems": [asdict(system) for system in results.systems],
        "rows": _rows(baseline.side),
    }
    lines = [f" {json.dumps(key)}: {_compact(value)}" for key, value in head.items()]
    lines += [
        f" {json.dumps(key)}: [\n" + ",\n".join(f"  {_compact(one)}" for one in value) + "\n ]"
        for key, value in lists.items()
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.writing")
    draft.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8", newline="\n")
    draft.replace(path)


def read_baseline(path: Path) -> Baseline:
    """Read a baseline.

    Raises:
        ResultSchemaError: It is no baseline, damaged, or of another version.
        ConfigError: Its policy says what it may not.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            msg = f"{path}: larger than any baseline"
            raise ResultSchemaError(msg)
        # Any: JSON, taken apart below.
        table: Any = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        msg = f"{path}: cannot be read ({error}); 'codecbench gate init' makes a baseline"
        raise ResultSchemaError(msg) from error
    except (ValueError, RecursionError) as error:
        msg = f"{path}: damaged, not JSON: {error}"
        raise ResultSchemaError(msg) from error
    version = table.get("codecbench_gate") if isinstance(table, dict) else None
    if version != VERSION:
        msg = f"{path}: no baseline of version {VERSION} (found {version!r}); make it anew"
        raise ResultSchemaError(msg)
    policy = policy_from_table(table.get("policy", {}), str(path))
    try:
        return _from_table(table, policy, path)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        msg = f"{path}: damaged: {type(error).__name__} {error}; make it anew or restore it"
        raise ResultSchemaError(msg) from error


def _compact(value: Json) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _dataset(results: RunResults) -> str:
    names = results.frame["dataset"].astype(str).unique()
    return names[0] if len(names) else ""


def _speakers(results: RunResults) -> dict[str, str]:
    frame = results.frame
    if "speaker" not in frame.columns:
        return {}
    first = frame.drop_duplicates("clip")
    pairs = zip(first["clip"].astype(str), first["speaker"], strict=True)
    return {clip: speaker for clip, speaker in pairs if isinstance(speaker, str)}


def _rows(side: Side) -> list[Json]:
    """Return one row per codec, point and condition; clips in the order of the head."""
    clips = list(side.clips)
    rows: list[Json] = []
    key = ["codec", "point", "condition"]
    for names, part in side.results.frame.groupby(key, sort=False):
        codec, point, condition = map(str, names)
        values: dict[str, Json] = {}
        for metric, cells in part.groupby("metric", sort=False):
            by_clip = dict(
                zip(cells["clip"].astype(str), map(_cell, cells.itertuples()), strict=True)
            )
            values[str(metric)] = [by_clip.get(clip) for clip in clips]
        first = part.drop_duplicates("clip").set_index("clip")
        rates = [_number(first["payload_bps"].get(clip)) for clip in clips]
        places = [Place(codec=codec, point=point, condition=condition, clip=clip) for clip in clips]
        rows.append(
            {
                "codec": codec,
                "point": point,
                "condition": condition,
                "scored_against": str(part["scored_against"].iloc[0]),
                "concealment": str(part["concealment"].iloc[0]),
                "payload_bps": rates,
                "values": values,
                "keys": [side.keys.get(place, "") for place in places],
                "degraded": [side.degraded.get(place, "") for place in places],
            }
        )
    return rows


def _cell(row: Any) -> Json:  # noqa: ANN401  (a named tuple of pandas)
    return float(row.value) if row.status == "ok" else f"{row.status}:{row.reason}"


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


# Any: JSON; what is missing or of another type raises, and the caller says so.
def _from_table(table: dict[str, Any], policy: Policy, path: Path) -> Baseline:
    suite = suite_from(table["suite"])
    clips = {
        str(entry[0]): Clip(
            id=str(entry[0]),
            path=Path(),
            sha256=str(entry[1]),
            seconds=float(entry[2]),
            sample_rate=int(entry[3]),
            tags={"speaker": str(entry[4])} if entry[4] else {},
        )
        for entry in table["clips"]
    }
    identities = {entry["name"]: str(entry["identity"]) for entry in table["metrics"]}
    metrics = tuple(_metric(entry) for entry in table["metrics"])
    systems = tuple(
        SystemFacts(**(entry | {"points": tuple(PointFacts(**one) for one in entry["points"])}))
        for entry in table["systems"]
    )
    places: dict[str, dict[Place, str]] = {"keys": {}, "degraded": {}}
    for row in table["rows"]:
        for kind, found in places.items():
            for clip, text in zip(clips, row[kind], strict=True):
                if text:
                    place = Place(
                        codec=row["codec"],
                        point=row["point"],
                        condition=row["condition"],
                        clip=clip,
                    )
                    found[place] = str(text)
    results = RunResults(
        name=str(table["run"]),
        folder=path.parent,
        frame=_frame(table, clips, {metric.name: metric for metric in metrics}, systems),
        forensics=_empty(),
        codebooks=_empty(),
        systems=systems,
        metrics=metrics,
        suite=table["suite"],
        environment={},
    )
    speed = table["speed"]
    return Baseline(
        side=Side(
            name=str(path),
            results=results,
            clips=clips,
            keys=places["keys"],
            degraded=places["degraded"],
            sample_rate=suite.sample_rate,
        ),
        suite=suite,
        policy=replace(policy, complete=True),
        identities=identities,
        speed_reference=str(speed["reference"]),
        log_ratios={
            name: tuple(float(one) for one in each) for name, each in speed["log_ratios"].items()
        },
    )


def _metric(entry: dict[str, Any]) -> MetricFacts:
    low, high = entry["range"]
    known = {key: value for key, value in entry.items() if key not in ("range", "identity")}
    limits = -math.inf if low is None else float(low), math.inf if high is None else float(high)
    return MetricFacts(range=limits, **known)


def _empty() -> "pd.DataFrame":
    import pandas as pd

    return pd.DataFrame()


def _frame(
    table: dict[str, Any],
    clips: Mapping[str, Clip],
    metrics: Mapping[str, MetricFacts],
    systems: Sequence[SystemFacts],
) -> "pd.DataFrame":
    import pandas as pd

    facts = {system.codec: system for system in systems}
    rows = []
    for row in table["rows"]:
        system = facts[row["codec"]]
        nominal = {point.name: point.nominal_bps for point in system.points}
        for name, cells in row["values"].items():
            for (clip, known), cell, rate in zip(
                clips.items(), cells, row["payload_bps"], strict=True
            ):
                said = cell if isinstance(cell, str) else ("ok:" if cell is not None else "")
                status, _, reason = (said or "skipped:not_run").partition(":")
                entry = {
                    "run": table["run"],
                    "dataset": table["dataset"],
                    "codec": system.codec,
                    "point": row["point"],
                    "condition": row["condition"],
                    "clip": clip,
                    "metric": name,
                    "value": float(cell) if status == "ok" else math.nan,
                    "status": status,
                    "reason": reason,
                    "unit": metrics[name].unit,
                    "definition": metrics[name].definition_hash,
                    "codec_version": system.version,
                    "fingerprint": system.fingerprint,
                    "seed": table["seed"],
                    "clip_s": known.seconds,
                    "nominal_bps": nominal.get(row["point"], math.nan),
                    "payload_bps": math.nan if rate is None else float(rate),
                    "scored_against": str(row["scored_against"]),
                    "concealment": str(row["concealment"]),
                    "speaker": known.tags.get("speaker", ""),
                }
                rows.append(entry)
    frame = pd.DataFrame.from_records(rows, columns=[*COLUMNS, "speaker"])
    floats = ["value", "clip_s", "compute_s", "nominal_bps", "payload_bps", "wire_bps"]
    floats += ["total_bps", "entropy_bps", "rtp_bps"]
    return frame.astype(dict.fromkeys(floats, "float64"))
