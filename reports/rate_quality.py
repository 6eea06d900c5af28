"""The data of a rate-quality figure: what is drawn, and nothing else."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from codecbench.reports.rates import LOSSLESS_BPS
from codecbench.reports.summary import SummaryRow
from codecbench.reports.tables import no_value_reason

if TYPE_CHECKING:
    import pandas as pd

CURVE, ANCHOR, MISSING = "curve", "anchor", "missing"
"""Values of the column ``role``."""
COLUMNS = (
    "metric",
    "condition",
    "role",
    "codec",
    "label",
    "kind",
    "point",
    "nominal_bps",
    "payload_bps",
    "mean",
    "ci_low",
    "ci_high",
    "n",
    "n_clips",
    "cluster",
    "n_clusters",
    "n_failed",
    "mean_failures_as_worst",
    "reason",
)

NUMBERS = ("nominal_bps", "payload_bps", "mean", "ci_low", "ci_high", "mean_failures_as_worst")
COUNTS = ("n", "n_clips", "n_clusters", "n_failed")


def rate_quality_frame(rows: Sequence[SummaryRow], metric: str, condition: str) -> "pd.DataFrame":
    """Return the data of one figure.

    Args:
        rows: Summary rows, in table order.
        metric: Which metric.
        condition: Which condition.

    Returns:
        One row per system and point, columns `COLUMNS`: means and intervals on the common clips;
        ``role`` is "curve", "anchor" (drawn as a level), or "missing" (with its ``reason``).
        A codec all of whose points spend `LOSSLESS_BPS` or more, such as PCM, is a level too:
        on the rate axis it would leave no room for the others.
    """
    import pandas as pd

    mine = [row for row in rows if row.metric == metric and row.condition == condition]
    slow = {row.codec for row in mine if (row.payload_bps or 0.0) < LOSSLESS_BPS}
    records = [_record(row, is_level=row.codec not in slow) for row in mine]
    frame = pd.DataFrame.from_records(records, columns=list(COLUMNS))
    return frame.astype(dict.fromkeys(NUMBERS, "float64"))


def read_rate_quality(path: Path) -> "pd.DataFrame":
    """Read the CSV beside a figure; drawing it again gives the figure again."""
    import pandas as pd

    frame = pd.read_csv(path, dtype="object", keep_default_na=False)
    for name in NUMBERS:
        frame[name] = [float(text) if text else math.nan for text in frame[name]]
    return frame.astype(dict.fromkeys(COUNTS, "int64"))


def _record(row: SummaryRow, *, is_level: bool) -> dict[str, object]:
    role, reason = CURVE, row.reasons
    if row.common.mean is None:
        role = MISSING
        reason = "no clip that all systems have" if row.own.n else no_value_reason(row)
    elif row.kind == "anchor" or is_level:
        role = ANCHOR
    elif not row.payload_bps:
        role, reason = MISSING, "no measured rate"
    return {
        "metric": row.metric,
        "condition": row.condition,
        "role": role,
        "codec": row.codec,
        "label": row.label if row.trained else f"{row.label} [untrained]",
        "kind": row.kind,
        "point": row.point,
        "nominal_bps": row.nominal_bps,
        "payload_bps": row.payload_bps,
        "mean": row.common.mean,
        "ci_low": row.common.low,
        "ci_high": row.common.high,
        "n": row.common.n,
        "n_clips": row.n_clips,
        "cluster": row.common.cluster,
        "n_clusters": row.common.n_clusters,
        "n_failed": row.n_failed,
        "mean_failures_as_worst": row.mean_failures_as_worst,
        "reason": reason,
    }
