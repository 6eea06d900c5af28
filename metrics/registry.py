"""Names of metrics and groups of them. A new metric of ours is one file and one line here."""

from collections.abc import Iterable
from dataclasses import replace

from codecbench.core.construct import resolve_options
from codecbench.core.errors import ConfigError, UnknownNameError
from codecbench.core.registry import Registry, is_file_name
from codecbench.core.spec import Spec
from codecbench.metrics.base import Metric

BUILTIN = {
    "estoi": "codecbench.metrics.stoi:Estoi",
    "f0_rmse_cents": "codecbench.metrics.f0:F0RmseCents",
    "lsd": "codecbench.metrics.lsd:Lsd",
    "mcd": "codecbench.metrics.mcd:Mcd",
    "mcd_harvest": "codecbench.metrics.mcd:McdHarvest",
    "mcd_ref_f0": "codecbench.metrics.mcd:McdRefF0",
    "mcd_versa": "codecbench.metrics.mcd_versa:McdVersa",
    "mel_dac": "codecbench.metrics.mel_distance:MelDac",
    "mel_dac_eval": "codecbench.metrics.mel_distance:MelDacEval",
    "mel_esc": "codecbench.metrics.mel_distance:MelEsc",
    "pesq_nb": "codecbench.metrics.pesq:PesqNarrowband",
    "pesq_wb": "codecbench.metrics.pesq:PesqWideband",
    "si_sdr": "codecbench.metrics.si_sdr:SiSdr",
    "si_sdr_aligned": "codecbench.metrics.si_sdr:SiSdrAligned",
    "stoi": "codecbench.metrics.stoi:Stoi",
    "visqol": "codecbench.metrics.visqol:Visqol",
    "visqol_audio": "codecbench.metrics.visqol:VisqolAudio",
    "visqol_lattice": "codecbench.metrics.visqol:VisqolLattice",
    "vuv_error": "codecbench.metrics.f0:VuvError",
}

WEIGHTED = {"nomad": "codecbench.metrics.nomad:Nomad"}
"""Metrics whose weights a user must fetch; in no group."""

CORE = ("pesq_wb", "stoi", "estoi", "mcd", "visqol", "mel_dac", "si_sdr")
GROUPS = {"core": CORE, "all": tuple(sorted(BUILTIN))}

METRICS: Registry[Metric] = Registry(
    "metric",
    Metric,  # type: ignore[type-abstract]  # abstract on purpose: the base of all entries
    {**BUILTIN, **WEIGHTED},
    "codecbench.metrics",
)


def get_metric(spec: str | Spec) -> Metric:
    """Make a metric from its name, or from a spec string with options.

    Raises:
        UnknownNameError: No such metric or option.
        ConfigError: A spec or value that cannot be right.
    """
    parsed = Spec.parse(spec) if isinstance(spec, str) else spec
    cls = METRICS.load(parsed.name)
    return cls(**resolve_options(cls, parsed))


def expand_metrics(names: str | Iterable[str]) -> list[tuple[str, bool]]:
    """Resolve groups.

    Args:
        names: "core", "all", or metric specs; one string may hold several, separated by spaces or
            by commas between names.

    Returns:
        Canonical specs in the order asked for, each once, and whether it was asked for by name.

    Raises:
        ConfigError: Nothing was asked for.
        UnknownNameError: There is no such metric or group.
    """
    asked = [names] if isinstance(names, str) else list(names)
    found: dict[str, bool] = {}
    for entry in (part for text in asked for part in split_list(text)):
        if entry in GROUPS:
            for name in GROUPS[entry]:
                found.setdefault(name, False)
            continue
        spec = Spec.parse(entry)
        if not is_file_name(spec.name) and spec.name not in METRICS.names():
            raise UnknownNameError("metric", spec.name, [*METRICS.names(), *GROUPS])
        found[str(spec)] = True
    if not found:
        msg = f"no metric asked for; try one of the groups {', '.join(GROUPS)}"
        raise ConfigError(msg)
    return list(found.items())


def split_list(text: str) -> list[str]:
    """Split "a,b:k=v,c" at the commas that separate names, not at those between options."""
    parts: list[str] = []
    for piece in text.replace(" ", ",").split(","):
        if not piece:
            continue
        if parts and "=" in piece and ":" not in piece:
            parts[-1] += f",{piece}"
        else:
            parts.append(piece)
    return parts


def with_nomad_weights(names: str | Iterable[str], weights: str) -> list[str]:
    """Return metrics with NOMAD among them, and with its weights where none were said.

    Args:
        names: As for `expand_metrics`.
        weights: Path of its file.
    """
    asked = [names] if isinstance(names, str) else list(names)
    found: list[str] = []
    named = False
    for part in (part for text in asked for part in split_list(text)):
        spec = Spec.parse(part)
        if spec.name != "nomad":
            found.append(part)
            continue
        named = True
        found.append(str(replace(spec, options={"weights": (weights,), **spec.options})))
    return found if named else [*found, str(Spec(name="nomad", options={"weights": (weights,)}))]
