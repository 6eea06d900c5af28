"""What codecs cost, as ``codecbench complexity --json`` wrote it, matched to systems of a run."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from codecbench.adapters.registry import system_name
from codecbench.benchmark.complexity import Complexity, Macs, Speed
from codecbench.benchmark.foreign_code import foreign_code
from codecbench.benchmark.results import SystemFacts
from codecbench.core.errors import CodecBenchError, ConfigError
from codecbench.core.small_file import parse_json, read_small_text
from codecbench.core.spec import Spec


def read_costs(paths: Iterable[Path]) -> tuple[Complexity, ...]:
    """Read what ``codecbench complexity --json`` printed.

    Args:
        paths: Files of JSON, one object per line.

    Raises:
        ConfigError: A file cannot be read, or a line is something else.
    """
    found = []
    for path in paths:
        try:
            lines = read_small_text(path).splitlines()
            found += [_read(parse_json(line)) for line in lines if line.strip()]
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            msg = (
                f"{path}: no costs ({type(error).__name__}: {error}); "
                f"'codecbench complexity SPEC --json > {path}' writes some"
            )
            raise ConfigError(msg) from error
    return tuple(found)


def _read(table: dict[str, object]) -> Complexity:
    names = Complexity.__dataclass_fields__
    # The lines of a suite bear its name and the published values, too.
    facts = {name: value for name, value in table.items() if name in names}
    macs, speeds = facts.pop("macs"), facts.pop("speeds")
    if not isinstance(macs, list) or not isinstance(speeds, list):
        msg = "macs and speeds must be lists"
        raise TypeError(msg)
    return Complexity(
        macs=tuple(Macs(**each) for each in macs),
        speeds=tuple(Speed(**each) for each in speeds),
        **facts,  # type: ignore[arg-type]  # as asdict wrote them
    )


def match_costs(
    costs: Sequence[Complexity], systems: Sequence[SystemFacts]
) -> dict[str, Complexity]:
    """Find the cost of each system of a run.

    Args:
        costs: As measured; of several of one system the last counts.
        systems: Of the run.

    Returns:
        By canonical name; a system that was not measured is absent.
    """
    by_name = {canonical_name(each.spec): each for each in costs}
    return {
        system.codec: by_name[name]
        for system in systems
        if (name := canonical_name(system.spec)) in by_name
    }


def canonical_name(spec: str) -> str:
    """Return the canonical name of a spec's system; the spec where it cannot be made here.

    A plug-in is not imported for it: costs and checks are files that may come from anybody.
    """
    try:
        parsed = Spec.parse(spec)
        return str(parsed) if foreign_code(spec) else system_name(parsed)
    except CodecBenchError:
        return spec
