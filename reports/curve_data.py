"""The curves of a run: per metric and condition, all systems on the clips that all of them have."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codecbench.benchmark.results import RunResults
from codecbench.reports.curves.rate_curve import RateCurve
from codecbench.reports.grid import OK, Grid, build_grids
from codecbench.reports.statistics.clusters import Clusters


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipRates:
    """What each clip cost, under one condition.

    Attributes:
        bps: Measured payload rate, rows and columns as in the grids; NaN where nothing was coded.
        seconds: Duration of each clip, shape (clips,); NaN where no row says it.
    """

    bps: NDArray[np.float64]
    seconds: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveSet:
    """Curves of one metric under one condition that may be compared with each other.

    Attributes:
        grid: The cells they come from.
        curves: By codec, in table order: every system, anchors apart, whose rate is known; points
            without any value are left out.
        chosen: Which clips, shape (clips of the grid,): those with a value at every point here.
        clusters: Of those clips.
        left_out: Why a codec has no curve, by codec.
    """

    grid: Grid
    curves: dict[str, RateCurve]
    chosen: NDArray[np.bool_]
    clusters: Clusters
    left_out: dict[str, str]


def clip_rates(results: RunResults, grid: Grid) -> ClipRates:
    """Arrange measured rates and durations as the grid arranges scores."""
    frame = results.frame
    part = frame.loc[frame["condition"].astype(str) == grid.condition]
    part = part.drop_duplicates(subset=["codec", "point", "clip"])
    row_of = {key: row for row, key in enumerate(grid.keys)}
    column_of = {clip: column for column, clip in enumerate(grid.clips)}
    pairs = zip(part["codec"].astype(str), part["point"].astype(str), strict=True)
    rows = np.array([row_of[pair] for pair in pairs], dtype=np.intp)
    columns = np.array([column_of[clip] for clip in part["clip"].astype(str)], dtype=np.intp)
    bps = np.full((len(grid.keys), len(grid.clips)), np.nan)
    bps[rows, columns] = part["payload_bps"].to_numpy(dtype=np.float64, na_value=np.nan)
    seconds = np.full(len(grid.clips), np.nan)
    seconds[columns] = part["clip_s"].to_numpy(dtype=np.float64, na_value=np.nan)
    return ClipRates(bps=bps, seconds=seconds)


def curve_sets(results: RunResults) -> tuple[CurveSet, ...]:
    """Gather the curves of a run, by metric and condition.

    Raises:
        ResultSchemaError: The run mixes what must not be mixed.
    """
    rates: dict[str, ClipRates] = {}
    found = []
    for grid in build_grids(results):
        if grid.condition not in rates:
            rates[grid.condition] = clip_rates(results, grid)
        found.append(curve_set(results, grid, rates[grid.condition]))
    return tuple(found)


def curve_set(results: RunResults, grid: Grid, rates: ClipRates) -> CurveSet:
    """Gather the curves of one metric under one condition.

    Args:
        results: The run.
        grid: One of its grids.
        rates: From `clip_rates`, the same for all grids of one condition.
    """
    kinds = {system.codec: system.kind for system in results.systems}
    usable = (grid.status == OK) & np.isfinite(rates.bps)
    rows: dict[str, list[int]] = {}
    left_out: dict[str, str] = {}
    for row, (codec, _) in enumerate(grid.keys):
        if kinds[codec] == "anchor":
            left_out[codec] = "an anchor: its bits mean nothing"
        elif usable[row].any():
            rows.setdefault(codec, []).append(row)
        else:
            left_out.setdefault(codec, "no clip with a value and a measured rate")
    left_out = {codec: reason for codec, reason in left_out.items() if codec not in rows}
    used = [row for found in rows.values() for row in found]
    chosen = usable[used].all(axis=0) if used else np.zeros(len(grid.clips), dtype=bool)
    curves = {
        codec: RateCurve(
            name=codec,
            points=tuple(grid.keys[row][1] for row in found),
            scores=grid.values[found][:, chosen],
            bps=rates.bps[found][:, chosen],
            seconds=rates.seconds[chosen],
        )
        for codec, found in rows.items()
        if chosen.any()
    }
    if not chosen.any():
        left_out |= dict.fromkeys(rows, "no clip that all systems have")
    return CurveSet(
        grid=grid,
        curves=curves,
        chosen=chosen,
        clusters=grid.clusters(chosen),
        left_out=left_out,
    )
