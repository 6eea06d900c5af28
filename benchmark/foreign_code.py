"""Code that a file names: it runs only where the user names it too.

A suite, a run folder, a baseline or a pool is data that travels between people. Specs in it may
name Python files, programs and interpreters, and to use them is to run them. What is typed on the
command line or passed to a function is the user's own word.
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from codecbench.benchmark.suite import Suite
from codecbench.core.errors import ConfigError
from codecbench.core.registry import is_file_name
from codecbench.core.spec import Option, Spec
from codecbench.metrics.registry import split_list

_FILE = re.compile(r"[^:@=,|\s\"]*\.py(?=:[A-Za-z_])")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_RUNS = {"command": ("program", "bin"), "env": ("python",)}
"""Codecs that start what an option names."""
_DEPTH = 8


def foreign_code(text: str) -> tuple[str, ...]:
    """Return what using a spec would run that is no part of codecbench or an installed package.

    Args:
        text: Spec of a codec, metric or dataset, or a condition; specs within specs count too.

    Returns:
        Python files, descriptions and folders of programs, and interpreters, each once, as they
        are written there.
    """
    return tuple(dict.fromkeys(_find(text, _DEPTH)))


def suite_specs(suite: Suite) -> list[str]:
    """Return every text of a suite that may name code."""
    metrics = [part for text in suite.metrics for part in split_list(text)]
    return [*suite.codecs, *metrics, suite.data, *suite.conditions]


def named_code(specs: Iterable[str]) -> set[str]:
    """Return all that specs of the user's own name."""
    return {name for text in specs for name in foreign_code(text)}


def require_named(specs: Iterable[str], named: Collection[str] | None) -> None:
    """Refuse to run what a file names and the user does not.

    Args:
        specs: As a file has them.
        named: What the user has named; None where all is welcome.

    Raises:
        ConfigError: Something is not among it; the message says what would be run.
    """
    if named is None:
        return
    welcome = {_place(name) for name in named}
    for text in specs:
        for name in foreign_code(text):
            if _place(name) not in welcome:
                msg = (
                    f"{name} would be run, which only a file names (in '{text}'); if you trust "
                    f"it: --plugin {name}"
                )
                raise ConfigError(msg)


def _place(name: str) -> str:
    """Return a name by which one file is itself however it is written."""
    path = Path(name).expanduser()
    return str(path.resolve()) if path.exists() else name


def _find(text: str, depth: int) -> Iterator[str]:
    if depth == 0:
        msg = f"'{text[:80]}': specs within specs, too deep"
        raise ConfigError(msg)
    try:
        spec = Spec.parse(text)
    except ConfigError:
        yield from _find_in_pieces(text, depth)
        return
    if is_file_name(spec.name):
        yield spec.name.rpartition(":")[0]
    elif spec.name.endswith(".py"):
        yield spec.name  # as a condition, "a.py:B=1" is the class B of a file
    for key, values in spec.options.items():
        for value in values:
            if key in _RUNS.get(spec.name, ()) and _is_foreign(spec.name, key, value):
                yield str(value)
            elif isinstance(value, str):
                yield from _find(value, depth - 1)


def _find_in_pieces(text: str, depth: int) -> Iterator[str]:
    """Look through what is no spec: a condition, name=value joined by +, or a list of specs."""
    for quoted in _QUOTED.findall(text):
        try:
            inner = str(json.loads(quoted))
        except ValueError:
            continue
        yield from _find(inner, depth - 1)
    for piece in re.split(r"[+|]", text):
        yield from _FILE.findall(piece)
        _, is_condition, value = piece.partition("=")
        if is_condition and value and not value.startswith('"'):
            yield from _find(value, depth - 1)
        elif piece != text:
            yield from _find(piece, depth - 1)


def _is_foreign(codec: str, key: str, value: Option) -> bool:
    """Whether an option names something to start, and not a description of ours."""
    if value is None:
        return False
    ours = codec == "command" and key == "program" and not str(value).endswith(".toml")
    return not ours
