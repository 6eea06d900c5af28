"""Content hashes: what makes two results the same result."""

import hashlib
import inspect
import json
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Json: TypeAlias = "str | int | float | bool | Sequence[Json] | Mapping[str, Json] | None"
"""Whatever JSON can say."""

_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)


def hash_bytes(data: bytes) -> str:
    """Return the sha256 of bytes, 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def hash_file(path: Path) -> str:
    """Return the sha256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_json(value: Json) -> str:
    """Return the sha256 of a JSON value; the order of keys does not matter."""
    return hash_bytes(_CANONICAL.encode(value).encode())


def hash_pcm(samples: NDArray[np.float32], sample_rate: int) -> str:
    """Return the sha256 of a signal: its sample rate and its float32 samples, little-endian.

    Negative zero counts as zero, as it does where signals are compared.
    """
    digest = hashlib.sha256(f"{sample_rate}:".encode())
    positive = np.asarray(samples, dtype="<f4") + np.float32(0.0)
    digest.update(np.ascontiguousarray(positive, dtype="<f4").data)
    return digest.hexdigest()


def package_versions(packages: Sequence[str]) -> dict[str, str]:
    """Return the installed version of each distribution; "absent" where there is none."""
    found: dict[str, str] = {}
    for name in packages:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "absent"
    return found


def class_source_hash(cls: type) -> str:
    """Return the sha256 of the file that defines a class: edited code counts as other code.

    Empty for a class without a file, such as one typed into an interpreter.
    """
    try:
        source = inspect.getsourcefile(cls)
    except (TypeError, OSError):
        return ""
    return hash_file(Path(source)) if source else ""
