"""Reading text files that people write: bounded, and with one kind of error each."""

import errno
import json
import tomllib
from pathlib import Path
from typing import Any

from codecbench.core.errors import CodecBenchError, ConfigError

MAX_BYTES = 64 * 2**20
"""Largest file of JSON or TOML that is read: hundreds of times what any of ours has."""


def read_small_bytes(path: Path, *, limit: int = MAX_BYTES) -> bytes:
    """Read a file that is not larger than it can sensibly be; a device is never read to its end.

    Args:
        path: The file.
        limit: In bytes.

    Raises:
        OSError: It cannot be read, or is larger.
    """
    with path.open("rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise OSError(errno.EFBIG, f"larger than {limit} bytes", str(path))
    return data


def read_small_text(path: Path, *, limit: int = MAX_BYTES) -> str:
    """Read a text file in UTF-8 that is not larger than it can sensibly be.

    Raises:
        OSError: It cannot be read, or is larger.
        UnicodeDecodeError: It is no text.
    """
    return read_small_bytes(path, limit=limit).decode("utf-8")


def parse_json(text: str | bytes) -> Any:  # noqa: ANN401  (JSON; the caller takes it apart)
    """Parse JSON.

    Raises:
        ValueError: It is none, or nested so deeply that only an attack is.
    """
    try:
        return json.loads(text)
    except RecursionError as error:
        msg = "nested too deeply"
        raise ValueError(msg) from error


# Any: TOML values, checked by the caller.
def read_toml(path: Path, error: type[CodecBenchError] = ConfigError) -> dict[str, Any]:
    """Read a TOML file.

    Args:
        path: The file.
        error: What is raised; it takes a message.

    Raises:
        CodecBenchError: Of that class: the file cannot be read, or is no TOML.
    """
    try:
        return tomllib.loads(read_small_text(path))
    except (OSError, UnicodeDecodeError) as reason:
        msg = f"{path}: cannot be read ({reason})"
        raise error(msg) from reason
    except (ValueError, RecursionError) as reason:
        # ValueError is also a number with more digits than Python turns into an int.
        msg = f"{path}: not valid TOML: {reason}"
        raise error(msg) from reason
