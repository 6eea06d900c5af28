"""Which system and point of the new side stands against which of the base."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from codecbench.benchmark.results import RunResults, SystemFacts
from codecbench.core.errors import ConfigError
from codecbench.core.spec import Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class PointPair:
    """One operating point on both sides.

    Attributes:
        base: Codec and point.
        new: Codec and point.
        label: What to call both, short.
        base_spec: Spec that makes the base's codec.
        new_spec: Spec that makes the new one.
    """

    base: tuple[str, str]
    new: tuple[str, str]
    label: str
    base_spec: str
    new_spec: str

    @property
    def point(self) -> str:
        """The point, or both where they have two names."""
        old, new = self.base[1], self.new[1]
        return old if old == new else f"{old} → {new}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """What is compared with what.

    Attributes:
        pairs: In the order of the base.
        only_base: Labels of what the base alone has.
        only_new: Labels of what the new side alone has.
    """

    pairs: tuple[PointPair, ...]
    only_base: tuple[str, ...]
    only_new: tuple[str, ...]


def pair_points(base: RunResults, new: RunResults) -> Pairing:
    """Pair systems, then their points.

    Systems pair by canonical name; what is left pairs where only the checkpoint differs, and one
    system that is left on either side pairs with the other. Points pair by name, or in rising
    order of rate where no name is shared and there are as many.

    Args:
        base: The old results.
        new: The new ones.
    """
    partners = _partners(base.systems, new.systems)
    pairs: list[PointPair] = []
    only_base = [one.label for one in base.systems if one.codec not in partners]
    taken = {one.codec for one in partners.values()}
    only_new = [one.label for one in new.systems if one.codec not in taken]
    for system in base.systems:
        if system.codec not in partners:
            continue
        partner = partners[system.codec]
        mine = [point.name for point in system.points]
        theirs = [point.name for point in partner.points]
        matched = [(name, name) for name in mine if name in theirs]
        if not matched and len(mine) == len(theirs):
            matched = list(zip(mine, theirs, strict=True))
        both = {name for name, _ in matched}, {name for _, name in matched}
        only_base += [f"{system.label} {name}" for name in mine if name not in both[0]]
        only_new += [f"{partner.label} {name}" for name in theirs if name not in both[1]]
        alike = partner.label == system.label
        label = system.label if alike else f"{system.label} → {partner.label}"
        pairs += [
            PointPair(
                base=(system.codec, old),
                new=(partner.codec, fresh),
                label=label,
                base_spec=system.spec,
                new_spec=partner.spec,
            )
            for old, fresh in matched
        ]
    return Pairing(pairs=tuple(pairs), only_base=tuple(only_base), only_new=tuple(only_new))


def _partners(base: Sequence[SystemFacts], new: Sequence[SystemFacts]) -> dict[str, SystemFacts]:
    by_name = {system.codec: system for system in new}
    found = {system.codec: by_name[system.codec] for system in base if system.codec in by_name}
    taken = set(found)
    left = [system for system in base if system.codec not in found]
    free = [system for system in new if system.codec not in taken]
    for system in left:
        kin = [other for other in free if family(other.spec) == family(system.spec)]
        rivals = [other for other in left if family(other.spec) == family(system.spec)]
        if len(kin) == len(rivals) == 1:
            found[system.codec] = kin[0]
            free.remove(kin[0])
    left = [system for system in left if system.codec not in found]
    if len(left) == len(free) == 1:
        found[left[0].codec] = free[0]
    return found


def family(spec: str) -> str:
    """Return a spec without its checkpoint: what two trainings of one codec share."""
    try:
        parsed = Spec.parse(spec)
    except ConfigError:
        return spec
    options = {key: value for key, value in parsed.options.items() if key != "checkpoint"}
    return str(replace(parsed, options=options))
