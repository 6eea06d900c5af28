"""What is accepted and at which error rate: a TOML file, flags, and defaults."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from codecbench.core.errors import ConfigError, UnknownNameError
from codecbench.core.fingerprint import Json
from codecbench.core.small_file import read_toml
from codecbench.reports.regression.fail_if import FailIf, parse_all

ERROR_RATE = 0.05
"""Chance of any false alarm in one comparison."""

TOLERANCES = {
    "pesq_wb": 0.05,
    "pesq_nb": 0.05,
    "stoi": 0.005,
    "estoi": 0.01,
    "mcd": 0.1,
    "visqol": 0.05,
    "mel_dac": 0.02,
    "si_sdr": 0.2,
}
"""Changes too small to matter, in each metric's unit. Conventions of ours; a policy overrides."""

OTHER_PERCENT = 1.0
"""Tolerance of all other metrics, in per cent of the base's mean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How two runs are compared.

    Attributes:
        fail_if: What counts as a regression. None: any metric that is worse, and any new failure.
        tolerance: By metric, the change that does not matter; a text ending in % is relative.
        error_rate: Chance of any false alarm over everything that is judged.
        worst_clips: How many clips are shown to listen to, per codec point and metric.
        complete: Whether everything that the base has must have been measured again.
    """

    fail_if: tuple[FailIf, ...] = ()
    tolerance: Mapping[str, FailIf] = field(default_factory=dict)
    error_rate: float = ERROR_RATE
    worst_clips: int = 5
    complete: bool = False

    @property
    def level(self) -> float:
        """1 − error rate."""
        return 1.0 - self.error_rate

    def about(self, subject: str) -> FailIf | None:
        """Return the condition on a subject; None where there is none."""
        return next((each for each in self.fail_if if each.subject == subject), None)

    def accepted(self, metric: str, base_mean: float) -> float:
        """Return the loss of a metric that is accepted, in its unit.

        Args:
            metric: Its name.
            base_mean: Mean of the base, of which percentages are taken.
        """
        said = self.about(metric) or self.tolerance.get(metric)
        if said is not None:
            share = said.tolerance / 100.0 * abs(base_mean)
            return share if said.percent else said.tolerance
        return TOLERANCES.get(metric, OTHER_PERCENT / 100.0 * abs(base_mean))

    def to_json(self) -> dict[str, Json]:
        """Return the policy as `policy_from_table` reads it."""
        return {
            "fail_if": [str(each) for each in self.fail_if],
            "tolerance": {
                name: f"{each.limit:g}%" if each.percent else each.limit
                for name, each in self.tolerance.items()
            },
            "error_rate": self.error_rate,
            "worst_clips": self.worst_clips,
        }


def read_policy(path: Path) -> Policy:
    """Read a policy from TOML; its keys are those of `Policy`, without ``complete``.

    Raises:
        ConfigError: It cannot be read or says what it may not.
    """
    return policy_from_table(read_toml(path), str(path))


def policy_from_table(table: Mapping[str, Any], where: str) -> Policy:
    """Check a policy that came from a file.

    Args:
        table: Any: what TOML or JSON says, checked here.
        where: Names the file in messages.

    Raises:
        ConfigError: It says what it may not.
    """
    if not isinstance(table, Mapping):
        msg = f"{where}: a policy must be a table, found {type(table).__name__}"
        raise ConfigError(msg)
    known = [each.name for each in fields(Policy) if each.name != "complete"]
    for key in table:
        if key not in known:
            raise UnknownNameError(f"key in {where}:", key, known)
    conditions = table.get("fail_if", [])
    if not isinstance(conditions, list) or not all(isinstance(each, str) for each in conditions):
        msg = f'{where}: fail_if must be a list of texts, such as ["pesq_wb < -0.05"]'
        raise ConfigError(msg)
    tolerances = table.get("tolerance", {})
    if not isinstance(tolerances, Mapping):
        msg = f"{where}: tolerance must be a table, such as pesq_wb = 0.05"
        raise ConfigError(msg)
    clips = table.get("worst_clips", Policy().worst_clips)
    if not isinstance(clips, int) or isinstance(clips, bool) or not 0 <= clips <= 1000:
        msg = f"{where}: worst_clips must be a whole number from 0 to 1000, found {clips}"
        raise ConfigError(msg)
    return Policy(
        fail_if=parse_all(conditions),
        tolerance={name: _tolerance(name, value, where) for name, value in tolerances.items()},
        error_rate=checked_rate(table.get("error_rate", ERROR_RATE), where),
        worst_clips=clips,
    )


def with_flags(
    policy: Policy, *, fail_if: Sequence[str] = (), error_rate: float | None = None
) -> Policy:
    """Override a policy by what the command line says.

    Args:
        policy: From a file, or the defaults.
        fail_if: Conditions; those of the policy on the same subjects give way.
        error_rate: Chance of any false alarm.

    Raises:
        ConfigError: A condition or rate that cannot be.
    """
    said = parse_all(fail_if)
    subjects = {each.subject for each in said}
    kept = tuple(each for each in policy.fail_if if each.subject not in subjects)
    rate = policy.error_rate if error_rate is None else checked_rate(error_rate, "error rate")
    return replace(policy, fail_if=(*kept, *said), error_rate=rate)


def checked_rate(value: object, where: str) -> float:
    """Return an error rate.

    Raises:
        ConfigError: It is none.
    """
    if not isinstance(value, int | float) or isinstance(value, bool) or not 1e-6 <= value <= 0.5:
        msg = f"{where}: the error rate must lie in 0.000001 … 0.5, found {value}"
        raise ConfigError(msg)
    return float(value)


def _tolerance(name: str, value: object, where: str) -> FailIf:
    text = str(value)
    number = text.removesuffix("%")
    try:
        size = float(number)
    except ValueError:
        size = -1.0
    if isinstance(value, bool) or not 0.0 <= size < float("inf"):
        msg = f"{where}: tolerance of {name} must be a number or a text such as '2%', found {value}"
        raise ConfigError(msg)
    return FailIf(subject=name, sign=">", limit=size, percent=text != number)
