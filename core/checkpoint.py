"""The one loader of weights: what it reads is tensors and plain values, never code."""

import json
import pickle
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from codecbench.core.dependency import require
from codecbench.core.errors import ConfigError, MissingWeightsError
from codecbench.core.fingerprint import hash_file
from codecbench.core.small_file import parse_json, read_small_text

if TYPE_CHECKING:
    from torch import Tensor, nn

Tensors: TypeAlias = "Mapping[str, Tensor]"
WRAPPERS = ("model_state_dict", "state_dict")
"""Entries under which training scripts keep the weights beside optimizers and schedulers."""
_PARAMETRIZED = (
    (".parametrizations.weight.original0", ".weight_g"),
    (".parametrizations.weight.original1", ".weight_v"),
)
"""Names of weight norm in torch's present form, and in that of published checkpoints."""
_NAMES_SHOWN = 3
_MOST_HEADER_BYTES = 100_000_000
"""As the library that writes these files allows."""


class CheckpointError(ConfigError):
    """A file that is not a checkpoint, is damaged, contains code, or is another model's."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Checkpoint:
    """What a file of weights holds.

    Attributes:
        path: The file.
        sha256: Hash of the whole file.
        tensors: Weights by dotted name, float32 where they were of floating point.
        config: Configuration stored in the file or as ``config.json`` beside it; may be empty.
    """

    path: Path
    sha256: str
    tensors: Tensors = field(repr=False)
    # Any: the configuration is whatever the authors of the model wrote.
    config: Mapping[str, Any] = field(default_factory=dict, repr=False)


def find_checkpoint(path: str | Path, names: Sequence[str]) -> Path:
    """Return the file of weights that a path means.

    Args:
        path: The file itself, or a folder that holds one of `names`.
        names: File names in the order of preference.

    Raises:
        MissingWeightsError: There is no such file.
    """
    where = Path(path).expanduser()
    if where.is_file():
        return where
    if where.is_dir():
        for name in names:
            if (where / name).is_file():
                return where / name
        msg = f"no weights in the folder '{where}'; it should hold {' or '.join(names)}"
        raise MissingWeightsError(msg)
    msg = f"no checkpoint at '{where}'; give the path of a file or a folder as checkpoint="
    raise MissingWeightsError(msg)


def checkpoint_sha256(path: Path) -> str:
    """Return the sha256 of a file, computed again only when the file has changed."""
    facts = path.stat()
    return _cached_sha256(path.resolve(), facts.st_size, facts.st_mtime_ns)


@lru_cache(maxsize=64)
def _cached_sha256(path: Path, size: int, mtime_ns: int) -> str:
    del size, mtime_ns  # they are part of the key
    return hash_file(path)


def read_checkpoint(
    path: Path, *, unwrap: Sequence[str] = WRAPPERS, only: Sequence[str] = ()
) -> Checkpoint:
    """Read tensors and configuration from a safetensors or PyTorch file.

    Nested dictionaries become dotted names: ``{"encoder": {"conv.weight": …}}`` gives
    ``encoder.conv.weight``. A leading ``module.``, left by data-parallel training, is dropped.

    Args:
        path: The file; ``.safetensors`` is told by its name, all else must be a PyTorch file.
        unwrap: If the file is a dictionary with one of these entries, the weights are below it.
        only: If given, top-level entries that are read; all others (optimizers) are ignored.

    Raises:
        CheckpointError: The file is damaged, holds code, or holds no tensors.
        MissingDependencyError: torch or safetensors is not installed.
    """
    sha256 = checkpoint_sha256(path)
    tensors, config = _read_tensors(path, "cpu", unwrap, only)
    if not tensors:
        wanted = f" under {', '.join(only)}" if only else ""
        msg = f"'{path}' holds no tensors{wanted}; is it a checkpoint?"
        raise CheckpointError(msg)
    _require_finite(path, tensors)
    return Checkpoint(
        path=path, sha256=sha256, tensors=tensors, config=_config_beside(path) or config
    )


def tensor_shapes(path: Path, *, unwrap: Sequence[str] = WRAPPERS) -> Mapping[str, tuple[int, ...]]:
    """Return the names and shapes of a file's tensors without reading their values.

    Args:
        path: As for `read_checkpoint`.
        unwrap: As for `read_checkpoint`.

    Raises:
        CheckpointError: The file is damaged or holds code.
        MissingDependencyError: torch or safetensors is not installed.
    """
    facts = path.stat()
    return _cached_shapes(path.resolve(), facts.st_size, facts.st_mtime_ns, tuple(unwrap))


@lru_cache(maxsize=64)
def _cached_shapes(
    path: Path, size: int, mtime_ns: int, unwrap: tuple[str, ...]
) -> Mapping[str, tuple[int, ...]]:
    del size, mtime_ns  # they are part of the key
    tensors, _ = _read_tensors(path, "meta", unwrap, ())
    return {name: tuple(value.shape) for name, value in tensors.items()}


def stored_config(path: Path) -> Mapping[str, Any]:
    """Return the configuration in the header of a safetensors file, reading nothing else of it.

    Neither torch nor safetensors is needed.

    Args:
        path: The file.

    Raises:
        CheckpointError: It is damaged or no safetensors file.
    """
    try:
        with path.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            if not 2 <= size <= _MOST_HEADER_BYTES:
                msg = f"a header of {size} bytes"
                raise ValueError(msg)
            header = parse_json(file.read(size))
        config = parse_json(header.get("__metadata__", {}).get("config", "{}"))
    except (OSError, ValueError, AttributeError, TypeError) as error:
        msg = f"'{path}' is damaged or no safetensors file: {_one_line(error)}"
        raise CheckpointError(msg) from error
    return config if isinstance(config, Mapping) else {}


def load_tensors(model: "nn.Module", tensors: Tensors, *, what: str) -> None:
    """Load weights into a model whose parameters and buffers they must match exactly.

    Weight norm may be named in torch's present way or as ``weight_g`` and ``weight_v``.

    Args:
        model: Changed in place.
        tensors: Weights by name.
        what: Name of model and file for the message, such as "ESC from 'model.pth'".

    Raises:
        CheckpointError: Names or shapes differ; the message names the first of them.
    """
    own = {plain_name(key): value for key, value in model.state_dict().items()}
    given = {plain_name(key): value for key, value in tensors.items()}
    missing = [key for key in own if key not in given]
    unexpected = [key for key in given if key not in own]
    other = [
        f"{key} {tuple(given[key].shape)} instead of {tuple(own[key].shape)}"
        for key in own
        if key in given and given[key].shape != own[key].shape
    ]
    parts = [
        f"{len(names)} {told} ({', '.join(names[:_NAMES_SHOWN])}"
        f"{', …' if len(names) > _NAMES_SHOWN else ''})"
        for names, told in (
            (missing, "tensors are missing"),
            (unexpected, "are not of this model"),
            (other, "have another shape"),
        )
        if names
    ]
    if parts:
        msg = f"{what}: {'; '.join(parts)}; of {len(own)} tensors wanted"
        raise CheckpointError(msg)
    torch = require("torch")
    with torch.no_grad():
        for key, value in own.items():
            value.copy_(given[key])  # state_dict() gives the model's own storage


def plain_name(key: str) -> str:
    """Return a parameter's name as published checkpoints have it: ``weight_g``, ``weight_v``."""
    for present, published in _PARAMETRIZED:
        if key.endswith(present):
            return key.removesuffix(present) + published
    return key


