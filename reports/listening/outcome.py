"""What a listening test has found, as files and in a few lines."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from codecbench.benchmark.results import RunResults
from codecbench.core.errors import ConfigError
from codecbench.reports.export import csv_bytes
from codecbench.reports.figures.drawing import write_drawing
from codecbench.reports.figures.opinion import draw_opinions
from codecbench.reports.listening.ratings import (
    metric_agreement,
    opinion_scores,
    read_ratings,
    read_stimuli,
    screen_listeners,
)


def write_outcome(
    kit: Path, files: Sequence[Path], results: RunResults | None, out: Path
) -> list[str]:
    """Write listeners.csv, votes.csv, mos.csv with its figure and, with a run, agreement.csv.

    Args:
        kit: Folder of the test.
        files: Ratings.
        results: The run that was heard; None where metrics are not to be compared.
        out: Folder; made where it is absent.

    Returns:
        Lines for people.

    Raises:
        ConfigError: There are no ratings, or none that count.
    """
    import pandas as pd

    stimuli, ratings = read_stimuli(kit), read_ratings(files)
    screened = screen_listeners(ratings, stimuli)
    out.mkdir(parents=True, exist_ok=True)
    (out / "listeners.csv").write_bytes(csv_bytes(pd.DataFrame(screened)))
    kept = [each.listener for each in screened if not each.reason]
    lines = [f"{len(kept)} of {len(screened)} listeners count"]
    lines += [f"  {each.listener}: {each.reason}" for each in screened if each.reason]
    if not kept:
        msg = f"nobody's ratings count; {out / 'listeners.csv'} says why"
        raise ConfigError(msg)
    votes = ratings[ratings["listener"].isin(kept)].merge(stimuli, on="stimulus", how="inner")
    (out / "votes.csv").write_bytes(csv_bytes(votes))
    scores = opinion_scores(votes)
    (out / "mos.csv").write_bytes(csv_bytes(scores))
    command = shlex.join(["codecbench", "figure", "opinion", str(out / "mos.csv"), "-o", "mos"])
    write_drawing(
        out / "figures", "mos", draw_opinions(scores), title="Mean opinion scores", command=command
    )
    for row in scores.to_dict("records"):
        lines.append(
            f"  {row['system']}: {row['mos']:.2f}, {row['ci_low']:.2f} to {row['ci_high']:.2f}, "
            f"{row['votes']} votes by {row['listeners']}"
        )
    if results is not None:
        agreement = metric_agreement(votes, results)
        (out / "agreement.csv").write_bytes(csv_bytes(agreement))
        lines += [
            f"  {row['metric']}: Pearson {row['pearson']:.2f}, Spearman {row['spearman']:.2f} "
            f"over {row['n_stimuli']} sounds"
            for row in agreement.to_dict("records")
        ]
    return lines
