"""A run's cells in the formats that other tools load."""

import csv
import io
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from codecbench.benchmark.results import RunResults
from codecbench.core.cell import Status
from codecbench.core.errors import ConfigError
from codecbench.core.fingerprint import Json
from codecbench.core.inert import for_csv
from codecbench.reports.typeset import file_names

if TYPE_CHECKING:
    import pandas as pd

ExportKind: TypeAlias = Literal["csv", "parquet", "jsonl", "versa", "compressai"]
KINDS: tuple[str, ...] = get_args(ExportKind)
_ROWS_AT_ONCE = 50_000
TIME_COLUMNS = ("compute_s",)
"""What differs between two runs that found the same."""


def export_frame(
    results: RunResults, path: Path, *, kind: ExportKind, times: bool = True
) -> list[Path]:
    """Write a run's cells.

    Args:
        results: The run.
        path: A file for csv, parquet and jsonl; a folder for versa (JSON lines per system and
            point) and compressai (a JSON file per system).
        kind: Format. csv and jsonl are equal byte for byte for equal frames; floating-point
            numbers are written in the fewest digits that give them back.
        times: Whether to write how long things took; without, two runs that found the same give
            the same bytes.

    Returns:
        What was written.

    Raises:
        ConfigError: `kind` is unknown.
    """
    if kind not in KINDS:
        msg = f"export kind '{kind}' is not known; use one of {', '.join(KINDS)}"
        raise ConfigError(msg)
    if kind == "versa":
        return _write_files(path, ".jsonl", _versa_files(results))
    if kind == "compressai":
        return _write_files(path, ".json", _compressai_files(results))
    frame = results.frame
    if not times:
        frame = frame.assign(**dict.fromkeys(TIME_COLUMNS, math.nan))
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == "parquet":
        frame.to_parquet(path, index=False)
    else:
        parts = _csv_parts(frame) if kind == "csv" else _jsonl_parts(frame)
        with path.open("wb") as file:
            file.writelines(parts)
    return [path]


def csv_bytes(frame: "pd.DataFrame") -> bytes:
    """Write a frame as CSV: UTF-8, line feeds, shortest exact floats, "" for what is absent.

    Text that a spreadsheet would take for a formula gets an apostrophe, see `for_csv`.
    """
    return b"".join(_csv_parts(frame))


def _csv_parts(frame: "pd.DataFrame") -> Iterator[bytes]:
    """Write a frame as CSV in parts, since the text of a million rows takes a lot of memory."""
    yield _csv_lines([[for_csv(str(name)) for name in frame.columns]])
    for start in range(0, len(frame), _ROWS_AT_ONCE):
        part = frame.iloc[start : start + _ROWS_AT_ONCE]
        yield _csv_lines(zip(*(_csv_texts(part[name]) for name in part.columns), strict=True))


def _csv_lines(rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _csv_texts(column: "pd.Series") -> list[str]:
    import pandas as pd

    if column.dtype.kind == "f":
        return ["" if value != value else repr(value) for value in column.astype(float).tolist()]
    if isinstance(column.dtype, pd.StringDtype):
        # The same few names stand in most rows.
        places, names = pd.factorize(column)
        texts = [for_csv(str(name)) for name in names]
        return [texts[place] if place >= 0 else "" for place in places.tolist()]
    return [_csv_text(value) for value in _plain(column)]


def jsonl_bytes(frame: "pd.DataFrame") -> bytes:
    """Write a frame as one JSON object per line; null for what is absent."""
    return b"".join(_jsonl_parts(frame))


def _jsonl_parts(frame: "pd.DataFrame") -> Iterator[bytes]:
    names = [str(name) for name in frame.columns]
    for start in range(0, len(frame), _ROWS_AT_ONCE):
        part = frame.iloc[start : start + _ROWS_AT_ONCE]
        lines = (
            json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False, allow_nan=False)
            for row in zip(*(_plain(part[name]) for name in part.columns), strict=True)
        )
        yield "".join(f"{line}\n" for line in lines).encode()


def _plain(column: "pd.Series") -> list[str | float | int | bool | None]:
    """Return a column's values as Python's own; None for NaN and for what is absent."""
    values = column.astype(object).where(column.notna(), None).tolist()
    if column.dtype.kind == "f":
        return [None if value is None else float(value) for value in values]
    return [value.item() if hasattr(value, "item") else value for value in values]


def _csv_text(value: object) -> str:
    if value is None:
        return ""
    return repr(value) if isinstance(value, float) else for_csv(str(value))


def _write_files(folder: Path, suffix: str, files: Iterator[tuple[str, bytes]]) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    contents = dict(files)
    paths = [folder / f"{name}{suffix}" for name in file_names(list(contents))]
    for path, data in zip(paths, contents.values(), strict=True):
        path.write_bytes(data)
    return paths


def _versa_files(results: RunResults) -> Iterator[tuple[str, bytes]]:
    """Make one file per system and point: what versa-score writes, and what it has no words for.

    A line is ``{"key": clip, metric: value, …}``. That format knows no failures, so a cell without
    a value is absent and named under ``codecbench_status``.
    """
    labels = {system.codec: system.label for system in results.systems}
    several = results.frame["condition"].nunique() > 1
    key = ["codec", "point", "condition"]
    for (codec, point, condition), part in results.frame.groupby(key, sort=False):
        rows: dict[str, dict[str, Json]] = {}
        lost: dict[str, dict[str, Json]] = {}
        cells = zip(
            part["clip"], part["metric"], part["value"], part["status"], part["reason"], strict=True
        )
        for clip, metric, value, status, reason in cells:
            row = rows.setdefault(str(clip), {"key": str(clip)})
            if status == str(Status.OK):
                row[str(metric)] = float(value)
            else:
                lost.setdefault(str(clip), {})[str(metric)] = f"{status}:{reason}"
        lines = []
        for clip, row in rows.items():
            extra: dict[str, Json] = {"codecbench_status": lost[clip]} if clip in lost else {}
            lines.append(json.dumps(row | extra, ensure_ascii=False, allow_nan=False))
        name = " ".join([labels[str(codec)], str(point), *([str(condition)] * several)])
        yield name, "".join(f"{line}\n" for line in lines).encode()


def _compressai_files(results: RunResults) -> Iterator[tuple[str, bytes]]:
    """Make one file per system, as compressai.utils.plot loads them: lists over the points."""
    from codecbench.reports.summary import summarize_rows

    rows = summarize_rows(results)
    conditions = list(dict.fromkeys(row.condition for row in rows))
    for system in results.systems:
        for condition in conditions:
            mine = [row for row in rows if (row.codec, row.condition) == (system.codec, condition)]
            points = list(dict.fromkeys(row.point for row in mine))
            rates = {row.point: row.payload_bps for row in mine}
            values: dict[str, list[Json]] = {"bitrate_bps": [rates[point] for point in points]}
            for row in mine:
                values.setdefault(row.metric, []).append(row.common.mean)
            suffix = f" ({condition})" if len(conditions) > 1 else ""
            document: Json = {
                "name": f"{system.label}{suffix}",
                "description": f"{system.codec}. Version {system.version or 'unknown'}. "
                "Means on the clips that all systems have; null: no value.",
                "results": values,
            }
            text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
            yield system.label + suffix, f"{text}\n".encode()