def save_checkpoint(
    path: Path,
    model: "nn.Module",
    config: Mapping[str, Any],
    *,
    notes: Mapping[str, str] | None = None,
) -> None:
    """Write a model's weights and configuration to one safetensors file, under plain names.

    Args:
        path: Where to; parents are made.
        model: Whose weights.
        config: What the adapter wants to know of the model.
        notes: Further texts for the file's metadata, such as how it was trained.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {plain_name(key): value for key, value in model.state_dict().items()}
    write_safetensors(
        path, tensors, {**(notes or {}), "config": json.dumps(config, sort_keys=True)}
    )


def write_safetensors(path: Path, tensors: Tensors, metadata: Mapping[str, str]) -> None:
    """Write tensors and texts so that equal content gives equal bytes.

    The library writes its metadata in random order; the header is written anew, sorted.

    Args:
        path: The file; its folder exists.
        tensors: By name.
        metadata: Texts by name.
    """
    plain = {key: value.detach().cpu().contiguous() for key, value in tensors.items()}
    written = require("safetensors.torch").save(plain, metadata=dict(metadata))
    body = 8 + int.from_bytes(written[:8], "little")
    header = json.dumps(json.loads(written[8:body]), sort_keys=True, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)  # tensors begin at multiples of eight bytes
    with path.open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        file.write(memoryview(written)[body:])


def _read_tensors(
    path: Path, device: str, unwrap: Sequence[str], only: Sequence[str]
) -> tuple[dict[str, "Tensor"], Mapping[str, Any]]:
    """Return the tensors by dotted names, and the configuration in the file.

    Args:
        path: The file.
        device: "cpu", or "meta" for shapes without values.
        unwrap: See `read_checkpoint`.
        only: See `read_checkpoint`.
    """
    if path.suffix == ".safetensors":
        content, config = _read_safetensors(path)  # maps the file; what is not used is not read
    else:
        content, config = _read_pickle(path, device)
    for name in unwrap:
        if isinstance(content.get(name), Mapping):
            content = content[name]
            break
    if only:
        # In a safetensors file the entry is the first part of a dotted name.
        content = {
            key: value for key, value in content.items() if str(key).partition(".")[0] in only
        }
    tensors = dict(_flatten(content))
    if tensors and all(key.startswith("module.") for key in tensors):
        tensors = {key.removeprefix("module."): value for key, value in tensors.items()}
    return tensors, config


def _read_safetensors(path: Path) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    safetensors = require("safetensors")
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            content = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118  (no dict)
            stored = parse_json((file.metadata() or {}).get("config", "{}"))
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        msg = f"'{path}' is damaged or no safetensors file: {_one_line(error)}"
        raise CheckpointError(msg) from error
    return content, stored if isinstance(stored, Mapping) else {}


def _read_pickle(path: Path, device: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    torch = require("torch")
    with path.open("rb") as file:
        is_zip = file.read(2) == b"PK"
    if is_zip and not zipfile.is_zipfile(path):
        msg = f"'{path}' is cut short: {path.stat().st_size} bytes without the end of a zip archive"
        raise CheckpointError(msg)
    try:
        content = torch.load(path, map_location=device, weights_only=True)
    except pickle.UnpicklingError as error:
        told = _one_line(error)
        if "Unsupported global" in told or "Unsupported class" in told or "REDUCE" in told:
            code = told.partition("GLOBAL ")[2].split(" ")[0] or "code"
            msg = (
                f"'{path}' is refused: it holds code ({code}), which loading would run; ask for "
                "a file of tensors alone (safetensors)"
            )
        else:
            msg = f"'{path}' is no PyTorch checkpoint: {told[:120]}"
        raise CheckpointError(msg) from error
    except Exception as error:
        # A damaged file raises whatever the place of the damage makes torch raise.
        msg = f"'{path}' is damaged or no PyTorch checkpoint: {_one_line(error)[:120]}"
        raise CheckpointError(msg) from error
    if not isinstance(content, Mapping):
        msg = f"'{path}' holds a {type(content).__name__}, not a dictionary of tensors"
        raise CheckpointError(msg)
    stored = content.get("config", content.get("metadata", {}))
    return content, stored if isinstance(stored, Mapping) else {}


def _flatten(content: Mapping[Any, Any], prefix: str = "") -> Iterator[tuple[str, "Tensor"]]:
    torch = require("torch")
    for key, value in content.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{name}.")
        elif isinstance(value, torch.Tensor):
            yield name, value.float() if value.is_floating_point() else value


def _require_finite(path: Path, tensors: Tensors) -> None:
    for name, value in tensors.items():
        if value.is_floating_point() and not bool(value.isfinite().all()):
            msg = f"'{path}': tensor {name} holds values that are not finite"
            raise CheckpointError(msg)


def _config_beside(path: Path) -> Mapping[str, Any]:
    file = path.with_name("config.json")
    if not file.is_file():
        return {}
    try:
        config = parse_json(read_small_text(file))
    except (OSError, ValueError) as error:
        msg = f"'{file}' is no JSON: {_one_line(error)}"
        raise CheckpointError(msg) from error
    if not isinstance(config, Mapping):
        msg = f"'{file}' holds a {type(config).__name__}, not an object"
        raise CheckpointError(msg)
    return config


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
