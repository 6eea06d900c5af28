"""What changed between two sides, row by row: one metric at one codec point and condition."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codecbench.benchmark.results import MetricFacts
from codecbench.reports.grid import ABSENT, FAILED, OK, SKIPPED, UNDEFINED, Grid, build_grids
from codecbench.reports.regression.pairing import Pairing, PointPair, pair_points
from codecbench.reports.regression.policy import Policy
from codecbench.reports.regression.side import Side
from codecbench.reports.statistics.clusters import Clusters, cluster_by_speaker
from codecbench.reports.statistics.comparison import Verdict
from codecbench.reports.statistics.family import Judged, Pairs, judge_family


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipChange:
    """One clip's scores before and after."""

    clip: str
    base: float
    new: float

    @property
    def change(self) -> float:
        """New minus base."""
        return self.new - self.base


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One metric at one codec point under one condition.

    Attributes:
        metric: The metric.
        pair: Which codec and point, on both sides.
        condition: The treatment.
        judged: Difference, interval, verdict.
        newly_failing: Clips that had a value and fail now.
        fixed: Clips that failed and have a value now.
        lost: Clips that had a value and were not measured this time.
        worst: Clips with the largest losses, worst first.
        not_comparable: Why the two cannot be compared; "" where they can.
    """

    metric: MetricFacts
    pair: PointPair
    condition: str
    judged: Judged
    newly_failing: tuple[str, ...]
    fixed: tuple[str, ...]
    lost: tuple[str, ...]
    worst: tuple[ClipChange, ...]
    not_comparable: str = ""

    @property
    def mark(self) -> str:
        """One sign, as asv marks its comparisons.

        ``+`` worse, ``-`` better, ``~`` no difference that can be told or matters, ``!`` newly
        failing, ``*`` fixed, ``x`` not comparable, blank where every score is the same.

        Source:
            asv's documentation, "asv compare".
        """
        verdict = self.judged.comparison.verdict
        if self.newly_failing:
            return "!"
        if self.not_comparable or not self.judged.comparison.n_clips:
            return "x"
        if verdict in (Verdict.WORSE, Verdict.BETTER):
            return "+" if verdict is Verdict.WORSE else "-"
        if self.fixed:
            return "*"
        return " " if self.judged.is_identical else "~"


@dataclass(frozen=True, slots=True, kw_only=True)
class RateChange:
    """The measured payload rate of one codec point, pooled over the clips that both have."""

    pair: PointPair
    condition: str
    base_bps: float
    new_bps: float
    n_clips: int

    @property
    def percent(self) -> float:
        """Change in per cent of the base; NaN where that has no bits."""
        return 100.0 * (self.new_bps / self.base_bps - 1.0) if self.base_bps else math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Everything that differs.

    Attributes:
        rows: By metric, condition, codec and point.
        rates: By condition, codec and point.
        pairing: What was set against what.
        n_clips: Clips that both sides have.
        only_base: Clips that the base alone has.
        only_new: Clips that the new side alone has.
        other_audio: Clips of one name whose audio differs; they are left out.
        unmeasured: Metrics and conditions that the base alone has.
    """

    rows: tuple[Change, ...]
    rates: tuple[RateChange, ...]
    pairing: Pairing
    n_clips: int
    only_base: tuple[str, ...]
    only_new: tuple[str, ...]
    other_audio: tuple[str, ...]
    unmeasured: tuple[str, ...]


