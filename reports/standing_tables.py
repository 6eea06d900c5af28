"""Systems side by side at equal measured rates, as papers print them, with groups and marks."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from codecbench.benchmark.results import MetricFacts, SystemFacts
from codecbench.reports.curves.equal_rate import SAME_RATE
from codecbench.reports.standings import Standing
from codecbench.reports.statistics.clusters import MIN_CLUSTERS
from codecbench.reports.statistics.estimates import LEVEL
from codecbench.reports.statistics.power import POWER
from codecbench.reports.tables import arrow, decimals, kbps, system_name
from codecbench.reports.typeset import Entry, TextTable

if TYPE_CHECKING:
    import pandas as pd


def standings_table(
    found: Sequence[Standing], facts: MetricFacts, systems: Sequence[SystemFacts]
) -> TextTable | None:
    """Build the table of one metric: systems × rates; None where no two systems share a rate.

    The best of a rate is bold where it is surely better than every other system there, and not
    marked otherwise.

    Args:
        found: Standings; those of other metrics are left out.
        facts: About the metric.
        systems: Of the run, in table order.
    """
    mine = [one for one in found if one.metric == facts.name]
    if not mine:
        return None
    rates = sorted({one.rate_bps for one in mine})
    conditions = list(dict.fromkeys(one.condition for one in mine))
    places = {(one.condition, one.codec, one.rate_bps): one for one in mine}
    with_condition = len(conditions) > 1
    body, absent = [], dict[str, None]()
    for condition in conditions:
        for system in systems:
            keys = [(condition, system.codec, rate) for rate in rates]
            shown = [_entry(places[key], facts) for key in keys if key in places]
            entries = [Entry(text=system_name(system))]
            entries += [Entry(text=condition)] if with_condition else []
            if any(entry.kind == "value" for entry in shown):
                body.append((*entries, *shown))
            elif system.kind != "anchor":
                absent[system_name(system)] = None
    heads = ("Codec", *(("Condition",) if with_condition else ()))
    return TextTable(
        title=f"{facts.name} {arrow(facts)} at equal measured rates in kbit/s",
        columns=(*heads, *(kbps(rate) for rate in rates)),
        numeric=tuple([False] * len(heads) + [True] * len(rates)),
        rows=tuple(body),
        notes=(*_notes(mine), *([f"At none of these rates: {', '.join(absent)}."] * bool(absent))),
        name=f"{facts.name} at equal rates",
    )


def standings_frame(found: Sequence[Standing]) -> "pd.DataFrame":
    """Return standings as a frame, one row per metric, condition, rate and system.

    ``rank_best`` and ``rank_worst`` are the limits of the rank; ``groups`` are letters, and two
    systems at one rate share one exactly where they do not surely differ.
    """
    import pandas as pd

    records = []
    for one in found:
        record = asdict(one)
        mean, rank = record.pop("mean"), record.pop("rank")
        record["points"] = " ".join(one.points)
        names = {"low": "ci_low", "high": "ci_high"}
        record |= {names.get(name, name): value for name, value in mean.items()}
        empty = {"place": None, "best": None, "worst": None, "groups": "", "beats_all": False}
        known = rank or empty
        record |= {
            "rank": known["place"],
            "rank_best": known["best"],
            "rank_worst": known["worst"],
            "groups": known["groups"],
            "beats_all": known["beats_all"],
        }
        records.append(record)
    return pd.DataFrame.from_records(records)


def _entry(one: Standing, facts: MetricFacts) -> Entry:
    if one.mean.mean is None:
        return Entry(text="–", kind="reason")
    places = decimals(facts)
    text, details = f"{one.mean.mean:.{places}f}", []
    if one.mean.low is not None and one.mean.high is not None:
        details.append(f"[{one.mean.low:.{places}f}, {one.mean.high:.{places}f}]")
    if one.rank is not None:
        text += f" {one.rank.groups}"
        best, worst = one.rank.best, one.rank.worst
        details.append(f"rank {best}" if best == worst else f"rank {best}–{worst}")
    if one.n_failed:
        details.append(f"{one.n_failed} failed")
    return Entry(
        text=text,
        kind="value",
        detail=", ".join(details),
        flag=one.n_failed > 0,
        best=one.rank is not None and one.rank.beats_all,
    )


def _notes(found: Sequence[Standing]) -> tuple[str, ...]:
    ranked = any(one.rank is not None for one in found)
    sizes = {(one.mean.n, one.mean.n_clusters, one.mean.cluster) for one in found if one.mean.n}
    notes = [
        f"On {n} clips of {count} {kind}s that all systems have at every point."
        if kind == "speaker"
        else f"On {n} clips that all systems have at every point."
        for n, count, kind in sorted(sizes)
    ]
    notes.append(
        f"A point within {SAME_RATE:.1%} of the rate is taken as it is; between two points each "
        "clip's score is interpolated linearly over log rate; –: out of reach, see the CSV."
    )
    detectable = {one.detectable for one in found if one.detectable is not None}
    if detectable:
        low, high = (f"{value:.2g}" for value in (min(detectable), max(detectable)))
        sees = low if low == high else f"{low} … {high} (by rate)"
        notes.append(
            f"With probability {POWER:g} this set finds a true difference of {sees} between two "
            "systems."
        )
    if ranked:
        notes.append(
            "Two systems at one rate share a letter exactly where they do not surely differ "
            f"(paired, Holm over all pairs, error rate {1 - LEVEL:.0%} per rate). Bold: surely "
            "better than every other system. A system with failures leads only where it also "
            "leads with failures as the worst score."
        )
    else:
        notes.append(f"Nothing is ranked: that takes at least {MIN_CLUSTERS} speakers or clips.")
    return tuple(notes)
