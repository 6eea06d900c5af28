"""The weights that come with codecbench: trained here on a processor, not the papers' models."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from codecbench.core.checkpoint import stored_config

UNTRAINED = "untrained"
"""What ``checkpoint=`` says to get random weights, from a fixed seed."""
REMARK = "own weights"
"""Stands beside the name of a codec with these weights wherever it is shown."""
_FOLDER = Path(__file__).parent / "weights"


def shipped_weights(codec: str) -> Path | None:
    """Return the file of weights that comes with codecbench for a codec, None if there is none."""
    path = _FOLDER / f"{codec}.safetensors"
    return path if path.is_file() else None


@cache
def shipped_config(codec: str) -> Mapping[str, Any]:
    """Return the configuration of those weights, without reading them; empty if there are none."""
    # Any: the configuration is whatever the adapter wrote.
    path = shipped_weights(codec)
    return stored_config(path) if path is not None else {}
