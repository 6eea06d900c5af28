"""One metric against another: do they tell the same story of these codecs?"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from codecbench.benchmark.results import MetricFacts
from codecbench.reports.figures.drawing import PAGE_WIDTH_IN, Drawing, wrap_notes
from codecbench.reports.figures.scatter import scatter_figure
from codecbench.reports.figures.words import interval_words
from codecbench.reports.style import SystemStyle, figure_settings
from codecbench.reports.summary import Mean, SummaryRow
from codecbench.reports.tables import arrow, system_label

if TYPE_CHECKING:
    import pandas as pd

FEWEST = 5
"""Points from which on a rank correlation is printed."""


def metric_pair_frame(
    rows: Sequence[SummaryRow], first: str, second: str, condition: str
) -> "pd.DataFrame":
    """Return the data of the figure.

    Args:
        rows: Summary rows.
        first: Metric along x.
        second: Metric along y.
        condition: The treatment.

    Returns:
        One row per system and point that has both: ``condition, codec, label, kind, point``,
        ``metric, mean, ci_low, ci_high, n`` of each with ``_x`` and ``_y`` behind, ``n_clips``.
    """
    import pandas as pd

    mine = [row for row in rows if row.condition == condition and row.common.mean is not None]
    of_second = {(row.codec, row.point): row for row in mine if row.metric == second}
    records = []
    for row in mine:
        other = of_second.get((row.codec, row.point))
        if row.metric == first and other is not None:
            records.append(
                {
                    "condition": condition,
                    "codec": row.codec,
                    "label": system_label(row),
                    "kind": row.kind,
                    "point": row.point,
                    "n_clips": row.n_clips,
                    "cluster": row.common.cluster,
                    "n_clusters": row.common.n_clusters,
                    **_side(first, row.common, "x"),
                    **_side(second, other.common, "y"),
                }
            )
    frame = pd.DataFrame.from_records(records)
    numbers = [name for name in frame.columns if name[:2] in {"me", "ci"} and name[:3] != "met"]
    return frame.astype(dict.fromkeys(numbers, "float64"))


def _side(metric: str, mean: Mean, axis: str) -> dict[str, object]:
    return {
        f"metric_{axis}": metric,
        f"mean_{axis}": mean.mean,
        f"ci_low_{axis}": mean.low,
        f"ci_high_{axis}": mean.high,
        f"n_{axis}": mean.n,
    }


def draw_metric_pair(
    data: "pd.DataFrame",
    first: MetricFacts,
    second: MetricFacts,
    styles: Mapping[str, SystemStyle],
    *,
    width_in: float = PAGE_WIDTH_IN,
) -> Drawing:
    """Draw one metric's means against another's, points of a system joined in their order.

    Args:
        data: As `metric_pair_frame` gives it, not empty.
        first: Metric along x.
        second: Metric along y.
        styles: By canonical codec name.
        width_in: Of the figure, in inches.
    """
    agreement = agreement_of(data, first, second)
    words = f"rank correlation {agreement:.2f} over {len(data)} points, better with better"
    row = data.iloc[0].rename({"n_x": "n"})
    notes = [interval_words(row), f"Spearman's {words}." if np.isfinite(agreement) else ""]
    with figure_settings():
        drawn = scatter_figure(
            data,
            styles,
            labels=tuple(_axis_label(facts) for facts in (first, second)),
            title=f"{second.name} against {first.name}",
            notes=wrap_notes([note for note in notes if note], width_in),
            width_in=width_in,
        )
    parts = [
        f"{second.name} against {first.name}; {words}." if notes[1] else f"{len(data)} points."
    ]
    parts += [
        f"{each['label']} {each['point']}: {each['mean_x']:.3g}, {each['mean_y']:.3g}."
        for _, each in data.iterrows()
    ]
    return Drawing(figure=drawn, data=data, alt=" ".join(parts))


def agreement_of(data: "pd.DataFrame", first: MetricFacts, second: MetricFacts) -> float:
    """Return Spearman's correlation of two metrics, better with better.

    NaN below `FEWEST` points or where one metric does not vary.
    """
    from scipy.stats import spearmanr

    if len(data) < FEWEST:
        return float("nan")
    x, y = (data[f"mean_{axis}"].to_numpy(dtype=np.float64) for axis in "xy")
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    sign = 1.0 if first.higher_is_better == second.higher_is_better else -1.0
    return sign * float(spearmanr(x, y).statistic)


def _axis_label(facts: MetricFacts) -> str:
    unit = f" ({facts.unit})" if facts.unit else ""
    return f"{facts.name}{unit}   {arrow(facts)} better"
