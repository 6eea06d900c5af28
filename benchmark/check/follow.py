"""The conformance kit: does a codec do what its adapter promises? A number for each question."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from codecbench.benchmark.check.bench import CHECKS
from codecbench.benchmark.check.subject import Outcome
from codecbench.benchmark.framing import Message
from codecbench.benchmark.supervisor import Limits, Reply, SupervisedChild
from codecbench.core.errors import ConfigError, NotAvailableError

_USAGE_ERRORS = ("ConfigError", "UnknownNameError", "UnsupportedSettingError")

_LOAD = (0, "load", "the codec can be made and loaded", "see what its constructor or load says")
_FRESH = (
    24,
    "fresh_process",
    "a process that has the spec and the bytes, and nothing else, decodes the same",
    "put everything that the decoder needs into packets or header: nothing on self, on the class, "
    "in the module or in a file",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """The answer to one question.

    Attributes:
        number: Its place in the report.
        name: Short and fixed; `Codec.violates` names checks by it.
        outcome: "pass", "warn", "fail" or "not_applicable".
        found: What was measured, in one line.
        asks: What must hold.
        advice: What to do; "" where nothing is to be done.
        on_purpose: Whether the codec fails and has declared that it does; its outcome is "warn".
        seconds: How long it took.
    """

    number: int
    name: str
    outcome: Outcome
    found: str
    asks: str
    advice: str
    on_purpose: bool
    seconds: float


def check_names() -> list[str]:
    """Return the names of all checks."""
    return [_LOAD[1], *sorted([*CHECKS, _FRESH[1]], key=lambda name: _facts(name)[0])]


def run_checks(
    spec: str, *, thorough: bool = False, limits: Limits | None = None
) -> list[CheckResult]:
    """Ask a codec everything, each question in a watched process.

    Args:
        spec: Codec spec.
        thorough: Take the time for long clips and all points of networks, too.
        limits: For each check; a check that crashes or runs out of time has failed.

    Returns:
        One result per check, by number; only "load" where the codec cannot be loaded.

    Raises:
        ConfigError: The spec cannot be right.
        NotAvailableError: A library or checkpoint is not on this machine.
    """
    return sorted(follow_checks(spec, thorough=thorough, limits=limits), key=lambda r: r.number)


def follow_checks(
    spec: str, *, thorough: bool = False, limits: Limits | None = None
) -> Iterator[CheckResult]:
    """Do as `run_checks` does, and hand out each result as it is found."""
    bounds = limits or Limits(timeout_s=600.0 if thorough else 120.0, retries=0)
    request: Message = {"spec": spec, "thorough": thorough}
    with SupervisedChild(bounds) as child:
        opened = child.call({"op": "check_open", **request})
        _require_usable(spec, opened)
        if opened.value is None:
            yield _result("load", opened, violates=())
            return
        if opened.value["attempts"]:
            attempts = opened.value["attempts"]
            first = attempts[0] if isinstance(attempts, list) else ""
            yield _finding("network", "fail", f"while loading: {first}", opened.seconds)
            return
        listed = opened.value["violates"]
        violates = tuple(str(name) for name in listed) if isinstance(listed, list) else ()
        unknown = sorted(set(violates) - set(check_names()))
        if unknown:
            msg = f"'{spec}' declares to violate {', '.join(unknown)}; no check is called that"
            raise ConfigError(msg)
        yield _finding("load", "pass", str(opened.value["kind"]), opened.seconds)
        # First, since a stream of requests must not be broken into.
        sent = child.call({"op": "check_encode", **request})
        deterministic = bool(opened.value["deterministic"])
        requests: list[Message] = [
            {"op": "check_codec", "check": name, **request} for name in CHECKS
        ]
        before = [name for name in CHECKS if CHECKS[name].number < _FRESH[0]]
        replies = child.stream(requests)
        for name, reply in zip(before, itertools.islice(replies, len(before)), strict=True):
            yield _result(name, reply, violates)
        yield _fresh_process(request, sent, bounds, deterministic=deterministic)
        for name, reply in zip(list(CHECKS)[len(before) :], replies, strict=True):
            yield _result(name, reply, violates)


def _require_usable(spec: str, opened: Reply) -> None:
    if opened.error_type in _USAGE_ERRORS:
        raise ConfigError(opened.detail.partition(": ")[2])
    if opened.status == "skipped":
        msg = f"'{spec}' cannot be checked here: {opened.detail.partition(': ')[2]}"
        raise NotAvailableError(msg)


def _fresh_process(
    request: Message, sent: Reply, limits: Limits, *, deterministic: bool
) -> CheckResult:
    """Decode in a new process what another one has `sent`, and encode there, too."""
    name = _FRESH[1]
    if not deterministic:
        return _finding(name, "not_applicable", "declared as not deterministic", 0.0)
    if sent.value is None:
        return _result(name, sent, violates=())
    streams = sent.value["streams"]
    if not isinstance(streams, dict):
        return _finding(name, "fail", "the encoding process answered nonsense", sent.seconds)
    seconds = sent.seconds
    with SupervisedChild(limits) as receiver:
        for point, entry in streams.items():
            stream, heard = entry if isinstance(entry, list) else ("", "")
            reply = receiver.call({"op": "check_decode", "stream": stream, **request})
            seconds += reply.seconds
            if reply.value is None:
                return _finding(name, "fail", f"at {point}: {reply.detail}", seconds)
            if reply.value["sha256"] != heard:
                return _finding(name, "fail", f"other samples there at {point}", seconds)
        again = receiver.call({"op": "check_encode", **request})
    if again.value is None or again.value["streams"] != streams:
        found = "a process that has decoded before encodes or decodes otherwise"
        return _finding(name, "fail", found, seconds)
    found = f"same samples from bytes alone, same bytes, at {', '.join(streams)}"
    return _finding(name, "pass", found, seconds + again.seconds)


def _result(name: str, reply: Reply, violates: tuple[str, ...]) -> CheckResult:
    if reply.value is None:
        found = reply.detail if reply.reason == "exception" else f"{reply.reason}: {reply.detail}"
        return _finding(name, "fail", found, reply.seconds, violates)
    return _finding(
        name,
        reply.value["outcome"],  # type: ignore[arg-type]  # our own child says it
        str(reply.value["found"]),
        reply.seconds,
        violates,
    )


def _finding(
    name: str, outcome: Outcome, found: str, seconds: float, violates: tuple[str, ...] = ()
) -> CheckResult:
    number, _, asks, advice = _facts(name)
    on_purpose = outcome == "fail" and name in violates
    if on_purpose:
        outcome, advice = "warn", ""
        found = f"{found} (on purpose)"
    return CheckResult(
        number=number,
        name=name,
        outcome=outcome,
        found=found,
        asks=asks,
        advice=advice if outcome in ("warn", "fail") else "",
        on_purpose=on_purpose,
        seconds=seconds,
    )


def _facts(name: str) -> tuple[int, str, str, str]:
    for facts in (_LOAD, _FRESH):
        if facts[1] == name:
            return facts
    check = CHECKS[name]
    return check.number, check.name, check.asks, check.advice
