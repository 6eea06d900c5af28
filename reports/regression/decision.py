"""What a comparison comes to: passed, a regression, or too little to say."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from codecbench.reports.regression.changes import Change, Changes
from codecbench.reports.regression.fail_if import FAILURES, RATE, TIME
from codecbench.reports.regression.policy import Policy
from codecbench.reports.regression.speed import TimeChange
from codecbench.reports.statistics.clusters import MIN_CLUSTERS
from codecbench.reports.statistics.comparison import Verdict


class State(StrEnum):
    """What became of one check, or of all of them."""

    PASSED = "passed"
    REGRESSION = "regression"
    UNDECIDED = "undecided"
    NOT_MEASURED = "not measured"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One condition on one row.

    Attributes:
        subject: A metric, "rate", "time" or "failures".
        place: Codec, point and condition.
        state: What became of it.
        message: Why, in one line.
    """

    subject: str
    place: str
    state: State
    message: str

    @property
    def name(self) -> str:
        """Subject and place."""
        return f"{self.subject} · {self.place}" if self.place else self.subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """All checks, and what they come to.

    Attributes:
        checks: In the order of the rows.
        state: A regression if any is; else incomplete if anything could not be said; else passed.
    """

    checks: tuple[Check, ...]
    state: State

    def of(self, state: State) -> tuple[Check, ...]:
        """Return the checks with a state."""
        return tuple(check for check in self.checks if check.state is state)


def decide(changes: Changes, times: Sequence[TimeChange], policy: Policy) -> Decision:
    """Apply a policy.

    A condition on a metric is broken where the loss is beyond its limit and more than chance, met
    where it is surely within, and otherwise undecided. Without conditions any metric that is worse
    counts as a regression, and what the set cannot tell does not, unless it has too few clips to
    tell anything.

    Args:
        changes: What differs.
        times: Ratios of times, where they were asked for.
        policy: What is accepted.
    """
    rows = [row for row in changes.rows if _decides(row, policy)]
    strict = policy.complete or bool(policy.fail_if)
    checks = [_strict(row, policy) if strict else _lenient(row) for row in rows]
    checks += _rates(changes, policy)
    checks += _times(times, policy)
    if not any(row.judged.comparison.n_clips for row in changes.rows):
        checks.append(_nothing(changes))
    checks.append(_failures(changes, policy))
    checks += _lost(rows)
    if strict:
        checks += _missing(changes, policy)
    states = {check.state for check in checks}
    order = (State.REGRESSION, State.NOT_MEASURED, State.UNDECIDED, State.PASSED)
    return Decision(checks=tuple(checks), state=next(state for state in order if state in states))


def _decides(row: Change, policy: Policy) -> bool:
    return not policy.fail_if or policy.about(row.metric.name) is not None


def _strict(row: Change, policy: Policy) -> Check:
    judged = row.judged
    found = judged.comparison
    condition = policy.about(row.metric.name)
    limit = f"'{condition}'" if condition else f"a loss of {found.margin:.3g}"
    if row.not_comparable or not found.n_clips:
        return _check(row, State.NOT_MEASURED, row.not_comparable or "no clip has both scores")
    said = change_words(row)
    if judged.is_sure and judged.loss > found.margin:
        return _check(row, State.REGRESSION, f"{said}: {limit}")
    if judged.is_harmless:
        return _check(row, State.PASSED, f"{said}: surely not {limit}")
    return _check(row, State.UNDECIDED, f"{said}: cannot exclude {limit}; {clips_words(row)}")


def _lenient(row: Change) -> Check:
    found = row.judged.comparison
    if row.not_comparable or not found.n_clips:
        return _check(row, State.NOT_MEASURED, row.not_comparable or "no clip has both scores")
    said = change_words(row)
    if found.verdict is Verdict.WORSE:
        return _check(row, State.REGRESSION, said)
    if not found.is_reliable and not row.judged.is_identical:
        return _check(row, State.UNDECIDED, f"{said}: {clips_words(row)}")
    return _check(row, State.PASSED, said)


def change_words(row: Change) -> str:
    """Say how a metric changed, with its interval."""
    found = row.judged.comparison
    if row.judged.is_identical:
        return f"the same on all {found.n_clips} clips"
    words = f"{found.difference:+.4g}"
    if math.isfinite(found.low):
        words += f" [{found.low:+.4g}, {found.high:+.4g}]"
    return f"{words} on {found.n_clips} clips"


