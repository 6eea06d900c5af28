"""Ratings of listeners: who listened, what they say of each system, which metric agrees."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from codecbench.benchmark.results import RunResults
from codecbench.core.cell import Status
from codecbench.core.errors import ConfigError
from codecbench.core.small_file import parse_json, read_small_text
from codecbench.reports.statistics.clusters import Clusters
from codecbench.reports.statistics.estimates import estimate_means

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("listener", "stimulus", "rating")
GOLD_TOLERANCE = 1
"""How far a rating may be from the known answer."""
FEWEST_STIMULI = 5
"""From so many stimuli on a correlation is computed."""


def read_ratings(paths: Sequence[Path]) -> "pd.DataFrame":
    """Read ratings.

    Args:
        paths: What the page saved (``.json``), or CSV files with `COLUMNS`.

    Returns:
        Columns `COLUMNS`; a listener's second rating of a stimulus counts, not the first.

    Raises:
        ConfigError: A file cannot be read, or a rating is none of 1 to 5.
    """
    import pandas as pd

    parts = []
    for path in paths:
        try:
            if path.suffix.lower() == ".json":
                table = parse_json(read_small_text(path))
                part = pd.DataFrame(table["ratings"]).assign(listener=str(table["listener"]))
            else:
                part = pd.read_csv(path, dtype={"listener": str, "stimulus": str})
            part = part[list(COLUMNS)]
            if not part["rating"].isin([1, 2, 3, 4, 5]).all():
                msg = "has a rating that is none of 1 to 5"
                raise ValueError(msg)
        except (OSError, ValueError, KeyError, TypeError) as error:
            msg = f"{path}: no ratings ({error}); wanted: listener, stimulus, rating"
            raise ConfigError(msg) from error
        parts.append(part.astype({"listener": str, "stimulus": str, "rating": int}))
    ratings = pd.concat(parts, ignore_index=True)
    return ratings.drop_duplicates(subset=["listener", "stimulus"], keep="last")


def read_stimuli(kit: Path) -> "pd.DataFrame":
    """Read what the stimuli of a kit are.

    Raises:
        ConfigError: There is no kit.
    """
    import pandas as pd

    try:
        return pd.read_csv(kit / "stimuli.csv", dtype=str, keep_default_na=False)
    except OSError as error:
        msg = f"{kit}: holds no stimuli.csv; 'codecbench listen export' writes a kit"
        raise ConfigError(msg) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Screening:
    """Whether a listener's ratings count.

    Attributes:
        listener: Who.
        n_ratings: How many ratings there are.
        reason: Why they do not count; "" where they do.
    """

    listener: str
    n_ratings: int
    reason: str


def screen_listeners(ratings: "pd.DataFrame", stimuli: "pd.DataFrame") -> tuple[Screening, ...]:
    """Find out who listened.

    A listener counts who answers every trap, is wrong on at most one gold clip by more than
    `GOLD_TOLERANCE`, uses more than one rating, and does not rate the noisiest MNRU above the
    cleanest one.

    Args:
        ratings: Columns `COLUMNS`.
        stimuli: As `read_stimuli` gives them.
    """
    known = ratings.merge(stimuli, on="stimulus", how="inner")
    return tuple(
        Screening(listener=str(name), n_ratings=len(mine), reason=_why_not(mine))
        for name, mine in known.groupby("listener", sort=True)
    )


def _why_not(mine: "pd.DataFrame") -> str:
    expected = mine[mine["expected"] != ""]
    apart = (expected["rating"] - expected["expected"].astype(int)).abs()
    if (apart[expected["kind"] == "trap"] > 0).any():
        return "missed a trap"
    wrong = int((apart[expected["kind"] == "gold"] > GOLD_TOLERANCE).sum())
    if wrong > 1:
        return f"wrong on {wrong} gold clips"
    if mine["rating"].nunique() < 2 and len(mine) > 2:
        return "one rating for everything"
    mnru = mine[mine["kind"] == "mnru"].groupby("system")["rating"].mean()
    if len(mnru) > 1:
        ordered = sorted(mnru.index, key=lambda name: float(name.split()[1]))
        if mnru[ordered[0]] >= mnru[ordered[-1]]:
            return f"{ordered[0]} rated no worse than {ordered[-1]}"
    return ""


def opinion_scores(votes: "pd.DataFrame") -> "pd.DataFrame":
    """Average votes by system, with intervals over listeners.

    Args:
        votes: Ratings that count, with the columns of the stimuli.

    Returns:
        ``system, kind, mos, ci_low, ci_high, votes, listeners``, best first.
    """
    import pandas as pd

    records = []
    rated = votes[votes["kind"].isin(["system", "reference", "mnru"])]
    for system, mine in rated.groupby("system", sort=True):
        labels, names = pd.factorize(mine["listener"])
        clusters = Clusters(labels=np.asarray(labels, dtype=np.intp), kind="listener")
        found = estimate_means(mine["rating"].to_numpy(dtype=np.float64)[None], clusters)
        records.append(
            {
                "system": str(system),
                "kind": "system" if mine["kind"].iloc[0] == "system" else "anchor",
                "mos": float(found.mean[0]),
                "ci_low": float(found.low[0]),
                "ci_high": float(found.high[0]),
                "votes": len(mine),
                "listeners": len(names),
            }
        )
    table = pd.DataFrame(records)
    return table.sort_values("mos", ascending=False, kind="stable").reset_index(drop=True)


def metric_agreement(votes: "pd.DataFrame", results: RunResults) -> "pd.DataFrame":
    """Correlate each metric with the listeners, stimulus by stimulus.

    Args:
        votes: Ratings that count, with the columns of the stimuli.
        results: The run whose sounds were rated.

    Returns:
        ``metric, n_stimuli, pearson, spearman``, better with better; the correlations are empty
        below `FEWEST_STIMULI` stimuli or where nothing varies.
    """
    import pandas as pd
    from scipy import stats

    mine = votes[votes["kind"] == "system"]
    means = mine.groupby(["codec", "point", "clip"])["rating"].mean().rename("mos").reset_index()
    frame = results.frame[results.frame["status"] == str(Status.OK)]
    frame = frame[frame["condition"] == "clean"]
    records = []
    for facts in results.metrics:
        scores = frame.loc[frame["metric"] == facts.name, ["codec", "point", "clip", "value"]]
        both = means.merge(
            scores.astype({"point": str, "clip": str}), on=["codec", "point", "clip"]
        )
        x, y = both["value"].to_numpy(dtype=np.float64), both["mos"].to_numpy(dtype=np.float64)
        enough = x.size >= FEWEST_STIMULI and np.ptp(x) > 0 and np.ptp(y) > 0
        sign = 1.0 if facts.higher_is_better else -1.0
        records.append(
            {
                "metric": facts.name,
                "n_stimuli": x.size,
                "pearson": sign * float(stats.pearsonr(x, y).statistic) if enough else np.nan,
                "spearman": sign * float(stats.spearmanr(x, y).statistic) if enough else np.nan,
            }
        )
    return pd.DataFrame(records)
