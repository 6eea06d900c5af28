"""What of a stranger's run can be computed here: metrics, conditions, codecs of the same make."""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from codecbench.adapters.registry import short_name, system_name, system_specs
from codecbench.benchmark.framing import Message
from codecbench.benchmark.results import SystemFacts
from codecbench.benchmark.supervisor import SupervisedChild
from codecbench.core.errors import BundleError, CodecBenchError, NotAvailableError
from codecbench.core.fingerprint import Json
from codecbench.core.spec import Spec
from codecbench.reports.boards.contents import PackedMetric, PackedMetricIdentity, RunDescription
from codecbench.reports.boards.plain import codec_objection, metric_objection, shown


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricHere:
    """A metric that can be computed here.

    Attributes:
        spec: What makes it.
        outputs: Names of its scores.
        tolerance: How far scores of equal signals may lie apart.
        versions: Of the packages that it names, here.
    """

    spec: str
    outputs: tuple[str, ...]
    tolerance: float
    versions: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CodecHere:
    """A codec that can be made here, and is the one that made the bitstreams.

    Attributes:
        spec: What makes it.
        deterministic: As the adapter declares.
    """

    spec: str
    deterministic: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AtHand:
    """What can be computed again.

    Attributes:
        metrics: Each metric.
        codecs: By canonical name of the system.
        absent: Why a system's bitstreams cannot be decoded here, by canonical name.
        labels: What each system is called on a board, by canonical name.
    """

    metrics: tuple[MetricHere, ...]
    codecs: dict[str, CodecHere]
    absent: dict[str, str]
    labels: dict[str, str]


def find_at_hand(
    described: RunDescription,
    child: SupervisedChild,
    *,
    codecs: Sequence[str] = (),
    on_trust: Collection[str] = (),
) -> AtHand:
    """Compare what a run says of its metrics, conditions and codecs with what is here.

    Nothing is made that could do harm on a stranger's word: see `codec_objection`.

    Args:
        described: The run.
        child: Where things are made.
        codecs: Specs of codecs here, for systems whose own spec names a file.
        on_trust: Metrics that need not be here.

    Raises:
        BundleError: A metric is defined otherwise here, a condition does something else, or a
            system is not what it claims to be.
        NotAvailableError: A metric cannot be computed here.
    """
    unknown = sorted(set(on_trust) - {metric.name for metric in described.metrics})
    if unknown:
        msg = f"the run has no metric '{unknown[0]}' to be taken on trust"
        raise BundleError(msg)
    facts = {metric.name: metric for metric in described.metrics}
    metrics = tuple(
        _metric(identity, facts, child)
        for identity in described.identity.metrics
        if not set(identity.outputs) <= set(on_trust)
    )
    _check_conditions(described, child)
    given = _describe_given(codecs, child)
    found: dict[str, CodecHere] = {}
    absent: dict[str, str] = {}
    labels: dict[str, str] = {}
    for system in described.systems:
        labels[system.codec] = system.codec
        if system.unavailable:
            continue
        objection = codec_objection(system.spec)
        spec, here = given.get((system.version, system.fingerprint), ("", None))
        if here is None and objection:
            absent[system.codec] = objection
            continue
        if here is None:
            spec, here = system.spec, _describe(system.spec, child)
        if not objection:
            labels[system.codec] = _label(system, here)
        objection = _not_the_same(system, here)
        if objection:
            absent[system.codec] = objection
        else:
            found[system.codec] = CodecHere(spec=spec, deterministic=bool(here["deterministic"]))
    return AtHand(metrics=metrics, codecs=found, absent=absent, labels=labels)


def _metric(
    theirs: PackedMetricIdentity, facts: dict[str, PackedMetric], child: SupervisedChild
) -> MetricHere:
    name = shown(", ".join(theirs.outputs))
    way_out = f"--on-trust {name} takes its values unseen"
    objection = metric_objection(theirs.spec)
    if objection:
        msg = f"metric '{name}': {objection}; {way_out}"
        raise BundleError(msg)
    reply = child.call({"op": "describe_metric", "spec": theirs.spec})
    ours = reply.value
    if ours is None:
        msg = f"metric '{name}' cannot be made here ({shown(reply.detail)}); {way_out}"
        raise BundleError(msg)
    if ours["unavailable"]:
        msg = f"metric '{name}' cannot be computed here: {ours['unavailable']}; {way_out}"
        raise NotAvailableError(msg)
    if list(theirs.outputs) != ours["outputs"]:
        msg = f"metric '{name}': its outputs here are {ours['outputs']}"
        raise BundleError(msg)
    for output in theirs.outputs:
        for what, claimed, found in _metric_facts(facts[output], ours):
            if claimed != found:
                msg = (
                    f"metric '{shown(output)}': {what} '{shown(str(claimed))}' in the bundle, "
                    f"'{found}' here"
                )
                raise BundleError(msg)
    versions = ours["versions"]
    return MetricHere(
        spec=theirs.spec,
        outputs=theirs.outputs,
        tolerance=float(str(ours["tolerance"])),
        versions=dict(versions) if isinstance(versions, dict) else {},
    )


