"""What a run has found, as plain tables: the only thing that reports read."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from codecbench.core.fingerprint import Json

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "run",
    "dataset",
    "codec",
    "point",
    "condition",
    "clip",
    "metric",
    "value",
    "status",
    "reason",
    "unit",
    "definition",
    "codec_version",
    "fingerprint",
    "seed",
    "clip_s",
    "compute_s",
    "nominal_bps",
    "payload_bps",
    "wire_bps",
    "total_bps",
    "entropy_bps",
    "rtp_bps",
    "scored_against",
    "concealment",
)
"""Columns of the tidy frame, version 2, one row per cell; the clips' tags follow, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PointFacts:
    """One operating point of a system, with its rates pooled over all clips.

    Attributes:
        name: As in the column ``point``.
        nominal_bps: What the setting promises.
        payload_bps: Payload bits of all coded clips over their duration; None where none was coded.
        entropy_bps: Zero-order bound from pooled codes, bias-corrected; None without codes.
    """

    name: str
    nominal_bps: float
    payload_bps: float | None = None
    entropy_bps: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemFacts:
    """One system of a run.

    Attributes:
        codec: Canonical name, as in the column ``codec``.
        label: Short name for tables and figures, unique within the run.
        spec: The spec string that makes the codec.
        kind: neural, waveform, parametric or anchor.
        version: Version of the library or checkpoint.
        fingerprint: What determines the bytes.
        trained: False for random weights.
        deterministic: As the adapter declares.
        causal: As the adapter declares.
        sample_rate: Native rate in Hz.
        latency_ms: Declared algorithmic latency.
        licence: SPDX identifier.
        source: Paper or standard.
        points: In rising order of rate; empty where the codec was not available.
        unavailable: Why the codec could not be made, as ``reason: message``; "" where it could.
    """

    codec: str
    label: str
    spec: str
    kind: str
    version: str = ""
    fingerprint: str = ""
    trained: bool = True
    deterministic: bool = True
    causal: bool = True
    sample_rate: int = 0
    latency_ms: float = 0.0
    licence: str = ""
    source: str = ""
    points: tuple[PointFacts, ...] = ()
    unavailable: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricFacts:
    """One metric output of a run.

    Attributes:
        name: As in the column ``metric``.
        unit: "" where there is none.
        higher_is_better: Direction.
        range: Smallest and largest possible score; infinite where unbounded.
        definition: Every parameter, in one line.
        definition_hash: Stands for definition and package versions.
        source: Paper or standard.
    """

    name: str
    unit: str
    higher_is_better: bool
    range: tuple[float, float]
    definition: str
    definition_hash: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResults:
    """Everything that a report may say about a run.

    Attributes:
        name: Name of the run: a hash over what was asked for, equal for equal suites and data.
        folder: The run folder.
        frame: The tidy frame, columns `COLUMNS` and then the clips' tags, in canonical order:
            clip order of the dataset within point within system within metric.
        forensics: One row per coded clip: ``codec, point, condition, clip, delay_ms, method,
            correlation, gain_db, polarity, dc_offset, drift, clipped_share, length_difference,
            encode_s, decode_s, input_clipped_share, sent_packets, lost_packets``.
        codebooks: One row per codebook of each point that has codes: ``codec, point, condition,
            codebook, size, codes, used_share, perplexity, entropy_bits, note``.
        systems: In the order asked for.
        metrics: In the order asked for.
        suite: The resolved suite.
        environment: Versions, machine, hashes.
        references: Content hash of each clip's samples, by clip.
        caveats: What has to be said wherever these results stand; empty for one run.
    """

    name: str
    folder: Path
    frame: "pd.DataFrame"
    forensics: "pd.DataFrame"
    codebooks: "pd.DataFrame"
    systems: tuple[SystemFacts, ...]
    metrics: tuple[MetricFacts, ...]
    suite: dict[str, Json]
    environment: dict[str, Json]
    references: dict[str, str] = field(default_factory=dict)
    caveats: tuple[str, ...] = ()
