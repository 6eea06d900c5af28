"""Checks of options before any audio, and the values of a rate option as operating points."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from codecbench.adapters.base import OperatingPoint
from codecbench.core.errors import UnsupportedSettingError
from codecbench.core.spec import Option, format_option

T = TypeVar("T", bound=Option)
Number = int | float


def require_choice(codec: str, option: str, value: T, choices: Iterable[T]) -> T:
    """Return `value` if it is one of `choices`.

    Raises:
        UnsupportedSettingError: It is none of them.
    """
    known = list(choices)
    if isinstance(value, bool) or value not in known:
        listed = ", ".join(format_option(choice) for choice in known)
        raise _refusal(codec, option, f"be one of {listed}", value)
    return value


def require_between(codec: str, option: str, value: Number, low: Number, high: Number) -> Number:
    """Return `value` if it is a number from `low` to `high`, both included.

    Raises:
        UnsupportedSettingError: It is not.
    """
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not low <= value <= high:
        wanted = f"lie in {format_option(low)} … {format_option(high)}"
        raise _refusal(codec, option, wanted, value)
    return value


def require_whole(codec: str, option: str, value: Number, low: int, high: int) -> int:
    """Return `value` if it is a whole number from `low` to `high`, both included.

    Raises:
        UnsupportedSettingError: It is not.
    """
    checked = require_between(codec, option, value, low, high)
    if checked != int(checked):
        raise _refusal(codec, option, "be a whole number", value)
    return int(checked)


def require_flag(codec: str, option: str, value: object) -> bool:
    """Return `value` if it is true or false.

    Raises:
        UnsupportedSettingError: It is neither.
    """
    if not isinstance(value, bool):
        raise _refusal(codec, option, "be true or false", value)
    return value


def rate_points(
    codec: str,
    option: str,
    given: Number | Sequence[Number],
    *,
    check: Callable[[Number], Number],
    nominal_bps: Callable[[Number], float],
) -> tuple[OperatingPoint, ...]:
    """Turn the values of a rate option into operating points in rising order.

    Args:
        codec: Name of the codec, for messages.
        option: Name of the rate option; also the key in `OperatingPoint.settings`.
        given: One value, or several.
        check: Returns a value that the codec can do, and raises otherwise.
        nominal_bps: Rate that a value promises, in bit/s.

    Raises:
        UnsupportedSettingError: No value, the same value twice, or one that `check` refuses.
    """
    several: Sequence[Number] = given if isinstance(given, Sequence) else [given]
    values = [check(value) for value in several]
    if not values:
        msg = f"{codec}: {option} needs at least one value"
        raise UnsupportedSettingError(msg)
    if len(set(values)) != len(values):
        listed = ", ".join(format_option(value) for value in values)
        msg = f"{codec}: {option} holds a value twice: {listed}"
        raise UnsupportedSettingError(msg)
    return tuple(
        OperatingPoint(
            name=format_option(value), nominal_bps=nominal_bps(value), settings={option: value}
        )
        for value in sorted(values)
    )


def point_number(point: OperatingPoint, option: str) -> Number:
    """Return the number that an operating point sets for a rate option.

    Raises:
        UnsupportedSettingError: It sets none.
    """
    value = point.settings.get(option)
    if isinstance(value, bool) or not isinstance(value, int | float):
        msg = f"operating point '{point.name}' sets no number for '{option}'"
        raise UnsupportedSettingError(msg)
    return value


def _refusal(codec: str, option: str, wanted: str, value: object) -> UnsupportedSettingError:
    plain = value is None or isinstance(value, str | int | float)
    found = format_option(value) if plain else repr(value)  # type: ignore[arg-type]  # checked
    return UnsupportedSettingError(f"{codec}: {option} must {wanted}; found {found}")