def find_changes(base: Side, new: Side, policy: Policy) -> Changes:
    """Compare two sides on the clips that both have.

    Where a policy has conditions, the metrics that they name are one family of tests and all
    others, which decide nothing, another.

    Args:
        base: The old side.
        new: The new one.
        policy: Tolerances and error rate.

    Raises:
        ResultSchemaError: A side mixes what must not be mixed.
    """
    common, other_audio = _common_clips(base, new)
    pairing = pair_points(base.results, new.results)
    old, fresh = _grids(base), _grids(new)
    drafts = [
        _draft(old[key], fresh[key], pair, common, policy)
        for key in old
        if key in fresh
        for pair in pairing.pairs
    ]
    judged = _judge(drafts, policy)
    rows = tuple(
        _change(draft, found, policy.worst_clips)
        for draft, found in zip(drafts, judged, strict=True)
    )
    conditions = [name for name in _conditions(old) if name in _conditions(fresh)]
    return Changes(
        rows=rows,
        rates=_rates(base, new, pairing, conditions, common),
        pairing=pairing,
        n_clips=len(common),
        only_base=tuple(clip for clip in base.clips if clip not in new.clips),
        only_new=tuple(clip for clip in new.clips if clip not in base.clips),
        other_audio=other_audio,
        unmeasured=tuple(f"{name} ({where})" for name, where in old if (name, where) not in fresh),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    metric: MetricFacts
    pair: PointPair
    condition: str
    clips: tuple[str, ...]
    pairs: Pairs
    moved: dict[str, tuple[str, ...]]
    not_comparable: str


def _common_clips(base: Side, new: Side) -> tuple[tuple[str, ...], tuple[str, ...]]:
    seen = [set(map(str, side.results.frame["clip"].unique())) for side in (base, new)]
    shared = [clip for clip in base.clips if clip in new.clips and clip in seen[0] & seen[1]]
    alike = [clip for clip in shared if base.clips[clip].sha256 == new.clips[clip].sha256]
    kept = set(alike)
    return tuple(alike), tuple(clip for clip in shared if clip not in kept)


def _grids(side: Side) -> dict[tuple[str, str], Grid]:
    return {(grid.metric.name, grid.condition): grid for grid in build_grids(side.results)}


def _conditions(grids: dict[tuple[str, str], Grid]) -> list[str]:
    return list(dict.fromkeys(condition for _, condition in grids))


def _draft(
    old: Grid, fresh: Grid, pair: PointPair, common: Sequence[str], policy: Policy
) -> _Draft:
    places = [_places(grid, common) for grid in (old, fresh)]
    rows = old.keys.index(pair.base), fresh.keys.index(pair.new)
    before, after = (
        grid.status[row][place] for grid, row, place in zip((old, fresh), rows, places, strict=True)
    )
    reason = ""
    if old.metric.definition_hash != fresh.metric.definition_hash:
        reason = (
            f"two definitions of {old.metric.name}: '{old.metric.definition}' and "
            f"'{fresh.metric.definition}', or other versions of its packages"
        )
    both = (before == OK) & (after == OK) & (not reason)
    scores = [
        grid.values[row][place][both]
        for grid, row, place in zip((old, fresh), rows, places, strict=True)
    ]
    chosen = places[0][both]
    mean = float(scores[0].mean()) if scores[0].size else 0.0
    clusters = _clusters(old, chosen)
    moved = {
        "newly_failing": _names(common, (before == OK) & (after == FAILED)),
        "fixed": _names(common, (before == FAILED) & (after == OK)),
        "lost": _names(common, (before == OK) & np.isin(after, (ABSENT, SKIPPED, UNDEFINED))),
    }
    return _Draft(
        metric=old.metric,
        pair=pair,
        condition=old.condition,
        clips=_names(common, both),
        pairs=Pairs(
            base=scores[0],
            new=scores[1],
            clusters=clusters,
            higher_is_better=old.metric.higher_is_better,
            tolerance=policy.accepted(old.metric.name, mean),
        ),
        moved=moved,
        not_comparable=reason,
    )


def _places(grid: Grid, clips: Sequence[str]) -> NDArray[np.intp]:
    column = {clip: place for place, clip in enumerate(grid.clips)}
    return np.array([column[clip] for clip in clips], dtype=np.intp)


def _clusters(grid: Grid, chosen: NDArray[np.intp]) -> Clusters:
    return cluster_by_speaker([grid.speakers[place] for place in chosen])


def _names(clips: Sequence[str], mask: NDArray[np.bool_]) -> tuple[str, ...]:
    return tuple(clip for clip, chosen in zip(clips, mask, strict=True) if chosen)


def _judge(drafts: Sequence[_Draft], policy: Policy) -> list[Judged]:
    """Judge what decides as one family, and the rest as another."""
    named = [policy.about(draft.metric.name) is not None for draft in drafts]
    deciding = named if any(named) else [True] * len(drafts)
    found: dict[int, Judged] = {}
    for group in (True, False):
        places = [place for place, mine in enumerate(deciding) if mine is group]
        family = judge_family([drafts[place].pairs for place in places], level=policy.level)
        found.update(zip(places, family, strict=True))
    return [found[place] for place in range(len(drafts))]


def _change(draft: _Draft, judged: Judged, n_worst: int) -> Change:
    moved = draft.pairs.new - draft.pairs.base
    order = np.argsort(moved if draft.metric.higher_is_better else -moved, kind="stable")
    worst = [
        ClipChange(
            clip=draft.clips[place],
            base=float(draft.pairs.base[place]),
            new=float(draft.pairs.new[place]),
        )
        for place in order[:n_worst].tolist()
    ]
    harmed = [each for each in worst if (each.change < 0) == draft.metric.higher_is_better]
    return Change(
        metric=draft.metric,
        pair=draft.pair,
        condition=draft.condition,
        judged=judged,
        newly_failing=draft.moved["newly_failing"],
        fixed=draft.moved["fixed"],
        lost=draft.moved["lost"],
        worst=tuple(each for each in harmed if each.change != 0.0),
        not_comparable=draft.not_comparable,
    )


def _rates(
    base: Side, new: Side, pairing: Pairing, conditions: Sequence[str], common: Sequence[str]
) -> tuple[RateChange, ...]:
    bits = _bits(base), _bits(new)
    found = []
    for condition in conditions:
        for pair in pairing.pairs:
            before = bits[0].get((*pair.base, condition), {})
            after = bits[1].get((*pair.new, condition), {})
            both = [clip for clip in common if clip in before and clip in after]
            found.append(
                RateChange(
                    pair=pair,
                    condition=condition,
                    base_bps=_pooled([before[clip] for clip in both]),
                    new_bps=_pooled([after[clip] for clip in both]),
                    n_clips=len(both),
                )
            )
    return tuple(found)


def _pooled(clips: Sequence[tuple[float, float]]) -> float:
    """Return bits over seconds."""
    seconds = sum(each[1] for each in clips)
    return sum(each[0] for each in clips) / seconds if seconds else math.nan


def _bits(side: Side) -> dict[tuple[str, str, str], dict[str, tuple[float, float]]]:
    """Return payload bits and seconds by codec, point and condition, then by clip."""
    key = ["codec", "point", "condition", "clip"]
    frame = side.results.frame
    part = frame.loc[frame["payload_bps"].notna(), [*key, "payload_bps", "clip_s"]]
    found: dict[tuple[str, str, str], dict[str, tuple[float, float]]] = {}
    for codec, point, condition, clip, rate, seconds in part.drop_duplicates(key).to_numpy():
        where = str(codec), str(point), str(condition)
        found.setdefault(where, {})[str(clip)] = float(rate) * float(seconds), float(seconds)
    return found
