"""Which datasets make a pool, under a name: a TOML file among ours, or one of the user's."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from codecbench.core.errors import DatasetError, UnknownNameError
from codecbench.core.small_file import read_toml

MANIFESTS = Path(__file__).parent / "manifests"


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolPart:
    """One dataset of a pool.

    Attributes:
        name: Put before the ids of its clips.
        data: Its spec; ``{root}`` stands for the data root.
    """

    name: str
    data: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolManifest:
    """A pool as its TOML file says it; the keys of the file are these attributes.

    Attributes:
        title: For people.
        parts: The datasets, in the order in which their clips stand.
        note: What somebody needs to know whose parts cannot be read.
        clips: How many clips are taken in all, in even shares; a part that has fewer gives all.
            None takes every clip.
        seed: Of that choice.
        expect: What the pool must hold in the end: ``clips`` is the number of them, any other key
            a tag with the number of clips for each of its values.
    """

    title: str
    parts: tuple[PoolPart, ...]
    note: str = ""
    clips: int | None = None
    seed: int = 0
    expect: dict[str, int | dict[str, int]] = field(default_factory=dict)


def pool_names() -> list[str]:
    """Return the names of the pools that come with codecbench, such as ``paper/esc``."""
    found = MANIFESTS.rglob("*.toml")
    return sorted(path.relative_to(MANIFESTS).with_suffix("").as_posix() for path in found)


def find_pool(name: str) -> PoolManifest:
    """Return a pool by its name among ours, or by the path of a TOML file.

    Raises:
        UnknownNameError: There is no pool of that name.
        DatasetError: The file cannot be read, has an unknown key or a wrong value.
    """
    if name.endswith(".toml"):
        return _read(Path(name).expanduser())
    if name not in pool_names():
        raise UnknownNameError("pool", name, pool_names())
    return _read(MANIFESTS / f"{name}.toml")


def _read(path: Path) -> PoolManifest:
    return _validate(read_toml(path, DatasetError), path)


def _validate(table: dict[str, Any], path: Path) -> PoolManifest:
    # Any: TOML values, checked here by pydantic and nowhere else.
    from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

    strict = with_config(ConfigDict(extra="forbid"))(PoolManifest)
    try:
        pool = TypeAdapter(strict).validate_python(table)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        msg = f"{path}: {place}: {first['msg']}"
        raise DatasetError(msg) from error
    for part in pool.parts:
        if ".py:" in part.data:
            msg = f"{path}: parts: '{part.data}' is code, and a pool lists data; say it with --data"
            raise DatasetError(msg)
    names = [part.name for part in pool.parts]
    if not names or len(set(names)) < len(names):
        msg = f"{path}: parts: a pool has at least one part, and each has a name of its own"
        raise DatasetError(msg)
    return pool
