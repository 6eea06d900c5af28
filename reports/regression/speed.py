"""How much slower the new codec is: ratios of times measured side by side in one process."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from codecbench.benchmark.speed_ratio import SpeedRatio, measure_speed_ratio
from codecbench.reports.regression.pairing import PointPair

ROUNDS = 12
"""Rounds in which each of two codecs is timed once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeChange:
    """The time of a new codec over that of its base, encoding and decoding together.

    Attributes:
        label: The systems.
        ratio: Geometric mean of new over base; NaN where nothing was measured.
        low: Lower limit of its interval.
        high: Upper limit.
        is_sure: Whether the ratio is surely not 1.
        is_harmless: Whether it is surely below the limit.
        reference: The codec against which both were timed; "" where against each other.
        rounds: Rounds that were measured.
        error: Why there is no ratio; "" where there is one.
    """

    label: str
    ratio: float = math.nan
    low: float = math.nan
    high: float = math.nan
    is_sure: bool = False
    is_harmless: bool = False
    reference: str = ""
    rounds: int = 0
    error: str = ""


def compare_times(
    pairs: Sequence[PointPair], *, limit_percent: float, level: float
) -> tuple[TimeChange, ...]:
    """Time each pair of systems against each other, now, on this machine.

    Args:
        pairs: What is compared; a pair of systems is timed once, whatever its points.
        limit_percent: Slowing that is accepted.
        level: Coverage.
    """
    specs = dict.fromkeys((pair.label, pair.base_spec, pair.new_spec) for pair in pairs)
    return tuple(
        judge_times(
            label,
            measure_speed_ratio(new, base, rounds=ROUNDS),
            None,
            limit_percent=limit_percent,
            level=level,
        )
        for label, base, new in specs
    )


def judge_times(
    label: str,
    now: SpeedRatio,
    before: Sequence[float] | None,
    *,
    limit_percent: float,
    level: float,
) -> TimeChange:
    """Judge ratios of times.

    Args:
        label: The systems.
        now: New over base; or, with `before`, new over a reference.
        before: Logarithms of base over the same reference, one per round, measured at another
            time; None where the base is the reference.
        limit_percent: Slowing that is accepted.
        level: Coverage.

    Source:
        Student's t on logarithms of ratios; with two samples Welch's (Biometrika 34 (1947) 28–35).
    """
    from scipy import stats

    reference = "" if before is None else now.reference
    samples = [np.array(now.log_ratios), *([] if before is None else [np.array(before)])]
    if now.error or min(sample.size for sample in samples) < 2:
        why = now.error or "the baseline has no times; 'codecbench gate update' takes them"
        return TimeChange(label=label, reference=reference, error=why)
    shares = [float(sample.var(ddof=1)) / sample.size for sample in samples]
    std_error = math.sqrt(max(sum(shares), 1e-18))
    df = sum(shares) ** 2 / max(
        sum(share**2 / (sample.size - 1) for share, sample in zip(shares, samples, strict=True)),
        1e-300,
    )
    mean = float(samples[0].mean()) - (float(samples[1].mean()) if before is not None else 0.0)
    reach = float(stats.t.ppf(0.5 + level / 2.0, max(df, 1.0))) * std_error
    edge = math.log1p(limit_percent / 100.0)
    one_sided = float(stats.t.ppf(level, max(df, 1.0))) * std_error
    return TimeChange(
        label=label,
        ratio=math.exp(mean),
        low=math.exp(mean - reach),
        high=math.exp(mean + reach),
        is_sure=abs(mean) > reach,
        is_harmless=mean + one_sided < edge,
        reference=reference,
        rounds=len(now.log_ratios),
    )
