"""From a suite to everything that has to be done: systems, metrics, clips, keys."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

from codecbench.adapters.registry import short_name, system_name
from codecbench.benchmark.framing import Message
from codecbench.benchmark.keys import ConditionIdentity, MetricIdentity, RunIdentity
from codecbench.benchmark.results import MetricFacts, PointFacts, SystemFacts
from codecbench.benchmark.suite import Suite, resolve
from codecbench.benchmark.supervisor import Reply, Respondent
from codecbench.core.errors import ConfigError, MissingDependencyError, RunError
from codecbench.core.fingerprint import Json, package_versions
from codecbench.core.resampling import RESAMPLER
from codecbench.core.spec import Spec
from codecbench.datasets.base import Clip, Dataset
from codecbench.metrics.registry import expand_metrics

N = TypeVar("N", int, float)

FORENSICS_VERSION = 3
"""Raised when what the coding step measures changes, so that old records are made anew."""

UNKNOWN_POINT = PointFacts(name="-", nominal_bps=0.0)
"""Stands for the points of a codec that cannot even be made, so that its cells exist."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedSystem:
    """A system and what its coding keys hang on."""

    facts: SystemFacts
    source_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedMetric:
    """A metric with its outputs.

    Attributes:
        spec: Canonical spec.
        outputs: Facts of each output.
        identity: What its scoring keys hang on.
        by_name: Whether it was asked for by name and not by a group.
        unavailable: ``reason: message`` where it cannot run here; "" where it can.
    """

    spec: str
    outputs: tuple[MetricFacts, ...]
    identity: Message
    by_name: bool
    unavailable: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCondition(ConditionIdentity):
    """A condition and what keys hang on.

    Attributes:
        unavailable: ``reason: message`` where it cannot be applied here; "" where it can.
    """

    unavailable: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that a run is about, in canonical order."""

    suite: Suite
    dataset: Dataset
    systems: tuple[PlannedSystem, ...]
    metrics: tuple[PlannedMetric, ...]
    conditions: tuple[PlannedCondition, ...]
    identity: RunIdentity
    name: str

    def coding_key(
        self, system: PlannedSystem, point: str, condition: PlannedCondition, clip: Clip
    ) -> str:
        """Return the key of one clip's coding at one point."""
        return self.identity.coding_key(
            clip=clip.id,
            sha256=clip.sha256,
            codec=system.facts.codec,
            version=system.facts.version,
            fingerprint=system.facts.fingerprint,
            point=point,
            condition=condition,
        )

    def scoring_key(
        self, metric: PlannedMetric, clip: Clip, condition: PlannedCondition, degraded: str
    ) -> str:
        """Return the key of one metric on one degraded signal."""
        return self.identity.scoring_key(
            clip=clip.id,
            sha256=clip.sha256,
            metric=metric.identity,
            condition=condition,
            degraded=degraded,
        )

    def condition(self, name: str) -> PlannedCondition:
        """Return the condition of a name."""
        return next(condition for condition in self.conditions if condition.name == name)


@cache
def resampler_version() -> str:
    """Return name and version of the resampler; every key asks for it."""
    return f"{RESAMPLER} {package_versions(['soxr'])['soxr']}"


def make_plan(suite: Suite, dataset: Dataset, child: Respondent) -> Plan:
    """Resolve a suite into a plan.

    Args:
        suite: What is asked for.
        dataset: Its data, loaded.
        child: Where codecs and metrics are made to be asked about themselves.

    Raises:
        ConfigError: A name, option or setting that cannot be right.
    """
    resolved = resolve(suite)
    systems = _plan_systems(resolved, child)
    metrics = [
        _plan_metric(spec, by_name=by_name, child=child)
        for spec, by_name in expand_metrics(resolved.metrics)
    ]
    conditions = [_plan_condition(name, child) for name in resolved.conditions]
    _refuse_twins([output.name for metric in metrics for output in metric.outputs])
    identity = RunIdentity(
        sample_rate=resolved.sample_rate,
        seed=resolved.seed,
        resampler=resampler_version(),
        forensics=FORENSICS_VERSION,
        adapters={system.facts.codec: system.source_hash for system in systems},
        metrics=tuple(
            MetricIdentity(
                spec=metric.spec,
                outputs=tuple(output.name for output in metric.outputs),
                identity=metric.identity,
            )
            for metric in metrics
        ),
        conditions=tuple(
            ConditionIdentity(name=each.name, identity=each.identity, reference=each.reference)
            for each in conditions
        ),
    )
    asked = [
        (system.facts.codec, system.facts.fingerprint, [p.name for p in system.facts.points])
        for system in systems
    ]
    return Plan(
        suite=resolved,
        dataset=dataset,
        systems=tuple(systems),
        metrics=tuple(metrics),
        conditions=tuple(conditions),
        identity=identity,
        name=identity.run_name(asked, dataset.fingerprint),
    )


