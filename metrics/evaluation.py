"""From a metric and two signals to cells: the one way in which metrics are called.

Nothing here catches a general exception; what a metric did not mean to raise is for the runner.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import ArrayLike

from codecbench.core.audio import Audio
from codecbench.core.cell import Cell
from codecbench.core.errors import (
    AudioFormatError,
    MetricError,
    MissingDependencyError,
    MissingWeightsError,
    NotAvailableError,
    SignalError,
)
from codecbench.core.resampling import resample
from codecbench.metrics.base import Metric
from codecbench.metrics.screening import (
    degraded_reason,
    reference_reason,
    screen_degraded,
    screen_reference,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedReference:
    """What one metric knows about one reference; made once, used for every degraded version.

    Attributes:
        state: What `Metric.prepare` returned; None where `outcome` is set.
        outcome: The cell that every degraded version gets, because the metric is not defined for
            this reference or not available on this machine; None where scoring can go on.
        n_samples: Length of the reference at its own rate.
        sample_rate: Its own rate, in Hz.
    """

    state: Any  # whatever the metric's `prepare` returns
    outcome: Cell | None
    n_samples: int
    sample_rate: int


def prepare_reference(metric: Metric, reference: Audio) -> PreparedReference:
    """Do once what depends on the reference alone; typed errors become the outcome.

    Args:
        metric: Any metric.
        reference: As `screen_reference` returned it, at any rate.
    """
    state, outcome = None, _too_short(metric, reference)
    if outcome is None:
        try:
            metric.require_modules()
            state = metric.prepare(_at_metric_rate(metric, reference))
        except NotAvailableError as error:
            outcome = _skipped(error)
        except (MetricError, SignalError) as error:
            outcome = Cell.undefined(reference_reason(error), str(error))
    return PreparedReference(
        state=state,
        outcome=outcome,
        n_samples=reference.n_samples,
        sample_rate=reference.sample_rate,
    )


def evaluate(metric: Metric, prepared: PreparedReference, degraded: Audio) -> dict[str, Cell]:
    """Score one degraded version.

    Args:
        metric: The metric that `prepared` was made with.
        prepared: What `prepare_reference` returned.
        degraded: As `screen_degraded` returned it.

    Returns:
        A cell for each of the metric's outputs, in their order.
    """
    if prepared.outcome is not None:
        return _for_all(metric, prepared.outcome)
    found = (degraded.n_samples, degraded.sample_rate)
    wanted = (prepared.n_samples, prepared.sample_rate)
    if found != wanted:
        detail = f"{found[0]} samples at {found[1]} Hz against {wanted[0]} at {wanted[1]} Hz"
        return _for_all(metric, Cell.failed("wrong_length", detail))
    try:
        scores = metric.score(prepared.state, _at_metric_rate(metric, degraded))
    except NotAvailableError as error:
        return _for_all(metric, _skipped(error))
    except (MetricError, SignalError) as error:
        return _for_all(metric, Cell.failed(degraded_reason(error), str(error)))
    return {name: _score_cell(scores, name) for name in metric.outputs}


def evaluate_pair(
    metric: Metric,
    reference: ArrayLike,
    degraded: ArrayLike,
    sample_rate: int,
    *,
    frame_samples: int = 1,
) -> dict[str, Cell]:
    """Screen two arrays and score them, in this process.

    Args:
        metric: Any metric.
        reference: Floating point, shape ``(samples,)``, in [-1, 1].
        degraded: The same at the same rate; may overshoot.
        sample_rate: In Hz.
        frame_samples: Largest difference in length that is forgiven, in samples.

    Returns:
        A cell for each of the metric's outputs.

    Raises:
        AudioFormatError: An array of integers or not one-dimensional: a mistake of the caller,
            whose message says how to convert.
    """
    try:
        clean = screen_reference(reference, sample_rate)
    except AudioFormatError:
        raise
    except SignalError as error:
        return _for_all(metric, Cell.undefined(reference_reason(error), str(error)))
    try:
        screened = screen_degraded(
            degraded, sample_rate, reference=clean, frame_samples=frame_samples
        )
    except AudioFormatError:
        raise
    except SignalError as error:
        # What the reference alone decides goes before what the codec did.
        outcome = _too_short(metric, clean)
        return _for_all(metric, outcome or Cell.failed(degraded_reason(error), str(error)))
    return evaluate(metric, prepare_reference(metric, clean), screened.audio)


def is_at_ceiling(metric: Metric, value: float) -> bool:
    """Whether a score is the best possible one, which a lossy codec should never reach."""
    best = metric.range[1] if metric.higher_is_better else metric.range[0]
    return math.isfinite(best) and abs(value - best) <= 1e-3


def _too_short(metric: Metric, reference: Audio) -> Cell | None:
    # Half a sample of slack: 0.13 s is not a whole number of samples at every rate.
    if reference.n_samples + 0.5 >= metric.min_seconds * reference.sample_rate:
        return None
    detail = f"{reference.duration_s:g} s; {metric.name} needs {metric.min_seconds:g} s"
    return Cell.undefined("too_short", detail)


def _at_metric_rate(metric: Metric, audio: Audio) -> Audio:
    return audio if metric.sample_rate is None else resample(audio, metric.sample_rate)


def _skipped(error: NotAvailableError) -> Cell:
    if isinstance(error, MissingDependencyError):
        return Cell.skipped("missing_dependency", str(error))
    if isinstance(error, MissingWeightsError):
        return Cell.skipped("missing_weights", str(error))
    return Cell.skipped("not_available", str(error))


def _for_all(metric: Metric, cell: Cell) -> dict[str, Cell]:
    return dict.fromkeys(metric.outputs, cell)


def _score_cell(scores: Mapping[str, float], name: str) -> Cell:
    if name not in scores:
        return Cell.failed("nonfinite_score", f"the metric returned no '{name}'")
    value = float(scores[name])
    if not math.isfinite(value):
        return Cell.failed("nonfinite_score", f"the metric returned {value}")
    return Cell.ok(value)
