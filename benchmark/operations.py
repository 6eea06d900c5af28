"""What the child can be asked to do."""

from collections.abc import Callable

from codecbench.adapters.registry import get_codec
from codecbench.benchmark.adapter_hash import adapter_hash
from codecbench.benchmark.audio_hash import hash_audio
from codecbench.benchmark.check.bench import CheckBench
from codecbench.benchmark.code_step import CodingBench
from codecbench.benchmark.complexity import run_complexity
from codecbench.benchmark.conditions.describe import describe_condition
from codecbench.benchmark.conformance import run_check
from codecbench.benchmark.framing import Message
from codecbench.benchmark.harness_step import describe_harness
from codecbench.benchmark.pair_step import PairBench
from codecbench.benchmark.references import References
from codecbench.benchmark.score_step import ScoringBench
from codecbench.benchmark.speed_ratio import run_speed_ratio
from codecbench.benchmark.streaming.truth import run_streaming
from codecbench.benchmark.warm_step import run_warm_up
from codecbench.core.errors import MissingDependencyError, MissingWeightsError
from codecbench.core.fingerprint import class_source_hash
from codecbench.metrics.registry import get_metric

_references = References()
_coding = CodingBench(_references)
_scoring = ScoringBench(_references)
_checking = CheckBench()


def _ping(request: Message) -> Message:
    del request
    return {}


def _describe_codec(request: Message) -> Message:
    """Say what a codec is, and whether what it needs is there."""
    codec = get_codec(str(request["spec"]))
    missing = ""
    try:
        codec.load()
    except MissingDependencyError as error:
        missing = f"missing_dependency: {error}"
    except MissingWeightsError as error:
        missing = f"missing_weights: {error}"
    info = codec.info
    return {
        "name": info.name,
        "version": info.version,
        "fingerprint": info.fingerprint,
        "source_hash": adapter_hash(type(codec)),
        "sample_rate": info.sample_rate,
        "latency_ms": info.latency_ms,
        "causal": info.causal,
        "kind": info.kind,
        "deterministic": info.deterministic,
        "trained": info.trained,
        "remark": info.remark,
        "licence": info.licence,
        "source": info.source,
        "unavailable": missing,
        "points": [
            {"name": point.name, "nominal_bps": float(point.nominal_bps)} for point in codec.points
        ],
    }


def _describe_metric(request: Message) -> Message:
    spec = str(request["spec"])
    metric = get_metric(spec)
    low, high = metric.range
    missing = ""
    try:
        metric.require_modules()
    except MissingDependencyError as error:
        missing = f"missing_dependency: {error}"
    except MissingWeightsError as error:
        missing = f"missing_weights: {error}"
    return {
        "unavailable": missing,
        "name": metric.name,
        "outputs": list(metric.outputs),
        "unit": metric.unit,
        "higher_is_better": metric.higher_is_better,
        "range": [_finite(low), _finite(high)],
        "definition": metric.definition,
        "definition_hash": metric.definition_hash(),
        "source_hash": class_source_hash(type(metric)) if ".py:" in spec else "",
        "versions": dict(metric.versions()),
        "source": metric.source,
        "deterministic": metric.deterministic,
        "tolerance": metric.tolerance,
    }


def _finite(bound: float) -> float | None:
    return float(bound) if abs(bound) != float("inf") else None


OPERATIONS: dict[str, Callable[[Message], Message]] = {
    "ping": _ping,
    "describe_codec": _describe_codec,
    "describe_metric": _describe_metric,
    "describe_condition": describe_condition,
    "describe_harness": describe_harness,
    "holds": _references.holds,
    "code": _coding.run,
    "score": _scoring.run,
    "score_pair": PairBench().run,
    "warm_up": run_warm_up,
    "check": run_check,
    "check_open": _checking.open,
    "check_codec": _checking.run,
    "check_encode": _checking.encode,
    "check_decode": _checking.decode,
    "complexity": run_complexity,
    "hash_audio": hash_audio,
    "speed_ratio": run_speed_ratio,
    "stream": run_streaming,
}