def _metric_facts(theirs: PackedMetric, ours: Message) -> Iterator[tuple[str, Json, Json]]:
    yield "definition", theirs.definition, ours["definition"]
    yield "unit", theirs.unit, ours["unit"]
    yield "higher is better", theirs.higher_is_better, ours["higher_is_better"]
    yield "range", list(theirs.range), ours["range"]


def _check_conditions(described: RunDescription, child: SupervisedChild) -> None:
    for theirs in described.identity.conditions:
        reply = child.call({"op": "describe_condition", "condition": theirs.name})
        ours = reply.value
        if ours is None:
            msg = f"condition '{shown(theirs.name)}' cannot be made here: {shown(reply.detail)}"
            raise (NotAvailableError if reply.status == "skipped" else BundleError)(msg)
        reference = ours["input"] if ours["scored_against"] == "treated" else None
        for claimed, found in ((theirs.identity, ours["identity"]), (theirs.reference, reference)):
            if _written(claimed) != _written(found):
                msg = (
                    f"condition '{shown(theirs.name)}' is {shown(_written(claimed))} in the "
                    f"bundle, {shown(_written(found))} here"
                )
                raise BundleError(msg)


def _written(value: Json) -> str:
    return json.dumps(value, sort_keys=True)


def _describe(spec: str, child: SupervisedChild) -> Message:
    reply = child.call({"op": "describe_codec", "spec": spec})
    return reply.value if reply.value is not None else {"unavailable": shown(reply.detail)}


def _describe_given(
    codecs: Sequence[str], child: SupervisedChild
) -> dict[tuple[str, str], tuple[str, Message]]:
    """Return the codecs that the user has named, by version and fingerprint."""
    found = {}
    for text in codecs:
        for spec in system_specs(text):
            here = _describe(str(spec), child)
            if here["unavailable"]:
                raise NotAvailableError(str(here["unavailable"]))
            found[str(here["version"]), str(here["fingerprint"])] = (str(spec), here)
    return found


def _label(system: SystemFacts, here: Message) -> str:
    """Return a label that says what the system is, whatever its makers call it."""
    try:
        spec = Spec.parse(system.spec)
        name = system_name(spec)
    except CodecBenchError:
        return system.codec
    if name != system.codec:
        msg = f"system '{shown(system.codec)}' has the spec of '{name}'"
        raise BundleError(msg)
    remark = str(here.get("remark", ""))
    return f"{short_name(spec)} ({remark})" if remark else short_name(spec)


def _not_the_same(system: SystemFacts, here: Message) -> str:
    """Say why a codec here is another than a system's; "" where it is the same.

    Raises:
        BundleError: It is the same by version and fingerprint, and described otherwise.
    """
    if here["unavailable"]:
        return str(here["unavailable"])
    for what, theirs in (("version", system.version), ("fingerprint", system.fingerprint)):
        if theirs != here[what]:
            return f"{what} '{shown(theirs)}' there, '{here[what]}' here"
    points = here["points"]
    described = {
        str(point["name"]): float(str(point["nominal_bps"]))
        for point in (points if isinstance(points, list) else [])
        if isinstance(point, dict)
    }
    for point in system.points:
        if described.get(point.name) != point.nominal_bps:
            if point.name not in described:
                return f"point '{shown(point.name)}' is none of the codec's here"
            msg = (
                f"{shown(system.codec)}: point '{shown(point.name)}' of {point.nominal_bps:g} "
                f"bit/s in the bundle, {described[point.name]:g} here"
            )
            raise BundleError(msg)
    for what in ("kind", "trained", "deterministic", "causal", "sample_rate", "latency_ms"):
        if getattr(system, what) != here[what]:
            msg = (
                f"{shown(system.codec)}: {what} '{getattr(system, what)}' in the bundle, "
                f"'{here[what]}' here"
            )
            raise BundleError(msg)
    return ""
