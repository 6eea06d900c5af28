"""Inputs that are nearly right: valid ones with bytes or values changed.

What is random alone is refused by the first line of a reader. These get further.
"""

import copy
import json
import random
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st

ODD_TOKENS = (
    b"", b"\0", b"\xff\xfe", b"\xed\xa0\x80", b"\x1b[2J", b"\r", b"\n\n", b"'", b'"', b"\\", b",",
    b"{", b"}", b"[", b"]", b"=", b":", b"|", b"+", b"@", b"%", b"null", b"true", b"NaN",
    b"Infinity", b"-1", b"0", b"1e999", b"-0.0", b"9" * 30, b"9" * 5000, b"2147483648",
    b"18446744073709551616", b"../../etc/passwd", b"/dev/zero", b"a" * 5000, b"[" * 3000,
    b'{"a":' * 3000, b"\\ud800", "\u202e".encode(), "é".encode(), b".py:X", b"clean", b"$(id)",
)  # fmt: skip
ODD_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, 10**30, -0.0, 1e308, float("inf"),
    float("nan"), "", "\0", "x", "\x1b[2J", "../..", "/etc/passwd", "9" * 400, "\ud800", "nan", [],
    {}, [[]], [None], {"": None}, "clean", "ok", "failed:x",
)  # fmt: skip


def near_bytes(seeds: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """Return one of the seeds with up to four changes of bytes."""
    return _chances().map(lambda chance: change_bytes(chance, chance.choice(seeds)))


def near_tables(seeds: Sequence[Any]) -> st.SearchStrategy[Any]:
    """Return one of the seeds, values as of JSON, with up to three changed, dropped or moved."""
    return _chances().map(lambda chance: change_table(chance, copy.deepcopy(chance.choice(seeds))))


def _chances() -> st.SearchStrategy[random.Random]:
    # One number decides all: drawing each change by itself takes Hypothesis fifty times as long.
    return st.integers(0, 2**64 - 1).map(random.Random)


def change_bytes(chance: random.Random, data: bytes) -> bytes:
    """Change up to four places of some bytes."""
    for _ in range(chance.randint(0, 4)):
        start = chance.randint(0, len(data))
        stop = min(len(data), start + chance.randint(1, 24))
        head, part, tail = data[:start], data[start:stop], data[stop:]
        data = chance.choice(
            [
                head + bytes(byte ^ chance.randint(1, 255) for byte in part[:1]) + part[1:] + tail,
                head,
                head + tail,
                head + part * chance.randint(2, 4) + tail,
                head + chance.randbytes(chance.randint(1, 12)) + part + tail,
                head + chance.choice(ODD_TOKENS) + tail,
                head + chance.choice(ODD_TOKENS) + part + tail,
            ]
        )
    return data


def change_table(chance: random.Random, value: Any) -> Any:
    """Change up to three values of a table."""
    for _ in range(chance.randint(0, 3)):
        places = _places(value)
        if not places or chance.random() < 0.02:
            return chance.choice(ODD_VALUES)
        holder, key = chance.choice(places)
        what = chance.random()
        if what < 0.7:
            holder[key] = copy.deepcopy(chance.choice(ODD_VALUES))
        elif what < 0.8 and isinstance(holder, dict):
            holder[chance.choice(["", "x", "name", "\0"])] = holder[key]
        else:
            del holder[key]
    return value


def _places(value: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    inner = list(value.items()) if isinstance(value, dict) else []
    inner = list(enumerate(value)) if isinstance(value, list) else inner
    for key, each in inner:
        found += [(value, key), *_places(each)]
    return found


def near_json(seeds: Sequence[Any]) -> st.SearchStrategy[bytes]:
    """Return JSON texts that are nearly right, by value or by byte."""
    texts = [json.dumps(seed).encode() for seed in seeds]
    return st.one_of(near_bytes(texts), near_tables(seeds).map(_dump))


def near_toml(seeds: Sequence[Any], dump: Callable[[Any], str]) -> st.SearchStrategy[bytes]:
    """Return TOML texts that are nearly right, by value or by byte."""
    texts = [dump(seed).encode() for seed in seeds]

    def write(table: Any) -> bytes:
        try:
            return dump(table).encode(errors="surrogatepass")
        except (TypeError, ValueError, AttributeError):
            return b"x = 1"

    return st.one_of(near_bytes(texts), near_tables(seeds).map(write))


def _dump(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode(errors="surrogatepass")