def clips_words(row: Change) -> str:
    """Say how many clips would be needed."""
    judged = row.judged
    found = judged.comparison
    if not found.is_reliable:
        return (
            f"{found.n_clusters} {found.cluster}s are too few, at least {MIN_CLUSTERS} are needed"
        )
    if judged.clips_needed is not None and judged.clips_needed > found.n_clips:
        return f"about {judged.clips_needed} clips would show a loss of {found.margin:.3g}"
    if judged.clips_to_decide is not None:
        return f"about {max(judged.clips_to_decide, found.n_clips + 1)} clips would decide"
    return "the interval reaches the limit"


def _check(row: Change, state: State, message: str) -> Check:
    place = f"{row.pair.label} · {row.pair.point} · {row.condition}"
    return Check(subject=row.metric.name, place=place, state=state, message=message)


def _rates(changes: Changes, policy: Policy) -> list[Check]:
    """Check rates: bits are counted, so there is nothing to estimate."""
    condition = policy.about(RATE)
    if condition is None:
        return []
    found = []
    for rate in changes.rates:
        place = f"{rate.pair.label} · {rate.pair.point} · {rate.condition}"
        if not rate.n_clips or (condition.percent and not rate.base_bps):
            state, message = State.NOT_MEASURED, "no clip has both rates"
        else:
            change = rate.percent if condition.percent else rate.new_bps - rate.base_bps
            state = State.REGRESSION if change > condition.limit else State.PASSED
            message = f"{rate.base_bps:.1f} → {rate.new_bps:.1f} bit/s on {rate.n_clips} clips"
            message += f": '{condition}'" if state is State.REGRESSION else ""
        found.append(Check(subject=RATE, place=place, state=state, message=message))
    return found


def _times(times: Sequence[TimeChange], policy: Policy) -> list[Check]:
    condition = policy.about(TIME)
    if condition is None:
        return []
    if not times:
        message = "no system was timed"
        return [Check(subject=TIME, place="", state=State.NOT_MEASURED, message=message)]
    found = []
    for each in times:
        said = f"{each.ratio:.3f} times the base [{each.low:.3f}, {each.high:.3f}]"
        said += f", both against {each.reference}" if each.reference else ""
        if each.error:
            state, said = State.NOT_MEASURED, each.error
        elif each.is_sure and 100.0 * (each.ratio - 1.0) > condition.limit:
            state = State.REGRESSION
        else:
            state = State.PASSED if each.is_harmless else State.UNDECIDED
        if state in (State.REGRESSION, State.UNDECIDED):
            said += (
                f": '{condition}'" if state is State.REGRESSION else f": unsure of '{condition}'"
            )
        found.append(Check(subject=TIME, place=each.label, state=state, message=said))
    return found


def _failures(changes: Changes, policy: Policy) -> Check:
    condition = policy.about(FAILURES)
    allowed = 0 if condition is None else int(condition.limit)
    failing = [(row, clip) for row in changes.rows for clip in row.newly_failing]
    message = f"{len(failing)} cells fail that had a value"
    if failing:
        row, clip = failing[0]
        message += f"; first: {row.metric.name} of {clip}, {row.pair.label} {row.pair.point}"
    state = State.REGRESSION if len(failing) > allowed else State.PASSED
    return Check(subject=FAILURES, place="", state=state, message=message)


def _lost(rows: Sequence[Change]) -> list[Check]:
    lost = [(row, clip) for row in rows for clip in row.lost]
    if not lost:
        return []
    row, clip = lost[0]
    message = (
        f"{len(lost)} cells that the base has were not measured; first: {row.metric.name} of "
        f"{clip}, {row.pair.label} {row.pair.point}"
    )
    return [Check(subject="coverage", place="", state=State.NOT_MEASURED, message=message)]


def _missing(changes: Changes, policy: Policy) -> list[Check]:
    """Say what a gate needs and does not find."""
    measured = {row.metric.name for row in changes.rows}
    gone = [f"codec point {name}" for name in changes.pairing.only_base]
    gone += [
        f"metric {each.subject}"
        for each in policy.fail_if
        if each.subject not in (RATE, TIME, FAILURES) and each.subject not in measured
    ]
    if policy.complete:
        gone += [f"clip {name}" for name in changes.only_base]
        gone += [f"clip {name} (other audio)" for name in changes.other_audio]
        gone += [f"metric {name}" for name in changes.unmeasured]
    return [
        Check(
            subject="coverage",
            place=name,
            state=State.NOT_MEASURED,
            message="the base has it, the new side does not",
        )
        for name in gone
    ]


def _nothing(changes: Changes) -> Check:
    message = (
        f"nothing was measured on both sides: {changes.n_clips} clips, "
        f"{len(changes.pairing.pairs)} codec points, {len(changes.rows)} metrics in common"
    )
    return Check(subject="coverage", place="", state=State.NOT_MEASURED, message=message)
