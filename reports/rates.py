"""What each point costs: five rates side by side, pooled over clips, and a flag where they lie."""

import math
from dataclasses import dataclass

from codecbench.benchmark.results import PointFacts, RunResults, SystemFacts
from codecbench.reports.grid import system_points

RED_FLAG_RATIO = 1.10
"""A payload above this multiple of the nominal rate is flagged."""
LOSSLESS_BPS = 128_000.0
"""Half of 16-bit PCM at 16 kHz: from here on a perfect score is no surprise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PointRates:
    """The rates of one point under one condition, in bit/s; None where nothing is known.

    Attributes:
        codec: As in the frame.
        label: Short name.
        trained: False for random weights.
        kind: neural, waveform, parametric or anchor (whose bits mean nothing).
        point: As in the frame.
        condition: The treatment.
        nominal_bps: What the setting promises.
        payload_bps: Payload bits over duration.
        wire_bps: Whole bytes over duration.
        total_bps: With headers.
        entropy_bps: Zero-order bound of the codes, bias-corrected.
        coded_s: Seconds of audio that were coded.
    """

    codec: str
    label: str
    trained: bool
    kind: str
    point: str
    condition: str
    nominal_bps: float | None
    payload_bps: float | None
    wire_bps: float | None
    total_bps: float | None
    entropy_bps: float | None
    coded_s: float

    @property
    def excess(self) -> float | None:
        """Payload over nominal; None where either is unknown or the bits mean nothing."""
        if self.kind == "anchor" or not self.nominal_bps or self.payload_bps is None:
            return None
        return self.payload_bps / self.nominal_bps

    @property
    def is_flagged(self) -> bool:
        """Whether more bits are spent than the setting promises, by more than a tenth."""
        return self.excess is not None and self.excess > RED_FLAG_RATIO


def point_rates(results: RunResults) -> dict[tuple[str, str, str], PointRates]:
    """Pool the rates of each codec, point and condition over the clips that were coded.

    Returns:
        In table order, by (codec, point, condition).
    """
    rates = ["payload_bps", "wire_bps", "total_bps"]
    key = ["codec", "point", "condition"]
    frame = results.frame.loc[results.frame["payload_bps"].notna()]
    frame = frame.drop_duplicates(subset=[*key, "clip"])[[*key, "clip_s", *rates]]
    weighted = frame.assign(**{name: frame[name] * frame["clip_s"] for name in rates})
    pooled = weighted.groupby(key, sort=False)[["clip_s", *rates]].sum(min_count=1)
    sums = {tuple(map(str, row[:3])): row[3:] for row in pooled.reset_index().to_numpy().tolist()}
    conditions = [str(name) for name in results.frame["condition"].unique()] or ["clean"]
    facts = {system.codec: system for system in results.systems}
    found: dict[tuple[str, str, str], PointRates] = {}
    for condition in conditions:
        for codec, point in system_points(results):
            coded_s, *bits = sums.get((codec, point, condition), [0.0] * 4)
            means = [_known(value / coded_s) if coded_s else None for value in bits]
            found[codec, point, condition] = _combine(
                facts[codec], point, condition, means, coded_s, alone=len(conditions) == 1
            )
    return found


def _combine(
    system: SystemFacts,
    point: str,
    condition: str,
    means: list[float | None],
    coded_s: float,
    *,
    alone: bool,
) -> PointRates:
    by_name = {facts.name: facts for facts in system.points}
    facts = by_name.get(point, PointFacts(name=point, nominal_bps=math.nan))
    payload, wire, total = means
    # The facts are pooled over all conditions, so they speak for one only where there is one.
    if facts.payload_bps is not None and (alone or payload is None):
        payload = facts.payload_bps
    return PointRates(
        codec=system.codec,
        label=system.label,
        trained=system.trained,
        kind=system.kind,
        point=point,
        condition=condition,
        nominal_bps=_known(facts.nominal_bps),
        payload_bps=payload,
        wire_bps=wire,
        total_bps=total,
        entropy_bps=facts.entropy_bps,
        coded_s=coded_s,
    )


def _known(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
