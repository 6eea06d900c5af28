"""Every cell of a run, small enough for a page, and in files for other programs."""

import base64
import gzip
import io
import json
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from codecbench.benchmark.results import RunResults
from codecbench.core.cell import Status
from codecbench.core.fingerprint import Json
from codecbench.core.inert import for_csv
from codecbench.reports.export import csv_bytes
from codecbench.reports.grid import ABSENT, OK, Grid

if TYPE_CHECKING:
    import pandas as pd

MANTISSA_BITS = 14
"""Kept of a number on a page; the files for download have more digits."""
_KEY = ["codec", "point", "condition", "clip"]


def system_cells(grids: Sequence[Grid], codec: str) -> Json:
    """Return all cells of one system.

    Args:
        grids: All cells of the run.
        codec: Canonical name.

    Returns:
        ``points`` (names) and by condition and metric ``packed`` (point × clip, see `pack`) and
        ``lost`` (status and reason by ``point,clip``).
    """
    found: dict[str, Json] = {}
    points: list[Json] = []
    for grid in grids:
        mine = [index for index, key in enumerate(grid.keys) if key[0] == codec]
        points = [grid.keys[index][1] for index in mine]
        lost: dict[str, Json] = {}
        for place, index in enumerate(mine):
            without = np.flatnonzero((grid.status[index] != OK) & (grid.status[index] != ABSENT))
            for clip, (status, reason) in zip(
                without.tolist(), _in_clip_order(grid, index), strict=True
            ):
                lost[f"{place},{clip}"] = f"{status}: {reason}"
        by_metric = found.setdefault(grid.condition, {})
        assert isinstance(by_metric, dict)
        by_metric[grid.metric.name] = {"packed": pack(grid.values[mine]), "lost": lost}
    return {"points": points, "cells": found}


def pack(values: NDArray[np.float64]) -> str:
    """Pack numbers into a text that a page can read.

    They become float32 with `MANTISSA_BITS` of mantissa, so within 1 / 32,000 of themselves; the
    first bytes of all of them come first, then the second ones and so on, which compress better;
    the whole is deflated and written as base64.

    Args:
        values: Any shape; NaN where there is none.
    """
    spare = np.uint32(1 << (23 - MANTISSA_BITS))
    bits = values.astype("<f4").ravel().view("<u4")
    rounded = (bits + spare // 2) & ~(spare - np.uint32(1))
    planes = rounded.astype("<u4").view(np.uint8).reshape(-1, 4).T
    return base64.b64encode(zlib.compress(planes.tobytes(), 9)).decode()


def _in_clip_order(grid: Grid, index: int) -> list[tuple[str, str]]:
    """Return status and reason of the cells without a value; the frame is in clip order."""
    return list(grid.reasons[index])


def script(call: str, *arguments: Json) -> str:
    """Return a script that hands data to a page, which is how a page reads a file offline.

    The data are strings, numbers and lists; nothing in them can end the script or be code.
    """
    texts = [json_text(value) for value in arguments]
    return f"{call}({','.join(texts)});\n"


def json_text(value: Json) -> str:
    """Write JSON that is inert in HTML and in scripts: ``<``, ``>``, ``&`` are escaped."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def write_downloads(results: RunResults, folder: Path) -> None:
    """Write every cell as compressed CSV: scores side by side, what has none, and signals.

    Numbers have six significant digits. The same results give the same bytes.
    """
    import pandas as pd

    folder.mkdir(parents=True, exist_ok=True)
    frame = results.frame
    ok = frame["status"] == str(Status.OK)
    wide = frame.pivot(index=_KEY, columns="metric", values="value")
    metrics = [facts.name for facts in results.metrics]
    rates = frame.drop_duplicates(subset=_KEY).set_index(_KEY)[["clip_s", "payload_bps"]]
    scores = wide.reindex(index=rates.index, columns=metrics)
    table = pd.concat([rates, scores], axis=1)  # a metric may be called like one of ours
    _write(folder / "scores.csv.gz", _csv(table.reset_index()))
    lost = frame.loc[~ok, [*_KEY, "metric", "status", "reason"]]
    _write(folder / "cells_without_a_value.csv.gz", csv_bytes(lost).decode())
    if len(results.forensics):
        signals = results.forensics.sort_values(_KEY, kind="stable")
        _write(folder / "signals.csv.gz", _csv(signals))


def _csv(table: "pd.DataFrame") -> str:
    inert = table.map(lambda each: for_csv(each) if isinstance(each, str) else each)
    return inert.rename(columns=for_csv).to_csv(index=False, float_format="%.6g")


def _write(path: Path, text: str) -> None:
    buffer = io.BytesIO()
    # No name and no time inside: equal data give equal files.
    with gzip.GzipFile(filename="", fileobj=buffer, mode="wb", mtime=0) as file:
        file.write(text.encode())
    path.write_bytes(buffer.getvalue())
