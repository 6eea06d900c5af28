"""The trust card of a codec: what is claimed, what was measured, what nobody looked at."""

from collections.abc import Sequence
from dataclasses import dataclass

from codecbench.benchmark.check.follow import CheckResult
from codecbench.benchmark.complexity import Complexity
from codecbench.benchmark.results import SystemFacts
from codecbench.reports.forensics import Findings
from codecbench.reports.rates import PointRates
from codecbench.reports.tables import kbps

_DETERMINISM = {
    "repeat", "fresh_instance", "no_state", "bytes_alone", "fresh_process", "process_state",
    "batch", "threads",
}  # fmt: skip
"""Checks that ask whether equal input gives equal output, whatever came before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustLine:
    """One line of the card.

    Attributes:
        topic: bits, determinism, delay, conformance, complexity, weights.
        mark: "good", "look" (deserves one), or "open" (nobody measured).
        text: What is known.
    """

    topic: str
    mark: str
    text: str


def trust_card(
    system: SystemFacts,
    rates: Sequence[PointRates],
    findings: Sequence[Findings],
    checks: Sequence[CheckResult],
    cost: Complexity | None,
) -> tuple[TrustLine, ...]:
    """Sum up what is known of a system.

    Args:
        system: Facts.
        rates: Of its points.
        findings: What its output shows against the references.
        checks: Answers of the conformance kit; empty where nobody asked.
        cost: What it costs; None where nobody measured.
    """
    if system.unavailable:
        return (TrustLine(topic="availability", mark="look", text=system.unavailable),)
    lines = [] if system.trained else [_UNTRAINED]
    lines += [
        _bits(system, rates),
        _determinism(system, checks),
        _delay(system, findings, cost),
        _conformance(checks),
        _complexity(cost),
    ]
    return tuple(lines)


_UNTRAINED = TrustLine(
    topic="weights",
    mark="look",
    text="random: the numbers show that the code runs, not how good the codec is",
)


def _bits(system: SystemFacts, rates: Sequence[PointRates]) -> TrustLine:
    if system.kind == "anchor":
        return TrustLine(topic="bits", mark="good", text="an anchor: its bits mean nothing")
    known = [rate for rate in rates if rate.payload_bps is not None]
    if not known:
        return TrustLine(topic="bits", mark="open", text="nothing was coded")
    flagged = [rate for rate in known if rate.is_flagged]
    if flagged:
        names = ", ".join(
            f"{rate.point}: {kbps(rate.payload_bps)} instead of {kbps(rate.nominal_bps)} kbit/s"
            for rate in flagged
        )
        return TrustLine(topic="bits", mark="look", text=f"more than promised at {names}")
    shares = [rate.excess - 1 for rate in known if rate.excess is not None]
    worst = max(shares, key=abs, default=0.0)
    return TrustLine(
        topic="bits",
        mark="good",
        text="counted in the bytes that a fresh decoder needs; at most "
        f"{worst:+.1%} against the nominal rate",
    )


def _determinism(system: SystemFacts, checks: Sequence[CheckResult]) -> TrustLine:
    declared = "declared deterministic" if system.deterministic else "declared not deterministic"
    asked = [each for each in checks if each.name in _DETERMINISM]
    if not asked:
        return TrustLine(topic="determinism", mark="open", text=f"{declared}; not checked")
    failed = [each for each in asked if each.outcome in ("fail", "warn")]
    if failed:
        text = "; ".join(f"{each.name}: {each.found}" for each in failed)
        return TrustLine(topic="determinism", mark="look", text=f"{declared}; {text}")
    names = ", ".join(each.name for each in asked)
    return TrustLine(topic="determinism", mark="good", text=f"{declared}; passed {names}")


def _delay(system: SystemFacts, findings: Sequence[Findings], cost: Complexity | None) -> TrustLine:
    words = [f"{system.latency_ms:g} ms of latency declared"]
    words.append("causal" if system.causal else "not causal")
    if cost is not None:
        words.append(f"at least {cost.measured_latency_ms:g} ms measured")
    notes = {note for found in findings for note in found.notes}
    text = "; ".join([*words, *sorted(notes)])
    exceeded = cost is not None and cost.measured_latency_ms > 1.01 * system.latency_ms + 0.1
    if system.kind != "anchor" and (notes or exceeded):
        return TrustLine(topic="delay and level", mark="look", text=text)
    if not findings:
        return TrustLine(topic="delay and level", mark="open", text=text)
    return TrustLine(topic="delay and level", mark="good", text=f"{text}; output is in place")


def _conformance(checks: Sequence[CheckResult]) -> TrustLine:
    if not checks:
        text = "not checked; 'codecbench check SPEC --json' with --checks shows it here"
        return TrustLine(topic="conformance", mark="open", text=text)
    counts = {
        word: sum(each.outcome == outcome for each in checks)
        for outcome, word in (("pass", "passed"), ("warn", "warned"), ("fail", "failed"))
    }
    text = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    mark = "look" if counts["failed"] or counts["warned"] else "good"
    return TrustLine(topic="conformance", mark=mark, text=f"{text} of {len(checks)} checks")


def _complexity(cost: Complexity | None) -> TrustLine:
    if cost is None:
        text = "not measured; 'codecbench complexity SPEC --json' with --costs shows it here"
        return TrustLine(topic="complexity", mark="open", text=text)
    words = []
    if cost.parameters is not None:
        words.append(f"{cost.parameters / 1e6:.3g} million parameters")
    if cost.macs:
        most = cost.macs[-1]
        words.append(f"{(most.encode + most.decode) / 1e6:.3g} MMAC/s at {most.point}")
    for speed in cost.speeds:
        factor = speed.encode_rtf + speed.decode_rtf
        threads = f"{speed.threads} thread{'s' if speed.threads > 1 else ''}"
        words.append(f"real-time factor {factor:.3g} ({speed.device}, {threads})")
    return TrustLine(topic="complexity", mark="good", text="; ".join(words))
