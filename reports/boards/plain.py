"""Texts and numbers from strangers: what may stand in a bundle, and how it is shown."""

import json
import math
import re
import unicodedata

from codecbench.adapters.neural.shipped import UNTRAINED
from codecbench.adapters.registry import BUILTIN as CODECS
from codecbench.benchmark.conditions.noise import KINDS
from codecbench.benchmark.conditions.registry import BUILTIN as CONDITIONS
from codecbench.benchmark.conditions.spec import CLEAN, condition_parts
from codecbench.core.errors import ConfigError
from codecbench.core.spec import Spec
from codecbench.metrics.registry import BUILTIN as METRICS

MOST_CHARACTERS = 200_000
"""Room for how often each entry of a large codebook was used, which is the longest text."""
_MOST_DEPTH = 12
_LARGEST = 2**62
_SHOWN = 160
_WORD = re.compile(r"[A-Za-z0-9_.+-]{1,40}")
_STARTERS = frozenset({"command", "env"})
"""Codecs of ours that start programs which their options name."""


def check_plain(value: object, depth: int = 0) -> None:
    """Refuse what no honest bundle holds.

    Args:
        value: JSON, as Python reads it.
        depth: How deep it lies.

    Raises:
        ValueError: A number that is not finite or far too large, a text with control characters or
            marks that turn the direction of writing, too long a text, too deep a nesting.
    """
    if depth > _MOST_DEPTH:
        msg = "nested too deeply"
        raise ValueError(msg)
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, float) and not math.isfinite(value):
        msg = "a number that is not finite"
        raise ValueError(msg)
    elif isinstance(value, int) and abs(value) >= _LARGEST:
        msg = "an absurdly large number"
        raise ValueError(msg)
    elif isinstance(value, list | dict):
        for entry in value:
            check_plain(entry, depth + 1)
        for entry in value.values() if isinstance(value, dict) else ():
            check_plain(entry, depth + 1)


def _check_text(text: str) -> None:
    if len(text) > MOST_CHARACTERS:
        msg = f"a text of {len(text)} characters"
        raise ValueError(msg)
    if not is_plain(text):
        msg = f"a text with control characters: {text[:40]!a}"
        raise ValueError(msg)


def is_plain(text: str) -> bool:
    """Return whether a text can be shown in a terminal and on a page as it is."""
    return not any(
        # Cc: control characters; Cs: halves of surrogates; Cf has the marks of direction.
        unicodedata.category(character) in ("Cc", "Cs", "Cf")
        for character in text
        if character not in "\n\t"
    )


def shown(text: str) -> str:
    """Return a stranger's text for a message: short, on one line, without control characters."""
    flat = " ".join(text.split())
    cut = flat if len(flat) <= _SHOWN else f"{flat[:_SHOWN]}…"
    return cut if is_plain(cut) else ascii(cut)[1:-1]


def codec_objection(text: str) -> str:
    """Say why a codec that a stranger names is not made here; "" where it can do no harm.

    Only codecs of ours are made, and only with options that name no file, no program and no
    download.
    """
    try:
        spec = Spec.parse(text)
    except ConfigError as error:
        return str(error)
    if spec.name not in CODECS or spec.name in _STARTERS:
        return f"'{shown(spec.name)}' is no codec that is made on a stranger's word"
    for key, values in spec.options.items():
        for value in values:
            if key == "allow_download" and value is not False:
                return "it would download"
            if isinstance(value, str) and not _WORD.fullmatch(value):
                return f"its option '{shown(key)}' may name a file"
            if key == "checkpoint" and value not in (UNTRAINED, None):
                return f"its option '{shown(key)}' names a file"
    return ""


def metric_objection(text: str) -> str:
    """Say why a metric that a stranger names is not made here; "" where it can do no harm."""
    try:
        spec = Spec.parse(text)
    except ConfigError as error:
        return str(error)
    return "" if spec.name in METRICS else "it is none of ours that needs nothing but packages"


def condition_objection(text: str) -> str:
    """Say why a condition that a stranger names is not made here; "" where it can do no harm."""
    if text == CLEAN:
        return ""
    try:
        parts = condition_parts(text)
    except ConfigError as error:
        return str(error)
    for name, value in parts:
        if name not in CONDITIONS:
            return f"'{shown(name)}' is no condition of ours"
        if name == "noise" and value.partition(",")[0] not in KINDS:
            return "its noise is a file, which is not here"
        if name == "tandem":
            objection = codec_objection(_unquoted(value))
            if objection:
                return f"its codec: {objection}"
    return ""


def _unquoted(value: str) -> str:
    """Return what stands in the quotes at the front, as in every canonical name."""
    try:
        return str(json.JSONDecoder().raw_decode(value)[0])
    except ValueError:
        return value
