"""What others have published, with source and caveat: beside our numbers, never among them."""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from codecbench.benchmark.results import MetricFacts
from codecbench.reports.summary import SummaryRow
from codecbench.reports.tables import arrow, decimals, kbps, system_label
from codecbench.reports.typeset import Entry, TextTable

if TYPE_CHECKING:
    import pandas as pd

FOLDER = Path(__file__).parent / "published"
SAME_RATE = 0.05
"""A published rate this near to a point's nominal rate (as a share of it) is the same one."""
_WORDS = ("system", "codec", "kbps")


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """One published number.

    Attributes:
        metric: Name of the metric output here that comes nearest; the caveat says what differs.
        system: What the source calls the system.
        codec: Name of the codec here; "" where there is none.
        kbps: Rate as published, or computed where the origin says so.
        value: The number.
        source: Where it stands.
        data: What it was measured on.
        origin: Whether it was printed, read off a figure, or copied by others.
        caveat: What has to be known before comparing.
    """

    metric: str
    system: str
    codec: str
    kbps: float
    value: float
    source: str
    data: str
    origin: str
    caveat: str


@cache
def published_numbers() -> tuple[Published, ...]:
    """Return all published numbers that come with codecbench, by source."""
    found = []
    for path in sorted(FOLDER.glob("*.toml")):
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        about = {key: str(table[key]) for key in ("source", "data", "origin", "caveat")}
        for row in table["row"]:
            for metric in row:
                if metric in _WORDS:
                    continue
                for rate, value in zip(row["kbps"], row[metric], strict=True):
                    found.append(
                        Published(
                            metric=metric,
                            system=row["system"],
                            codec=row["codec"],
                            kbps=float(rate),
                            value=float(value),
                            **about,
                        )
                    )
    return tuple(found)


def match_published(row: SummaryRow) -> tuple[Published, ...]:
    """Return what others have published about a row's codec, rate and metric."""
    name = re.split(r"[@: ]", row.codec, maxsplit=1)[0]
    if not row.nominal_bps or row.condition != "clean":
        return ()
    rate = row.nominal_bps / 1000.0
    return tuple(
        number
        for number in published_numbers()
        if (number.metric, number.codec) == (row.metric, name)
        and abs(number.kbps - rate) <= SAME_RATE * rate
    )


def published_table(rows: Sequence[SummaryRow], facts: MetricFacts) -> TextTable | None:
    """Build the table of one metric: measured here, and published elsewhere, in columns of its own.

    Args:
        rows: Summary rows; those of other metrics are left out.
        facts: About the metric.

    Returns:
        None where nobody has published anything about these codecs at these rates.
    """
    pairs = [
        (row, number) for row in rows if row.metric == facts.name for number in match_published(row)
    ]
    if not pairs:
        return None
    sources = list(dict.fromkeys((n.source, n.data, n.origin, n.caveat) for _, n in pairs))
    body = []
    for row, number in pairs:
        here = Entry(text="no value", kind="reason")
        if row.own.mean is not None:
            here = Entry(text=f"{row.own.mean:.{decimals(facts)}f}", kind="value")
        place = sources.index((number.source, number.data, number.origin, number.caveat))
        body.append(
            (
                Entry(text=system_label(row)),
                Entry(text=kbps(row.payload_bps), kind="value"),
                here,
                Entry(text=f"{number.value:g}", kind="value"),
                Entry(text=f"{number.kbps:g}", kind="value"),
                Entry(text=number.system),
                Entry(text=f"({place + 1})"),
            )
        )
    heads = ("Codec", "kbit/s", "measured here", "published", "kbit/s", "system", "source")
    return TextTable(
        title=f"{facts.name} {arrow(facts)}: measured here, and published elsewhere",
        columns=heads,
        numeric=(False, True, True, True, True, False, False),
        rows=tuple(body),
        notes=(
            "Published numbers come from other data and other versions: they tell where a number "
            "may be expected, they are in no mean, rank or figure of ours.",
            *(
                f"({place}) {source}. Data: {data}. Origin: {origin}. Caveat: {caveat}."
                for place, (source, data, origin, caveat) in enumerate(sources, start=1)
            ),
        ),
        name=f"{facts.name} published",
    )


def published_frame(rows: Sequence[SummaryRow]) -> "pd.DataFrame":
    """Return the same for all metrics as a frame; published facts in columns ``published_*``."""
    import pandas as pd

    return pd.DataFrame.from_records(
        [
            {
                "metric": row.metric,
                "codec": row.codec,
                "label": row.label,
                "point": row.point,
                "payload_bps": row.payload_bps,
                "mean": row.own.mean,
                "ci_low": row.own.low,
                "ci_high": row.own.high,
                "n": row.own.n,
            }
            | {
                f"published_{key}": value
                for key, value in asdict(number).items()
                if key not in ("metric", "codec")
            }
            for row in rows
            for number in match_published(row)
        ]
    )
