"""Means with intervals: on each system's own clips, on the common clips, failures as the worst."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from codecbench.benchmark.results import MetricFacts, RunResults
from codecbench.core.cell import Status
from codecbench.core.errors import ResultSchemaError
from codecbench.reports.grid import FAILED, OK, SKIPPED, UNDEFINED, Grid, build_grids
from codecbench.reports.rates import PointRates, point_rates
from codecbench.reports.reasons import NOT_RUN, count_reasons, explain
from codecbench.reports.statistics.clusters import Clusters
from codecbench.reports.statistics.estimates import LEVEL, estimate_means

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean:
    """A mean with its interval.

    Attributes:
        mean: None where there is no clip.
        low: Lower limit; None where there are fewer than two clusters.
        high: Upper limit.
        n: Clips.
        cluster: What the interval takes for independent: "speaker", "clip", or "none" where there
            is no interval.
        n_clusters: How many of them.
        warning: Why the interval is not to be relied on; "" where it is.
    """

    mean: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    cluster: str = "none"
    n_clusters: int = 0
    warning: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryRow:
    """One metric × system × point × condition.

    Attributes:
        metric: Name of the metric output.
        unit: Its unit.
        higher_is_better: Its direction.
        codec: Canonical name.
        label: Short name.
        kind: neural, waveform, parametric or anchor.
        trained: False for random weights.
        point: Operating point; "" where the codec was not available.
        condition: The treatment.
        nominal_bps: What the setting promises.
        payload_bps: Measured.
        n_clips: Clips of the data set.
        n_failed: Cells that the system lost.
        n_undefined: Cells that no system can have.
        n_skipped: Cells that were not tried.
        n_absent: Cells that the run has not reached.
        own: Over all clips of which this row has a value.
        common: Over the clips of which every compared row has one.
        mean_failures_as_worst: Failed cells count as the worst score; undefined clips are out for
            everybody.
        reasons: Why values are missing, with counts; "" where none is.
    """

    metric: str
    unit: str
    higher_is_better: bool
    codec: str
    label: str
    kind: str
    trained: bool
    point: str
    condition: str
    nominal_bps: float | None
    payload_bps: float | None
    n_clips: int
    n_failed: int
    n_undefined: int
    n_skipped: int
    n_absent: int
    own: Mean
    common: Mean
    mean_failures_as_worst: float | None
    reasons: str


def summarize_rows(results: RunResults, *, level: float = LEVEL) -> tuple[SummaryRow, ...]:
    """Summarise a run: metric by metric, condition by condition, systems as asked for.

    Args:
        results: The run.
        level: Coverage of the intervals.

    Raises:
        ResultSchemaError: The frame mixes datasets or definitions, or is damaged.
    """
    grids = build_grids(results)
    rates = point_rates(results)
    rows: list[SummaryRow] = []
    for grid in grids:
        alike = [other for other in grids if other.metric.name == grid.metric.name]
        worst = worst_score(grid.metric, alike)
        rows += _summarize_grid(results, grid, rates, worst, level)
    return tuple(rows)


def summarize(results: RunResults, *, level: float = LEVEL) -> "pd.DataFrame":
    """Return `summarize_rows` as a frame, one column per field; what is unknown is NaN.

    The columns of the own and the common clips are ``mean, ci_low, ci_high, n, cluster,
    n_clusters, warning``; those of the common clips end in ``_common``.
    """
    return rows_to_frame(summarize_rows(results, level=level))


def rows_to_frame(rows: Sequence[SummaryRow]) -> "pd.DataFrame":
    """Flatten summary rows into a frame."""
    import pandas as pd

    names = {"low": "ci_low", "high": "ci_high"}
    records = []
    for row in rows:
        record: dict[str, object] = {}
        for field in fields(SummaryRow):
            value = getattr(row, field.name)
            if isinstance(value, Mean):
                ending = "_common" if field.name == "common" else ""
                inner = asdict(value).items()
                record |= {names.get(name, name) + ending: found for name, found in inner}
            else:
                record[field.name] = value
        records.append(record)
    return pd.DataFrame.from_records(records)


def common_clips(frame: "pd.DataFrame", metric: str) -> tuple[str, ...]:
    """Return the clips on which systems may be compared.

    Args:
        frame: Rows of the tidy frame, as a rule those of one condition.
        metric: Name of the metric.

    Returns:
        The clips with a value for every codec, point and condition in the frame that has any
        value of this metric, in the frame's order.
    """
    part = frame.loc[(frame["metric"] == metric) & (frame["status"] == str(Status.OK))]
    key = ["codec", "point", "condition"]
    n_rows = len(part[key].drop_duplicates())
    counts = part.drop_duplicates([*key, "clip"]).groupby("clip", sort=False).size()
    return tuple(str(clip) for clip in counts.index[counts == n_rows])


def worst_score(metric: MetricFacts, grids: Sequence[Grid]) -> float | None:
    """Return what a failure counts as on the sensitivity line.

    Args:
        metric: The metric.
        grids: Everything observed of it, over all systems and conditions.

    Returns:
        The bad end of the metric's range; where that is infinite the worst score observed; None
        where there is none.
    """
    end = metric.range[0] if metric.higher_is_better else metric.range[1]
    if np.isfinite(end):
        return float(end)
    observed = [grid.values[grid.status == OK] for grid in grids]
    pooled = np.concatenate(observed) if observed else np.zeros(0)
    if not pooled.size:
        return None
    return float(pooled.min() if metric.higher_is_better else pooled.max())


def may_rank_above(first: SummaryRow, second: SummaryRow) -> bool:
    """Whether the first system may stand above the second in a ranking.

    It must lead on the common clips. If it has failures it must also lead where failures count as
    the worst score, so that failing on a hard clip never helps.

    Args:
        first: Row of one system.
        second: Row of another, of the same metric and condition.

    Raises:
        ResultSchemaError: The rows are not of one metric and condition.
    """
    if (first.metric, first.condition) != (second.metric, second.condition):
        msg = (
            f"{first.metric} under '{first.condition}' cannot be ranked against "
            f"{second.metric} under '{second.condition}'"
        )
        raise ResultSchemaError(msg)
    leads = _leads(first, first.common.mean, second.common.mean)
    if second.common.mean is None and second.n_failed:
        leads = first.common.mean is not None
    if first.n_failed == 0:
        return leads
    return leads and _leads(first, first.mean_failures_as_worst, second.mean_failures_as_worst)


def _leads(row: SummaryRow, mine: float | None, other: float | None) -> bool:
    if mine is None or other is None:
        return False
    return mine > other if row.higher_is_better else mine < other


def mean_rows(
    values: NDArray[np.float64], clusters: Clusters, *, level: float = LEVEL
) -> list[Mean]:
    """Average each row.

    Args:
        values: Finite, shape (rows, clips).
        clusters: Of the clips.
        level: Coverage of the intervals.
    """
    found = estimate_means(values, clusters, level=level)
    spread = clusters.count > 1
    return [
        Mean(
            mean=float(found.mean[row]),
            low=float(found.low[row]) if spread else None,
            high=float(found.high[row]) if spread else None,
            n=found.n_clips,
            cluster=clusters.kind if spread else "none",
            n_clusters=clusters.count,
            warning=clusters.warning,
        )
        for row in range(len(values))
    ]


def _summarize_grid(
    results: RunResults,
    grid: Grid,
    rates: dict[tuple[str, str, str], PointRates],
    worst: float | None,
    level: float,
) -> list[SummaryRow]:
    ok = grid.status == OK
    own = _means(grid, ok, level)
    common = _means(grid, np.where(ok.any(axis=1)[:, None], grid.common, False), level)
    facts = {system.codec: system for system in results.systems}
    counts = {code: (grid.status == code).sum(axis=1) for code in (FAILED, UNDEFINED, SKIPPED)}
    rows = []
    for index, (codec, point) in enumerate(grid.keys):
        system, rate = facts[codec], rates[codec, point, grid.condition]
        n_absent = int((grid.status[index] == 0).sum())
        rows.append(
            SummaryRow(
                metric=grid.metric.name,
                unit=grid.metric.unit,
                higher_is_better=grid.metric.higher_is_better,
                codec=codec,
                label=system.label,
                kind=system.kind,
                trained=system.trained,
                point=point,
                condition=grid.condition,
                nominal_bps=rate.nominal_bps,
                payload_bps=rate.payload_bps,
                n_clips=len(grid.clips),
                n_failed=int(counts[FAILED][index]),
                n_undefined=int(counts[UNDEFINED][index]),
                n_skipped=int(counts[SKIPPED][index]),
                n_absent=n_absent,
                own=own[index],
                common=common[index],
                mean_failures_as_worst=_failures_as_worst(grid, index, worst),
                reasons=_reasons(grid, index, system.unavailable, n_absent),
            )
        )
    return rows


def _means(grid: Grid, chosen: NDArray[np.bool_], level: float) -> list[Mean]:
    """Average each row over its chosen clips; rows with the same clips are done together."""
    means = [Mean()] * len(grid.keys)
    alike: dict[bytes, list[int]] = {}
    for index, mask in enumerate(chosen):
        if mask.any():
            alike.setdefault(mask.tobytes(), []).append(index)
    for indices in alike.values():
        mask = chosen[indices[0]]
        values = grid.values[indices][:, mask]
        clusters = grid.clusters(mask)
        for index, mean in zip(indices, mean_rows(values, clusters, level=level), strict=True):
            means[index] = mean
    return means


def _failures_as_worst(grid: Grid, index: int, worst: float | None) -> float | None:
    status = grid.status[index]
    counted = ((status == OK) | (status == FAILED)) & ~grid.undefined_clips
    failed = status[counted] == FAILED
    if not counted.any() or (failed.any() and worst is None):
        return None
    scores = grid.values[index][counted]
    return float(np.where(failed, worst if worst is not None else np.nan, scores).mean())


def _reasons(grid: Grid, index: int, unavailable: str, n_absent: int) -> str:
    found = count_reasons(grid.reasons[index])
    if n_absent and not unavailable:
        absent = f"{explain(str(Status.SKIPPED), NOT_RUN)} ({n_absent})"
        return f"{found}; {absent}" if found else absent
    if not found and unavailable:
        return explain(str(Status.SKIPPED), unavailable)
    return found