def _plan_systems(suite: Suite, child: Respondent) -> list[PlannedSystem]:
    specs = [Spec.parse(text) for text in suite.codecs]
    names, labels = [], []
    for spec in specs:
        try:
            names.append(system_name(spec))
            labels.append(short_name(spec))
        except MissingDependencyError:
            # A plug-in that cannot be imported has no options to complete.
            names.append(str(spec))
            labels.append(spec.name)
    for index, (spec, name) in enumerate(zip(specs, names, strict=True)):
        if name in names[:index]:
            twin = specs[names.index(name)]
            msg = f"'{twin}' and '{spec}' are one system; give all rates in one sweep: rate=a|b"
            raise ConfigError(msg)
    labels = [
        label if labels.count(label) == 1 else name
        for label, name in zip(labels, names, strict=True)
    ]
    return [
        _plan_system(spec, name, label, child)
        for spec, name, label in zip(specs, names, labels, strict=True)
    ]


def _plan_system(spec: Spec, name: str, label: str, child: Respondent) -> PlannedSystem:
    reply = child.call({"op": "describe_codec", "spec": str(spec)})
    found = reply.value
    if found is None:
        _raise_usage(reply, str(spec))
        facts = SystemFacts(
            codec=name,
            label=label,
            spec=str(spec),
            kind="waveform",
            points=(UNKNOWN_POINT,),
            unavailable=f"{reply.reason}: {reply.detail}",
        )
        return PlannedSystem(facts=facts, source_hash="")
    points = found["points"]
    facts = SystemFacts(
        codec=name,
        label=f"{label} ({found['remark']})" if found["remark"] else label,
        spec=str(spec),
        kind=str(found["kind"]),
        version=str(found["version"]),
        fingerprint=str(found["fingerprint"]),
        trained=bool(found["trained"]),
        deterministic=bool(found["deterministic"]),
        causal=bool(found["causal"]),
        sample_rate=_number(found["sample_rate"], int),
        latency_ms=_number(found["latency_ms"], float),
        licence=str(found["licence"]),
        source=str(found["source"]),
        points=tuple(
            PointFacts(name=str(p["name"]), nominal_bps=_number(p["nominal_bps"], float))
            for p in (points if isinstance(points, list) else [])
            if isinstance(p, dict)
        ),
        unavailable=str(found["unavailable"]),
    )
    return PlannedSystem(facts=facts, source_hash=str(found["source_hash"]))


def _plan_metric(spec: str, *, by_name: bool, child: Respondent) -> PlannedMetric:
    reply = child.call({"op": "describe_metric", "spec": spec})
    found = reply.value
    if found is None:
        _raise_usage(reply, spec)
        msg = f"metric '{spec}' cannot be made: {reply.detail}"
        raise ConfigError(msg)
    bounds = found["range"]
    low, high = bounds if isinstance(bounds, list) else (None, None)
    limits = (
        float("-inf") if low is None else _number(low, float),
        float("inf") if high is None else _number(high, float),
    )
    names = found["outputs"]
    outputs = tuple(
        MetricFacts(
            name=str(name),
            unit=str(found["unit"]),
            higher_is_better=bool(found["higher_is_better"]),
            range=limits,
            definition=str(found["definition"]),
            definition_hash=str(found["definition_hash"]),
            source=str(found["source"]),
        )
        for name in (names if isinstance(names, list) else [])
    )
    identity: Message = {
        key: found[key] for key in ("name", "definition", "versions", "source_hash")
    }
    return PlannedMetric(
        spec=spec,
        outputs=outputs,
        identity=identity,
        by_name=by_name,
        unavailable=str(found["unavailable"]),
    )


def _plan_condition(name: str, child: Respondent) -> PlannedCondition:
    reply = child.call({"op": "describe_condition", "condition": name})
    found = reply.value
    if found is None:
        _raise_usage(reply, name)
        if reply.status != "skipped":
            msg = f"condition '{name}' cannot be made: {reply.detail}"
            raise ConfigError(msg)
        # Of another identity than any that can be applied.
        unavailable = f"{reply.reason}: {reply.detail}"
        return PlannedCondition(name=name, identity=name, unavailable=unavailable)
    treated = found["scored_against"] == "treated"
    return PlannedCondition(
        name=name,
        identity=found["identity"],
        reference=found["input"] if treated else None,
    )


def _raise_usage(reply: Reply, what: str) -> None:
    """Turn a child's complaint about options into the usage error that it is."""
    usage = {"ConfigError", "UnknownNameError", "UnsupportedSettingError"}
    if reply.error_type in usage:
        raise ConfigError(reply.detail.partition(": ")[2] or reply.detail)
    if reply.status == "failed" and reply.reason == "exception" and not reply.error_type:
        msg = f"'{what}': {reply.detail}"
        raise RunError(msg)


def _refuse_twins(names: Sequence[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            msg = f"two definitions of metric '{name}' in one run; run them apart"
            raise ConfigError(msg)


def _number(value: Json, kind: Callable[[str], N]) -> N:
    return kind(str(value))
