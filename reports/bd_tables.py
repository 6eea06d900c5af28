"""BD figures of a run: every system against one anchor, with intervals, overlaps and refusals."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codecbench.benchmark.results import MetricFacts, RunResults
from codecbench.core.errors import UnknownNameError
from codecbench.reports.curve_data import CurveSet, curve_sets
from codecbench.reports.curves.bd import MIN_POINTS
from codecbench.reports.curves.bd_interval import BdEstimate, estimate_bd
from codecbench.reports.curves.domains import domain_of
from codecbench.reports.statistics.resampling import RESAMPLES
from codecbench.reports.tables import decimals, direction, kbps, system_name
from codecbench.reports.typeset import Entry, TextTable

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class BdRow:
    """One system against the anchor.

    Attributes:
        metric: Name of the metric output.
        condition: The treatment.
        anchor: Label of the anchor.
        codec: Canonical name of the system.
        label: Its label.
        rate: Bits at equal quality, in percent; negative saves.
        score: Score at equal rate, in the metric's unit.
        reason: Why the system has no curve at all; "" where it has one.
    """

    metric: str
    condition: str
    anchor: str
    codec: str
    label: str
    rate: BdEstimate | None
    score: BdEstimate | None
    reason: str = ""


def bd_rows(
    results: RunResults,
    *,
    anchor: str | None = None,
    curves: Sequence[CurveSet] | None = None,
    resamples: int = RESAMPLES,
) -> tuple[BdRow, ...]:
    """Compute BD-rate and BD-metric of every system against one of them.

    Args:
        results: The run.
        anchor: Label or canonical name; None takes the first system with `MIN_POINTS` points.
        curves: The run's curves, where they are at hand.
        resamples: Per interval.

    Returns:
        By metric and condition; none where no system can be the anchor.

    Raises:
        UnknownNameError: There is no such system.
        ResultSchemaError: The run mixes what must not be mixed.
    """
    named = _find_anchor(results, anchor)
    labels = {system.codec: system.label for system in results.systems}
    found: list[BdRow] = []
    for each in curve_sets(results) if curves is None else curves:
        long_enough = (
            codec for codec, curve in each.curves.items() if len(curve.points) >= MIN_POINTS
        )
        base = named or next(long_enough, None)
        if base is None or base not in each.curves:
            continue
        for system in results.systems:
            if system.codec == base or system.kind == "anchor":
                continue
            found.append(
                BdRow(
                    metric=each.grid.metric.name,
                    condition=each.grid.condition,
                    anchor=labels[base],
                    codec=system.codec,
                    label=system_name(system),
                    rate=_estimate(each, base, system.codec, "rate", resamples),
                    score=_estimate(each, base, system.codec, "metric", resamples),
                    reason=each.left_out.get(system.codec, ""),
                )
            )
    return tuple(found)


def bd_table(rows: Sequence[BdRow], facts: MetricFacts) -> TextTable | None:
    """Build the table of one metric; None where no system could be the anchor.

    Args:
        rows: BD figures; those of other metrics are left out.
        facts: About the metric.
    """
    mine = [row for row in rows if row.metric == facts.name]
    if not mine:
        return None
    with_condition = len({row.condition for row in mine}) > 1
    heads = ["Codec", *(["Condition"] if with_condition else [])]
    n_words = len(heads)
    numbers = ["BD-rate, %", "interval", "by Akima", "overlap", "from", "to"]
    numbers += [f"BD-{facts.name}", "interval", "overlap", "from kbit/s", "to kbit/s", "n"]
    body = []
    for row in mine:
        words = [Entry(text=row.label)] + ([Entry(text=row.condition)] if with_condition else [])
        numbers_of_row = (*_rate_entries(row, facts), *_score_entries(row, facts))
        body.append((*words, *numbers_of_row, Entry(text=_remark(row))))
    domain = domain_of(facts.name)
    notes = [
        "BD-rate: bits at equal quality, averaged over the stretch of scores that both curves "
        "cover; negative saves bits. Interpolated by PCHIP; by Akima beside it, to see how far "
        "that matters.",
        f"BD-{facts.name}: score at equal rate, averaged over the stretch of rates; "
        f"{direction(facts)}.",
        f"Intervals: {RESAMPLES} resamples of whole speakers (of clips where no speakers are "
        "named), rates and scores of both systems together.",
        "overlap: share of the shorter curve that both cover.",
    ]
    if domain.reason:
        notes.append(
            f"Points outside {domain.low:g} … {domain.high:g} are left out: {domain.reason}."
        )
    return TextTable(
        title=f"{facts.name}: Bjøntegaard deltas against {mine[0].anchor}",
        columns=(*heads, *numbers, "remark"),
        numeric=tuple([False] * n_words + [True] * len(numbers) + [False]),
        rows=tuple(body),
        notes=tuple(notes),
        name=f"{facts.name} bd",
    )


def bd_frame(rows: Sequence[BdRow]) -> "pd.DataFrame":
    """Return BD figures as a frame: one row per metric, condition, system and kind."""
    import pandas as pd

    records = []
    for row in rows:
        for kind, found in (("rate", row.rate), ("metric", row.score)):
            delta = found.delta if found is not None else None
            records.append(
                {
                    "metric": row.metric,
                    "condition": row.condition,
                    "anchor": row.anchor,
                    "codec": row.codec,
                    "label": row.label,
                    "kind": kind,
                    "value": delta.value if delta else None,
                    "ci_low": found.low if found else None,
                    "ci_high": found.high if found else None,
                    "akima": found.akima.value if found else None,
                    "overlap": delta.overlap if delta else None,
                    "stretch_low": delta.low if delta else None,
                    "stretch_high": delta.high if delta else None,
                    "n_points_anchor": delta.n_anchor if delta else 0,
                    "n_points": delta.n_test if delta else 0,
                    "n": found.n_clips if found else 0,
                    "cluster": found.cluster if found else "none",
                    "n_clusters": found.n_clusters if found else 0,
                    "is_reliable": found.is_reliable if found else False,
                    "reason": delta.reason if delta else row.reason,
                    "no_interval": found.no_interval if found else row.reason,
                    "caution": delta.caution if delta else "",
                }
            )
    return pd.DataFrame.from_records(records)


def _find_anchor(results: RunResults, anchor: str | None) -> str | None:
    if anchor is None:
        return None
    by_name = {system.label: system.codec for system in results.systems}
    by_name |= {system.codec: system.codec for system in results.systems}
    if anchor not in by_name:
        raise UnknownNameError("system", anchor, by_name)
    return by_name[anchor]


def _estimate(
    curves: CurveSet, base: str, codec: str, kind: str, resamples: int
) -> BdEstimate | None:
    if codec not in curves.curves:
        return None
    return estimate_bd(
        curves.curves[base],
        curves.curves[codec],
        curves.clusters,
        kind="rate" if kind == "rate" else "metric",
        higher_is_better=curves.grid.metric.higher_is_better,
        domain=domain_of(curves.grid.metric.name),
        resamples=resamples,
    )


def _rate_entries(row: BdRow, facts: MetricFacts) -> list[Entry]:
    if row.rate is None or row.rate.delta.value is None:
        return [_NONE] * 6
    found, delta, places = row.rate, row.rate.delta, decimals(facts)
    akima = found.akima.value
    return [
        _value(f"{delta.value:+.1f}", flag=bool(delta.caution)),
        _interval(found, 1),
        _value(f"{akima:+.1f}") if akima is not None else _NONE,
        _value(f"{delta.overlap:.0%}"),
        _value(f"{delta.low:.{places}f}"),
        _value(f"{delta.high:.{places}f}"),
    ]


def _score_entries(row: BdRow, facts: MetricFacts) -> list[Entry]:
    if row.score is None or row.score.delta.value is None:
        n = row.score.n_clips if row.score is not None else 0
        return [*[_NONE] * 5, _value(str(n))]
    found, delta = row.score, row.score.delta
    places = decimals(facts) + 1
    return [
        _value(f"{delta.value:+.{places}f}", flag=bool(delta.caution)),
        _interval(found, places),
        _value(f"{delta.overlap:.0%}"),
        _value(kbps(delta.low)),
        _value(kbps(delta.high)),
        _value(str(found.n_clips)),
    ]


def _remark(row: BdRow) -> str:
    """Say why there is no value or no interval, and what to mind about those that are given."""
    if row.rate is None or row.score is None:
        return row.reason or "no curve"
    said: dict[str, list[str]] = {}
    for name, found in (("BD-rate", row.rate), (f"BD-{row.metric}", row.score)):
        texts = [found.delta.reason or found.no_interval, found.delta.caution]
        for text in texts:
            if text:
                said.setdefault(text, []).append(name)
    return "; ".join(
        text if len(names) == 2 else f"{names[0]}: {text}" for text, names in said.items()
    ) or ("none" if row.rate.is_reliable else f"few {row.rate.cluster}s")


def _interval(found: BdEstimate, places: int) -> Entry:
    if found.low is None or found.high is None:
        return _NONE
    text = f"[{found.low:+.{places}f}, {found.high:+.{places}f}]"
    return _value(text, flag=not found.is_reliable)


def _value(text: str, *, flag: bool = False) -> Entry:
    return Entry(text=text, kind="value", flag=flag)


_NONE = Entry(text="–", kind="reason")
