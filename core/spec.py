"""Spec strings: ``name[@sample_rate][:key=value,…]``, where ``a|b|c`` in a value is a sweep."""

import itertools
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self, TypeAlias

from codecbench.core.errors import ConfigError

Option: TypeAlias = str | int | float | bool | None
"""One value of an option."""

_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HEAD = re.compile(
    r"(?P<name>[^:@=,|\s]*\.py:[A-Za-z_]\w*|[A-Za-z_][\w.-]*)"
    r"(?:@(?P<rate>[0-9]{1,9}))?(?P<rest>:.*)?",
    re.DOTALL,
)
_PLAIN = re.compile(r'[^,|="\s]+(?: [^,|="\s]+)*')
# Forty digits hold any 128-bit seed; ASCII, because \d also means the digits of other scripts.
_INTEGER = re.compile(r"[+-]?(?:0|[1-9]\d{0,39})", re.ASCII)
_FLOAT = re.compile(
    r"[+-]?(?:\d+\.\d*(?:[eE][+-]?\d{1,3})?|\.\d+(?:[eE][+-]?\d{1,3})?|\d+[eE][+-]?\d{1,3})",
    re.ASCII,
)
_HINT = "write name[@rate][:key=value,key=a|b]; quote odd values in JSON style"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """A parsed spec string.

    Attributes:
        name: Registered name, or ``path/file.py:Class``.
        sample_rate: Rate after the ``@``, in Hz, or None.
        options: Values per key in the order written; more than one value is a sweep.
    """

    name: str
    sample_rate: int | None = None
    options: Mapping[str, tuple[Option, ...]] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a spec string.

        Args:
            text: Such as ``opus:mode=cbr,bitrate=6000|12000`` or ``./mine.py:MyCodec:ckpt=a.pt``.

        Raises:
            ConfigError: The text is not of that form, or a key stands twice.
        """
        match = _HEAD.fullmatch(text.strip())
        if match is None and text.strip().endswith(".py"):
            msg = f"'{text}' is a file; name the class in it too, as in {text.strip()}:MyClass"
            raise ConfigError(msg)
        if match is None:
            msg = f"spec '{text}' cannot be read; {_HINT}"
            raise ConfigError(msg)
        rest = match["rest"] or ""
        if rest == ":":
            msg = f"spec '{text}' ends with ':' but no options; {_HINT}"
            raise ConfigError(msg)
        rate = int(match["rate"]) if match["rate"] else None
        if rate == 0:
            msg = f"spec '{text}' has sample rate 0"
            raise ConfigError(msg)
        options = _parse_options(rest[1:], text) if rest else {}
        if "\0" in text or any("\0" in str(value) for found in options.values() for value in found):
            msg = f"spec {text!r} holds a character of code 0, which no name or path can have"
            raise ConfigError(msg)
        return cls(name=match["name"], sample_rate=rate, options=options)

    def expand(self, *, keep: str | None = None) -> list["Spec"]:
        """Return one spec for each combination of swept values, in the order written.

        Args:
            keep: Key whose sweep stays together (the codec's rate option).
        """
        keys = list(self.options)
        choices = [
            [self.options[key]] if key == keep else [(value,) for value in self.options[key]]
            for key in keys
        ]
        return [
            Spec(
                name=self.name,
                sample_rate=self.sample_rate,
                options=dict(zip(keys, combination, strict=True)),
            )
            for combination in itertools.product(*choices)
        ]

    def __str__(self) -> str:
        """Return the spec with sorted keys; parsing it gives an equal spec."""
        rate = f"@{self.sample_rate}" if self.sample_rate is not None else ""
        body = ",".join(
            f"{key}={'|'.join(format_option(value) for value in self.options[key])}"
            for key in sorted(self.options)
        )
        return f"{self.name}{rate}{':' + body if body else ''}"


def _parse_options(text: str, whole: str) -> dict[str, tuple[Option, ...]]:
    options: dict[str, tuple[Option, ...]] = {}
    at = 0
    while True:
        key = _KEY.match(text, at)
        if key is None or text[key.end() : key.end() + 1] != "=":
            msg = f"spec '{whole}': expected key=value at '{text[at:]}'; {_HINT}"
            raise ConfigError(msg)
        if key[0] in options:
            msg = f"spec '{whole}': option '{key[0]}' stands twice; sweep with {key[0]}=a|b"
            raise ConfigError(msg)
        values, at = _parse_values(text, key.end() + 1, whole)
        options[key[0]] = values
        if at == len(text):
            return options
        at += 1


def _parse_values(text: str, at: int, whole: str) -> tuple[tuple[Option, ...], int]:
    values: list[Option] = []
    while True:
        value, at = _parse_value(text, at, whole)
        # Compared as written: 1 and true are equal to Python but not to a codec.
        if format_option(value) in map(format_option, values):
            msg = f"spec '{whole}': value {format_option(value)} stands twice in one sweep"
            raise ConfigError(msg)
        values.append(value)
        if at == len(text) or text[at] == ",":
            return tuple(values), at
        if text[at] != "|":
            msg = f"spec '{whole}': unexpected '{text[at:]}' after a value; {_HINT}"
            raise ConfigError(msg)
        at += 1


def _parse_value(text: str, at: int, whole: str) -> tuple[Option, int]:
    if text[at : at + 1] == '"':
        try:
            value, end = json.JSONDecoder().raw_decode(text, at)
        except json.JSONDecodeError as error:
            msg = f"spec '{whole}': unfinished quote at '{text[at:]}'"
            raise ConfigError(msg) from error
        return str(value), end
    plain = _PLAIN.match(text, at)
    if plain is None:
        msg = f"spec '{whole}': empty value at '{text[at:]}'; {_HINT}"
        raise ConfigError(msg)
    return parse_option(plain[0]), plain.end()


def parse_option(text: str) -> Option:
    """Return the value that unquoted text means: a number, true, false, none, or the text.

    Digits that are not written as numbers are, such as ``007``, are text, and so is a number too
    large for a float.
    """
    words: dict[str, Option] = {"true": True, "false": False, "none": None}
    if text in words:
        return words[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    return text


def format_option(value: Option) -> str:
    """Write a value so that parsing gives it back."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "none"}[value]
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    plain = _PLAIN.fullmatch(value) is not None and parse_option(value) == value
    return value if plain else json.dumps(value)
