"""The whole state of a training in one safetensors file: nested, exact, and never code.

Tensors are stored under numbers; how they are nested, and all plain values, stand as JSON in the
metadata.
"""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import torch
from torch import Tensor

from codecbench.core.dependency import require
from codecbench.core.errors import ConfigError

Nested: TypeAlias = Any
"""Mappings, lists, tuples, tensors, text, numbers, truth values and None, one in another."""


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file so that it is there whole or not at all, even if the power fails.

    Args:
        path: The file; its folder exists.
        write: Writes to the path that it is given.
    """
    draft = path.with_name(f".{path.name}.writing")
    try:
        write(draft)
        draft.chmod(0o644)
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def save_state(path: Path, state: Nested) -> None:
    """Write a nested state, whole or not at all."""
    writer = require("safetensors.torch")
    tensors: dict[str, Tensor] = {}
    shape = json.dumps(_take_apart(state, tensors))
    write_whole(path, lambda draft: writer.save_file(tensors, draft, metadata={"state": shape}))


def load_state(path: Path) -> Nested:
    """Read what `save_state` wrote; tensors come on the CPU.

    Raises:
        ConfigError: It is damaged or no such file.
    """
    safetensors = require("safetensors")
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118  (no dict)
            shape = json.loads(file.metadata()["state"])
        return _put_together(shape, tensors)
    except (safetensors.SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        msg = f"'{path}' is damaged or no state of a training: {error}"
        raise ConfigError(msg) from error


def _take_apart(value: Nested, tensors: dict[str, Tensor]) -> Nested:
    if isinstance(value, Tensor):
        name = str(len(tensors))
        # A copy: safetensors refuses tensors that share their memory.
        tensors[name] = value.detach().to("cpu", copy=True).contiguous()
        return {"tensor": name}
    if isinstance(value, Mapping):
        return {"dict": [[key, _take_apart(value[key], tensors)] for key in value]}
    if isinstance(value, list | tuple):
        kind = "list" if isinstance(value, list) else "tuple"
        return {kind: [_take_apart(each, tensors) for each in value]}
    if value is None or isinstance(value, str | int | float):
        return value
    msg = f"a state cannot hold a {type(value).__name__}"
    raise TypeError(msg)


def _put_together(shape: Nested, tensors: Mapping[str, torch.Tensor]) -> Nested:
    if not isinstance(shape, dict):
        return shape
    kind, value = next(iter(shape.items()))
    if kind == "tensor":
        return tensors[value]
    if kind == "dict":
        return {key: _put_together(each, tensors) for key, each in value}
    parts = [_put_together(each, tensors) for each in value]
    return parts if kind == "list" else tuple(parts)
