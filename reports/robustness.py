"""What conditions cost: the same clips, clean and under each condition, one by one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from codecbench.benchmark.conditions.loss import LossCondition
from codecbench.benchmark.conditions.spec import CLEAN, parse_condition, reference_of
from codecbench.benchmark.foreign_code import foreign_code
from codecbench.benchmark.results import MetricFacts, RunResults
from codecbench.core.errors import ConfigError
from codecbench.reports.grid import OK, Grid, build_grids
from codecbench.reports.statistics.estimates import LEVEL, estimate_means
from codecbench.reports.tables import arrow, decimals, kbps
from codecbench.reports.typeset import Entry, TextTable

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class RobustnessRow:
    """One metric × system × point × condition beside ``clean``.

    Attributes:
        metric: Name of the metric.
        codec: Canonical name.
        label: Short name.
        trained: False for random weights.
        point: Operating point.
        condition: The condition; ``clean`` itself has a row, with a cost of 0.
        scored_against: The reference: ``clean`` or ``treated``.
        concealment: What stood in for lost packets; "" where none could be lost.
        loss: Share of packets that were lost, of all clips; NaN where packets are not known.
        payload_bps: Measured over the clips of the row.
        rtp_bps: What headers of a call would add; NaN where packets are not known.
        mean: Under the condition.
        clean: The same clips, clean.
        cost: Clean minus condition, so that higher is worse where higher scores are better.
        low: Lower limit of the cost; NaN where no spread can be seen.
        high: Upper limit.
        mean_low: Lower limit of the mean under the condition.
        mean_high: Upper limit.
        n: Clips with a value in both.
        n_lost: Clips that have one clean and none under the condition.
        cluster: What the intervals take for independent: "speaker" or "clip".
        n_clusters: How many of them.
        reason: Why there is no value; "" where there is one.
    """

    metric: str
    codec: str
    label: str
    trained: bool
    point: str
    condition: str
    scored_against: str
    concealment: str
    loss: float
    payload_bps: float
    rtp_bps: float
    mean: float
    clean: float
    cost: float
    low: float
    high: float
    mean_low: float
    mean_high: float
    n: int
    n_lost: int
    cluster: str
    n_clusters: int
    reason: str


def robustness_rows(results: RunResults, *, level: float = LEVEL) -> tuple[RobustnessRow, ...]:
    """Set each condition of a run beside ``clean``, clip by clip.

    Args:
        results: The run.
        level: Coverage of the intervals; see `estimate_means`.

    Returns:
        Metric by metric, system by system, point by point, conditions in the order asked for;
        empty where the run has no ``clean``.
    """
    grids = build_grids(results)
    facts = _channel_facts(results)
    labels = {system.codec: system for system in results.systems}
    rows = []
    for metric in results.metrics:
        alike = {grid.condition: grid for grid in grids if grid.metric.name == metric.name}
        if CLEAN not in alike:
            continue
        for index, (codec, point) in enumerate(alike[CLEAN].keys):
            for condition, grid in alike.items():
                system = labels[codec]
                names = (codec, system.label, point, condition)
                found = facts.get((metric.name, codec, point, condition))
                rows.append(
                    _row(alike[CLEAN], grid, index, names, found, level, trained=system.trained)
                )
    return tuple(rows)


def robustness_frame(rows: Sequence[RobustnessRow]) -> "pd.DataFrame":
    """Return the rows as a frame, one column per field."""
    import pandas as pd

    return pd.DataFrame(rows, columns=list(RobustnessRow.__slots__))


def robustness_table(rows: Sequence[RobustnessRow], metrics: Sequence[MetricFacts]) -> TextTable:
    """Build the table: systems × points × conditions, the cost in each metric.

    Args:
        rows: As `robustness_rows` gives them.
        metrics: About the metrics, in the order wanted.
    """
    places: dict[tuple[str, str, str], dict[str, RobustnessRow]] = {}
    for row in rows:
        if row.condition != CLEAN:
            places.setdefault((row.codec, row.point, row.condition), {})[row.metric] = row
    body = []
    for of_metric in places.values():
        any_row = next(iter(of_metric.values()))
        words = (
            f"{any_row.label}{'' if any_row.trained else ' (untrained)'}",
            any_row.point or "none",
            any_row.condition,
            any_row.scored_against,
            any_row.concealment or ("–" if any_row.reason else "none needed"),
        )
        rates = (kbps(each) if np.isfinite(each) else "–" for each in _rates(any_row))
        body.append(
            (
                *(Entry(text=word) for word in words),
                *(Entry(text=rate, kind="value") for rate in rates),
                *(_cost_entry(of_metric[each.name], each) for each in metrics),
            )
        )
    heads = ("Codec", "Point", "Condition", "Scored against", "Concealment", "kbit/s")
    columns = (*heads, "RTP kbit/s", *(f"{each.name} {arrow(each)}" for each in metrics))
    return TextTable(
        title="Robustness: clean minus condition, clip by clip",
        columns=columns,
        numeric=tuple([False] * 5 + [True] * (len(columns) - 5)),
        rows=tuple(body),
        notes=_notes(rows, metrics),
        name="robustness",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _ChannelFacts:
    concealment: str
    scored_against: str
    payload_bps: float
    rtp_bps: float
    loss: float


def _channel_facts(results: RunResults) -> dict[tuple[str, str, str, str], _ChannelFacts]:
    key = ["codec", "point", "condition"]
    lost: dict[tuple[str, str, str], float] = {}
    if "lost_packets" in results.forensics:
        for names, group in results.forensics.groupby(key, sort=False):
            sent = group["sent_packets"].astype("float64").sum()
            if sent:
                codec, point, condition = (str(name) for name in names)
                lost[codec, point, condition] = float(group["lost_packets"].sum() / sent)
    found = {}
    for names, group in results.frame.groupby(["metric", *key], sort=False):
        metric, codec, point, condition = (str(name) for name in names)
        said = sorted({str(text) for text in group["concealment"] if text})
        seconds = group["clip_s"].where(group["payload_bps"].notna())
        found[metric, codec, point, condition] = _ChannelFacts(
            concealment="; ".join(said),
            scored_against=str(group["scored_against"].iloc[0]),
            payload_bps=_pooled(group["payload_bps"], seconds),
            rtp_bps=_pooled(group["rtp_bps"], seconds),
            loss=lost.get((codec, point, condition), float("nan")),
        )
    return found


def _pooled(rates: "pd.Series[float]", seconds: "pd.Series[float]") -> float:
    known = rates.notna() & seconds.notna()
    total = float(seconds[known].sum())
    return float((rates[known] * seconds[known]).sum() / total) if total else float("nan")


def _row(
    clean: Grid,
    grid: Grid,
    index: int,
    names: tuple[str, str, str, str],
    facts: _ChannelFacts | None,
    level: float,
    *,
    trained: bool,
) -> RobustnessRow:
    codec, label, point, condition = names
    both = (clean.status[index] == OK) & (grid.status[index] == OK)
    lost = (clean.status[index] == OK) & (grid.status[index] != OK)
    clusters = clean.clusters(both)
    values = np.stack([grid.values[index][both], clean.values[index][both]])
    reason = ""
    if not both.any():
        reasons = grid.reasons[index] or clean.reasons[index]
        reason = reasons[0][1] if reasons else "not run"
        values = np.full((2, 0), np.nan)
    found = estimate_means(np.stack([values[0], values[1] - values[0]]), clusters, level=level)
    return RobustnessRow(
        metric=clean.metric.name,
        codec=codec,
        label=label,
        trained=trained,
        point=point,
        condition=condition,
        scored_against=facts.scored_against if facts else _reference_of(condition),
        concealment=facts.concealment if facts else "",
        loss=facts.loss if facts else float("nan"),
        payload_bps=facts.payload_bps if facts else float("nan"),
        rtp_bps=facts.rtp_bps if facts else float("nan"),
        mean=float(found.mean[0]),
        clean=float(values[1].mean()) if both.any() else float("nan"),
        cost=float(found.mean[1]),
        low=float(found.low[1]),
        high=float(found.high[1]),
        mean_low=float(found.low[0]),
        mean_high=float(found.high[0]),
        n=int(both.sum()),
        n_lost=int(lost.sum()),
        cluster=clusters.kind,
        n_clusters=clusters.count,
        reason=reason,
    )


def _reference_of(condition: str) -> str:
    try:
        return reference_of(condition)
    except ConfigError:
        return CLEAN


def _rates(row: RobustnessRow) -> tuple[float, float]:
    return row.payload_bps, row.rtp_bps


def _cost_entry(row: RobustnessRow, facts: MetricFacts) -> Entry:
    if row.reason:
        return Entry(text=row.reason.partition(":")[0].replace("_", " "), kind="reason")
    digits = decimals(facts)
    text = f"{row.cost:+.{digits}f}"
    if np.isfinite(row.low):
        text += f" ({row.low:+.{digits}f} … {row.high:+.{digits}f})"
    if row.n_lost:
        text += f", {row.n_lost} lost"
    return Entry(text=text, kind="value", flag=row.n_lost > 0)


def _notes(rows: Sequence[RobustnessRow], metrics: Sequence[MetricFacts]) -> tuple[str, ...]:
    worse = [facts.name for facts in metrics if facts.higher_is_better]
    better = [facts.name for facts in metrics if not facts.higher_is_better]
    notes = ["Mean over clips that have a value in both; in brackets the 95 % interval."]
    if worse:
        notes.append(f"Positive means that the condition costs quality in {', '.join(worse)}.")
    if better:
        notes.append(f"Negative means that it costs quality in {', '.join(better)}.")
    if any(row.scored_against == "treated" for row in rows):
        notes.append(
            "Scored against treated: the reference is what the codec heard, so what is lost before "
            "it does not count; the clean side of the difference is scored against the clean clip."
        )
    notes.append("kbit/s is the payload, error correction included; RTP, UDP and IPv4 come on top.")
    return tuple(notes)


def loss_percent(condition: str) -> tuple[float, str] | None:
    """Return the loss asked for in percent, and what else the condition says.

    Args:
        condition: Canonical name.

    Returns:
        None where it is no loss by share alone: another treatment too, or a trace. ``clean`` is
        0 % and fits every other.
    """
    if condition == CLEAN:
        return 0.0, ""
    if foreign_code(condition):
        return None  # a run may come from anybody, and to parse its conditions is to make them
    try:
        parsed = parse_condition(condition)
    except ConfigError:
        return None
    if parsed.channel is None or parsed.treatments:
        return None
    channel = parsed.channel.condition
    share = str(channel.shown().get("loss", ""))
    if not isinstance(channel, LossCondition) or not share.endswith("%"):
        return None
    # The burst grows with the loss in most plans, so it does not tell curves apart.
    rest = [part for part in parsed.name.split(",")[1:] if not part.startswith("burst=")]
    return float(share[:-1]), ",".join(rest)
