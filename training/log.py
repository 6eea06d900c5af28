"""The log of a training: one JSON object per line, each with a kind and a step."""

import json
from pathlib import Path
from typing import Any

from codecbench.core.errors import RunError

LOG = "log.jsonl"


def read_log(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a log; a last line that is not whole is left out.

    Args:
        path: The log, or the folder of the training.

    Raises:
        RunError: It cannot be read, or another line is damaged.
    """
    # Any: JSON values.
    file = path / LOG if path.is_dir() else path
    try:
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{file}: cannot be read as the log of a training ({error})"
        raise RunError(msg) from error
    if lines and not lines[-1].endswith("\n"):
        lines.pop()
    try:
        return [dict(json.loads(line)) for line in lines]
    except (ValueError, TypeError) as error:
        msg = f"{file}: is no log of a training ({error})"
        raise RunError(msg) from error
