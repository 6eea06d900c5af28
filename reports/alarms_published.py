"""Where a score lies outside what others have published: information, since their data differ.

The band of a codec, rate and metric reaches from the lowest to the highest number that comes with
codecbench (`reports/published`), widened on either side by `MARGINS`. A line appears where the
whole 95 % interval lies outside. Inside means little: a band may be wide because a source does not
state its data, or which PESQ it used.
"""

from collections.abc import Sequence

from codecbench.reports.alarm import Alarm
from codecbench.reports.published_numbers import Published, match_published
from codecbench.reports.summary import SummaryRow

MARGINS = {"pesq_wb": 0.15, "pesq_nb": 0.15, "stoi": 0.03, "mcd": 0.5, "si_sdr": 1.0}
"""How far a band is widened, in units of the metric. Ours: near the distances between independent
sources for one codec at one rate, 0.04 to 0.14 (PESQ-WB) and 0.01 to 0.05 (STOI) for EnCodec and
DAC in arXiv:2502.04128 and Codec-SUPERB; those of MCD and SI-SDR are guesses."""
OTHER_MARGIN = 0.1
"""The same for any other metric, as a share of the published value."""


def published_band(numbers: Sequence[Published]) -> tuple[float, float]:
    """Return the band that published numbers of one metric make.

    Args:
        numbers: At least one, of one codec, rate and metric.
    """
    values = [number.value for number in numbers]
    low, high = min(values), max(values)
    margin = MARGINS.get(numbers[0].metric)
    if margin is not None:
        return low - margin, high + margin
    return low - OTHER_MARGIN * abs(low), high + OTHER_MARGIN * abs(high)


def outside_published(rows: Sequence[SummaryRow]) -> list[Alarm]:
    """Find trained codecs whose scores lie outside the published band, by more than chance.

    Args:
        rows: Summary rows of the run.

    Returns:
        At most one per system and metric, with its points.
    """
    found: dict[tuple[str, str], list[str]] = {}
    sources: dict[tuple[str, str], dict[str, None]] = {}
    labels: dict[str, str] = {}
    for row in rows:
        numbers = match_published(row)
        mean, low, high = row.own.mean, row.own.low, row.own.high
        if not (numbers and row.trained) or mean is None or low is None or high is None:
            continue
        bottom, top = published_band(numbers)
        if high >= bottom and low <= top:
            continue
        key = (row.codec, row.metric)
        labels[row.codec] = row.label
        found.setdefault(key, []).append(
            f"{row.point}: {mean:.3g} [{low:.3g}, {high:.3g}] against {bottom:.3g} to {top:.3g}"
        )
        sources.setdefault(key, {}).update(dict.fromkeys(number.source for number in numbers))
    return [
        Alarm(
            kind="published",
            subject=f"{labels[codec]}, {metric}",
            text=f"outside what others have published, with a margin, at {'; '.join(points)} "
            f"({'; '.join(sources[codec, metric])}). Their data, weights or definitions may "
            "differ: the table of published numbers says how",
        )
        for (codec, metric), points in found.items()
    ]
