"""The lowest setting of a codec that reaches a score, found with few trials."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from codecbench.core.errors import ConfigError

PRECISION = 0.02
"""Settings nearer to each other than this share are not told apart."""
MAX_TRIALS = 16
"""Codings of the whole set, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One setting, coded and scored.

    Attributes:
        setting: Value of the codec's rate option.
        payload_bps: Measured rate; None where nothing was coded.
        score: Mean over the clips, failures as the worst score; None where there is none.
        low: Lower limit of its interval; None where there is none.
        high: Upper limit.
        n: Clips with a value.
        n_failed: Clips that the codec lost.
        warning: Why the interval is not to be relied on; "" where it is.
        reason: Why there is no score.
    """

    setting: float
    payload_bps: float | None
    score: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0
    n_failed: int = 0
    warning: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateFound:
    """What a search found.

    Attributes:
        reached: The lowest setting tried that reaches the target; None where none does.
        missed: The highest setting tried below it that does not; None where all do.
        interpolated_bps: Measured rate at which the target lies on the line between the two, over
            log rate; None without both.
        trials: All trials, in rising order of setting.
        reason: Why nothing was found; "" where something was.
        caution: That scores did not rise with the setting; "" where they did.
    """

    reached: Trial | None
    missed: Trial | None
    interpolated_bps: float | None
    trials: tuple[Trial, ...]
    reason: str = ""
    caution: str = ""


def search_rate(
    ladder: Sequence[float],
    attempt: Callable[[float], Trial],
    accepts: Callable[[float], bool],
    target: float,
    *,
    higher_is_better: bool = True,
    precision: float = PRECISION,
    max_trials: int = MAX_TRIALS,
) -> RateFound:
    """Search for the lowest setting whose score reaches a target.

    The ladder is bisected; where its ends do not enclose the target it is continued by doubling or
    halving, as far as the codec goes; between two rungs settings are bisected in turn, where the
    codec takes values in between. Scores are taken to rise with the setting.

    Args:
        ladder: Settings that the codec has, rising, at least one.
        attempt: Codes and scores the set at one setting.
        accepts: Whether the codec has a setting.
        target: Score to reach.
        higher_is_better: The metric's direction.
        precision: Ratio, less 1, at which neighbours are near enough.
        max_trials: Limit of trials.

    Raises:
        ConfigError: The ladder is empty or does not rise.
    """
    if not ladder or any(a >= b for a, b in pairwise(ladder)):
        msg = f"settings must rise, found {', '.join(f'{value:g}' for value in ladder) or 'none'}"
        raise ConfigError(msg)
    search = _Search(attempt, target, higher_is_better, max_trials)
    rungs = _continue(list(ladder), search, accepts)
    missed, reached = _bisect_ladder(rungs, search)
    while missed is not None and reached is not None and search.may_go_on():
        middle = _between(missed, reached, accepts, precision)
        if middle is None:
            break
        if search.reaches(middle):
            reached = middle
        else:
            missed = middle
    return search.finish(missed, reached)


class _Search:
    """Remembers what was tried."""

    def __init__(
        self,
        attempt: Callable[[float], Trial],
        target: float,
        higher_is_better: bool,
        max_trials: int,
    ) -> None:
        self._attempt = attempt
        self._sign = 1.0 if higher_is_better else -1.0
        self._target = target
        self._max_trials = max_trials
        self.trials: dict[float, Trial] = {}

    def may_go_on(self) -> bool:
        return len(self.trials) < self._max_trials

    def reaches(self, setting: float) -> bool:
        if setting not in self.trials:
            self.trials[setting] = self._attempt(setting)
        score = self.trials[setting].score
        return score is not None and self._sign * score >= self._sign * self._target

    def finish(self, missed: float | None, reached: float | None) -> RateFound:
        trials = tuple(self.trials[setting] for setting in sorted(self.trials))
        below = self.trials[missed] if missed is not None else None
        above = self.trials[reached] if reached is not None else None
        reason = ""
        if above is None:
            scored = [trial for trial in trials if trial.score is not None]
            best = max(scored, key=lambda trial: self._sign * (trial.score or 0.0), default=None)
            reason = (
                f"not reached: the best score is {best.score:.4g}, at {best.setting:g}"
                if best is not None
                else f"no trial has a score: {trials[0].reason}"
            )
        scores = [self._sign * trial.score for trial in trials if trial.score is not None]
        falls = any(a > b for a, b in pairwise(scores))
        return RateFound(
            reached=above,
            missed=below,
            interpolated_bps=self._interpolate(below, above),
            trials=trials,
            reason=reason,
            caution="scores do not rise with the setting; another one may reach the target too"
            if falls
            else "",
        )

    def _interpolate(self, below: Trial | None, above: Trial | None) -> float | None:
        if below is None or above is None or below.score is None or above.score is None:
            return None
        if not below.payload_bps or not above.payload_bps or above.score == below.score:
            return None
        weight = (self._target - below.score) / (above.score - below.score)
        return below.payload_bps * math.pow(above.payload_bps / below.payload_bps, weight)


def _continue(
    ladder: list[float], search: _Search, accepts: Callable[[float], bool]
) -> list[float]:
    """Lengthen the ladder until its ends enclose the target, or the codec goes no further."""
    while not search.reaches(ladder[-1]) and search.may_go_on():
        further = round(2.0 * ladder[-1])
        if not accepts(further):
            return ladder
        ladder.append(further)
    while search.reaches(ladder[0]) and search.may_go_on():
        further = round(ladder[0] / 2.0)
        if further < 1 or further == ladder[0] or not accepts(further):
            return ladder
        ladder.insert(0, further)
    return ladder


def _bisect_ladder(ladder: list[float], search: _Search) -> tuple[float | None, float | None]:
    if not search.reaches(ladder[-1]):
        # A curve may fall again: that the target is out of reach is said only of what was tried.
        reaching = [rung for rung in ladder if search.may_go_on() and search.reaches(rung)]
        return (None, reaching[0]) if reaching else (ladder[-1], None)
    if search.reaches(ladder[0]):
        return None, ladder[0]
    low, high = 0, len(ladder) - 1
    while high - low > 1 and search.may_go_on():
        middle = (low + high) // 2
        low, high = (low, middle) if search.reaches(ladder[middle]) else (middle, high)
    return ladder[low], ladder[high]


def _between(
    missed: float, reached: float, accepts: Callable[[float], bool], precision: float
) -> float | None:
    """Return a setting in between, in the middle over log rate; None where it is not worth it."""
    if missed <= 0.0 or reached / missed <= 1.0 + precision:
        return None
    middle = round(math.sqrt(missed * reached))
    return middle if missed < middle < reached and accepts(middle) else None
