"""What is asked for: codecs, data, metrics, conditions; from flags, Python or a TOML file."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import tomli_w

from codecbench.adapters.registry import join_points, system_name, system_specs
from codecbench.benchmark.conditions.spec import CLEAN, parse_conditions
from codecbench.core.errors import ConfigError, MissingDependencyError
from codecbench.core.small_file import read_toml
from codecbench.core.spec import Spec
from codecbench.core.whole_file import write_whole
from codecbench.metrics.registry import expand_metrics

SUITES = Path(__file__).parent / "suites"
CONDITIONS = (CLEAN,)
"""What a run has when nobody asks for more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """A benchmark to run.

    Attributes:
        codecs: Spec strings.
        data: Dataset spec: a folder, a manifest, or a registered name.
        metrics: Names, groups ("core", "all") or metric specs.
        conditions: Conditions, such as ``noise=babble,snr=15``; ``clean`` is always one of them.
        sample_rate: Rate of evaluation in Hz: the same reference for every codec.
        seed: Seed of whatever is random.
        name: For the title of reports.
        group: Whether codecs come from a ready-made suite, so that one that is not available does
            not make the run incomplete.
    """

    codecs: tuple[str, ...]
    data: str
    metrics: tuple[str, ...] = ("core",)
    conditions: tuple[str, ...] = CONDITIONS
    sample_rate: int = 16000
    seed: int = 0
    name: str = ""
    group: bool = False


def read_suite(path: Path) -> Suite:
    """Read a suite from TOML.

    Args:
        path: The file; its keys are the attributes of `Suite`.

    Raises:
        ConfigError: It cannot be read, has an unknown key or a value of the wrong type.
    """
    return _validate(read_toml(path), str(path))


def find_suite(name: str) -> Suite:
    """Return a suite by its name among ours, or by its path.

    Raises:
        ConfigError: There is none.
    """
    if name.endswith(".toml"):
        return read_suite(Path(name))
    if name not in suite_names():
        known = ", ".join(suite_names())
        msg = f"no suite '{name}'; known: {known}; or give the path of a .toml file"
        raise ConfigError(msg)
    return replace(read_suite(SUITES / f"{name}.toml"), group=True)


def suite_names() -> list[str]:
    """Return the names of the suites that come with codecbench, such as ``paper/esc``."""
    return sorted(
        path.relative_to(SUITES).with_suffix("").as_posix() for path in SUITES.rglob("*.toml")
    )


def with_codecs(suite: Suite, other: Suite) -> Suite:
    """Add the codecs of another suite, such as the calibration ladder.

    A system that both have gets the points of both.

    Args:
        suite: What is asked for.
        other: Whose codecs stand beside it; its data and metrics do not count.

    Raises:
        ConfigError: An unknown codec, option or value.
    """
    specs = [spec for text in suite.codecs for spec in system_specs(text)]
    for added in (spec for text in other.codecs for spec in system_specs(text)):
        place = next((i for i, spec in enumerate(specs) if _is_same_system(spec, added)), None)
        if place is None:
            specs.append(added)
        else:
            specs[place] = join_points(specs[place], added)
    return replace(suite, codecs=tuple(str(spec) for spec in specs))


def _is_same_system(spec: Spec, other: Spec) -> bool:
    # A plug-in that cannot be imported is for the plan to report.
    try:
        return system_name(spec) == system_name(other)
    except MissingDependencyError:
        return False


def write_suite(suite: Suite, path: Path) -> None:
    """Write a suite as TOML; reading it gives an equal suite."""
    table = {key: list(v) if isinstance(v, tuple) else v for key, v in asdict(suite).items()}
    write_whole(path, tomli_w.dumps(table).encode())


def resolve(suite: Suite) -> Suite:
    """Return a suite in canonical form: one entry per system, groups of metrics kept.

    Raises:
        ConfigError: Nothing asked for, something twice, or an unknown name, option or condition.
    """
    if not suite.codecs:
        msg = "no codec asked for; name one with -c, e.g. -c opus:bitrate=6000|12000"
        raise ConfigError(msg)
    systems: list[Spec] = [spec for text in suite.codecs for spec in system_specs(text)]
    seen: set[str] = set()
    for spec in systems:
        if str(spec) in seen:
            msg = f"codec '{spec}' is asked for twice"
            raise ConfigError(msg)
        seen.add(str(spec))
    expand_metrics(suite.metrics)
    conditions = tuple(condition.name for condition in parse_conditions(suite.conditions))
    if not 8000 <= suite.sample_rate <= 48000:
        msg = f"evaluation rate must lie in 8000 … 48000 Hz, found {suite.sample_rate}"
        raise ConfigError(msg)
    codecs = tuple(str(spec) for spec in systems)
    return replace(suite, codecs=codecs, conditions=conditions)


def _validate(table: dict[str, Any], where: str) -> Suite:
    # Any: TOML values, checked here by pydantic and nowhere else.
    from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

    strict = with_config(ConfigDict(extra="forbid"))(Suite)
    try:
        return TypeAdapter(strict).validate_python(table)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        msg = f"{where}: {place}: {first['msg']}"
        raise ConfigError(msg) from error
