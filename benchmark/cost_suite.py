"""Codecs whose cost a paper has published: what to measure, and the numbers to set beside it."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from codecbench.core.errors import ConfigError

COST_SUITES = Path(__file__).parent / "cost_suites"
QUANTITIES = (
    "parameters_m",
    "mmacs_per_s",
    "memory_mib",
    "cpu_encode_s",
    "cpu_decode_s",
    "gpu_encode_s",
    "gpu_decode_s",
)
"""What a row may publish: millions of parameters, millions of multiply-accumulates per second of
audio, MiB of weights, seconds for 10 s of audio."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostRow:
    """One codec of a published table.

    Attributes:
        label: As the paper calls it.
        spec: The codec here that is to be the same.
        published: Value per quantity, one of `QUANTITIES`.
    """

    label: str
    spec: str
    published: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class CostSuite:
    """A published table of costs.

    Attributes:
        name: Such as "psq-table2".
        title: One line.
        source: Where the numbers were published.
        clips: How many clips are timed unless somebody says otherwise.
        notes: What must be known to compare.
        rows: In the order of the paper.
        ratio: Labels of two rows whose ratio the paper speaks of, or nothing.
    """

    name: str
    title: str
    source: str
    clips: int
    notes: tuple[str, ...]
    rows: tuple[CostRow, ...]
    ratio: tuple[str, str] | None

    @property
    def quantities(self) -> tuple[str, ...]:
        """What its rows publish, in the order of `QUANTITIES`."""
        return tuple(name for name in QUANTITIES if any(name in row.published for row in self.rows))


def cost_suite_names() -> list[str]:
    """Return the names of the published tables of costs."""
    return sorted(path.stem for path in COST_SUITES.glob("*.toml"))


def find_cost_suite(name: str) -> CostSuite:
    """Return a published table of costs.

    Raises:
        ConfigError: There is none of this name.
    """
    if name not in cost_suite_names():
        known = ", ".join(cost_suite_names())
        msg = f"no published table of costs '{name}'; known: {known}"
        raise ConfigError(msg)
    table = tomllib.loads((COST_SUITES / f"{name}.toml").read_text(encoding="utf-8"))
    ratio = table.get("ratio")
    return CostSuite(
        name=name,
        title=table["title"],
        source=table["source"],
        clips=table["clips"],
        notes=tuple(table["notes"]),
        rows=tuple(CostRow(**row) for row in table["rows"]),
        ratio=(ratio[0], ratio[1]) if ratio else None,
    )
