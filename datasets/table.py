"""Small tables that people write: CSV with a header, or JSON lines; both become rows of text."""

import csv
import io
import json
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from codecbench.core.errors import DatasetError
from codecbench.core.small_file import read_small_bytes

TABLE_SUFFIXES = (".csv", ".jsonl")
MAX_BYTES = 256 * 2**20
"""Largest table that is read: a million clips with long paths and many tags."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a table.

    Attributes:
        where: File and line, for messages.
        fields: Column to value, both without surrounding blanks; empty values are left out.
    """

    where: str
    fields: Mapping[str, str]


def read_table(path: Path) -> list[Row]:
    """Read a table.

    Args:
        path: A ``.csv`` file with a header line, or a ``.jsonl`` file with one object per line;
            UTF-8, with or without a byte-order mark. Blank lines do not count.

    Raises:
        DatasetError: The file cannot be read, is of neither kind, or a line is malformed.
    """
    try:
        text = read_small_bytes(path, limit=MAX_BYTES).decode("utf-8-sig")
    except (OSError, ValueError) as error:
        why = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
        msg = f"{path}: cannot be read: {why}"
        raise DatasetError(msg) from error
    suffix = path.suffix.lower()
    if suffix == ".csv":
        rows = list(_csv_rows(path, text))
    elif suffix == ".jsonl":
        rows = list(_json_rows(path, text))
    else:
        msg = f"{path}: a table ends in {' or '.join(TABLE_SUFFIXES)}, not '{path.suffix}'"
        raise DatasetError(msg)
    if not rows:
        msg = f"{path}: holds no rows"
        raise DatasetError(msg)
    return rows


def _csv_rows(path: Path, text: str) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] | None = None
    try:
        for values in reader:
            if not any(value.strip() for value in values):
                continue
            where = f"{path}, line {reader.line_num}"
            if header is None:
                header = _header(where, values)
                continue
            if len(values) != len(header):
                msg = f"{where}: {len(values)} values for {len(header)} columns"
                raise DatasetError(msg)
            yield _row(where, dict(zip(header, values, strict=True)))
    except csv.Error as error:
        msg = f"{path}, line {reader.line_num}: not valid CSV: {error}"
        raise DatasetError(msg) from error


def _header(where: str, values: list[str]) -> list[str]:
    names = [value.strip() for value in values]
    for position, name in enumerate(names, start=1):
        if not name:
            msg = f"{where}: column {position} has no name"
            raise DatasetError(msg)
        if names.index(name) != position - 1:
            msg = f"{where}: column '{name}' stands twice"
            raise DatasetError(msg)
    return names


def _json_rows(path: Path, text: str) -> Iterator[Row]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        try:
            value = json.loads(line, object_pairs_hook=_unique_keys)
        except (ValueError, RecursionError) as error:
            # ValueError is also a number with more digits than Python turns into an int.
            msg = f"{where}: not valid JSON: {str(error).splitlines()[0]}"
            raise DatasetError(msg) from error
        if not isinstance(value, dict):
            msg = f'{where}: expected an object such as {{"file": "a.wav"}}'
            raise DatasetError(msg)
        yield _row(where, {name: _json_text(where, name, item) for name, item in value.items()})


def _unique_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    unique = dict(pairs)
    if len(unique) < len(pairs):
        msg = "a key stands twice"
        raise ValueError(msg)
    return unique


def _json_text(where: str, name: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    msg = f"{where}: '{name}' must be one value, found a {type(value).__name__}"
    raise DatasetError(msg)


def _row(where: str, fields: Mapping[str, str]) -> Row:
    """Strip a row and refuse characters that no file name, store or one-line message can hold."""
    clean: dict[str, str] = {}
    for name, value in fields.items():
        key, text = name.strip(), " ".join(value.splitlines()).strip()
        # Cc are control characters, Cs halves of surrogate pairs, which UTF-8 cannot encode.
        if any(unicodedata.category(character) in {"Cc", "Cs"} for character in key + text):
            msg = f"{where}: a control character in column {name!a}"
            raise DatasetError(msg)
        if not key:
            msg = f"{where}: a value without a column name"
            raise DatasetError(msg)
        if text:
            clean[key] = text
    return Row(where=where, fields=clean)
