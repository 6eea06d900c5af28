"""From the options of a spec string to the keyword arguments of a class, checked and complete."""

import inspect
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any

from codecbench.core.errors import ConfigError, UnknownNameError
from codecbench.core.spec import Option, Spec, format_option


def option_defaults(cls: type) -> dict[str, Any]:
    """Return the keyword options of a class with their defaults.

    An option that must be given has ``inspect.Parameter.empty`` for its default.
    """
    # Any: a default can be whatever the class says.
    return {
        name: parameter.default
        for name, parameter in inspect.signature(cls).parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    }


def resolve_options(
    cls: type, spec: Spec, *, sweep: str | None = None
) -> dict[str, Option | tuple[Option, ...]]:
    """Check the options of a spec against a class and fill in the defaults.

    Args:
        cls: Class whose keyword-only arguments are the options.
        spec: Spec with one value per key, except for `sweep`.
        sweep: Key whose values are passed together as a tuple.

    Returns:
        Every option of the class with its value.

    Raises:
        UnknownNameError: A key that the class does not have.
        ConfigError: A value of the wrong type, or a required option that is missing.
    """
    defaults = option_defaults(cls)
    hints = _annotations(cls, spec.name)
    given = _given_options(spec, defaults)
    resolved: dict[str, Option | tuple[Option, ...]] = {}
    for key, default in defaults.items():
        where = f"option '{key}' of '{spec.name}'"
        if key in given:
            hint = hints.get(key)
            if key == sweep:
                element = _element_type(hint)
                resolved[key] = tuple(_coerce(value, element, where) for value in given[key])
            else:
                resolved[key] = _coerce(spec_value(given, key, spec.name), hint, where)
        elif default is inspect.Parameter.empty:
            msg = f"{where} must be given, as in {spec.name}:{key}=…"
            raise ConfigError(msg)
        elif key == sweep and not isinstance(default, tuple | list):
            resolved[key] = (default,)
        else:
            resolved[key] = tuple(default) if isinstance(default, list) else default
    return resolved


def _annotations(cls: type, name: str) -> dict[str, Any]:
    try:
        parameters = inspect.signature(cls, eval_str=True).parameters
    except Exception as error:
        # Annotations are foreign code, which may name what is imported for type checkers only.
        msg = f"the options of '{name}' have annotations that cannot be resolved: {error}"
        raise ConfigError(msg) from error
    return {key: parameter.annotation for key, parameter in parameters.items()}


def _given_options(spec: Spec, known: Mapping[str, object]) -> dict[str, tuple[Option, ...]]:
    given = dict(spec.options)
    if spec.sample_rate is not None:
        if "sample_rate" not in known:
            msg = f"'{spec.name}' has no choice of sample rate; leave out '@{spec.sample_rate}'"
            raise ConfigError(msg)
        given["sample_rate"] = (spec.sample_rate,)
    for key in given:
        if key not in known:
            if not known:
                msg = f"'{spec.name}' takes no options, found '{key}'"
                raise ConfigError(msg)
            raise UnknownNameError(f"option of '{spec.name}'", key, known)
    return given


def spec_value(options: Mapping[str, Sequence[Option]], key: str, name: str) -> Option:
    """Return the only value of a key, or say that it cannot be swept here."""
    values = options[key]
    if len(values) != 1:
        msg = f"option '{key}' of '{name}' takes one value here, found {len(values)}"
        raise ConfigError(msg)
    return values[0]


def _element_type(hint: Any) -> Any:  # noqa: ANN401  (type hints have no common type)
    """Return T of ``Sequence[T]``, ``tuple[T, ...]`` or a union with one of them."""
    for part in _union_parts(hint):
        arguments = typing.get_args(part)
        if arguments and typing.get_origin(part) is not typing.Literal:
            return arguments[0]
    return hint


def _union_parts(hint: Any) -> tuple[Any, ...]:  # noqa: ANN401
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        return tuple(part for arm in typing.get_args(hint) for part in _union_parts(arm))
    return (hint,)


def _coerce(value: Option, hint: Any, where: str) -> Option:  # noqa: ANN401
    parts = _union_parts(hint)
    for part in parts:
        if typing.get_origin(part) is typing.Literal:
            choices = typing.get_args(part)
            for choice in choices:
                if value == choice or (isinstance(choice, str) and format_option(value) == choice):
                    return typing.cast(Option, choice)
            if len(parts) == 1:
                wanted = ", ".join(format_option(choice) for choice in choices)
                msg = f"{where} must be one of {wanted}; found {format_option(value)}"
                raise ConfigError(msg)
    scalars = [part for part in parts if part in (bool, int, float, str, type(None))]
    if not scalars or type(value) in scalars:
        return value
    if float in scalars and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if int in scalars and isinstance(value, float) and value.is_integer():
        return int(value)
    if str in scalars and value is not None:
        return format_option(value)
    names = " or ".join("none" if part is type(None) else part.__name__ for part in scalars)
    msg = f"{where} must be {names}; found {format_option(value)}"
    raise ConfigError(msg)
