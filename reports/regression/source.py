"""What a user may name as a side: a run folder, a checkpoint, or a codec spec."""

from dataclasses import dataclass, replace
from pathlib import Path

from codecbench.benchmark.store import FILE
from codecbench.core.errors import ConfigError
from codecbench.core.spec import Spec, format_option

CHECKPOINT_SUFFIXES = (".ckpt", ".pt", ".pth", ".safetensors", ".th", ".bin")
"""Files that are taken for weights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One side before it is read or run.

    Attributes:
        name: As the user wrote it.
        folder: A run folder; None where something must be run.
        spec: Codec spec to run; "" for a run folder.
        is_checkpoint: Whether the spec lacks its codec still; see `with_checkpoint`.
    """

    name: str
    folder: Path | None = None
    spec: str = ""
    is_checkpoint: bool = False


def find_source(text: str) -> Source:
    """Say what a name stands for.

    Args:
        text: A folder with a run, a file or folder of weights, or a spec string.

    Raises:
        ConfigError: It is none of them.
    """
    path = Path(text).expanduser()
    if (path / FILE).is_file():
        return Source(name=text, folder=path)
    if is_checkpoint(path):
        return Source(name=text, is_checkpoint=True)
    if path.suffix in CHECKPOINT_SUFFIXES and "=" not in text:
        msg = f"{text}: no such checkpoint"
        raise ConfigError(msg)
    if "/" in text and ":" not in text:
        msg = f"{text}: no run, no checkpoint and no codec spec; name a folder that 'run' wrote"
        raise ConfigError(msg)
    return Source(name=text, spec=str(Spec.parse(text)))


def is_checkpoint(path: Path) -> bool:
    """Whether a path is a file of weights, or a folder with one."""
    if path.is_dir():
        return any(each.suffix in CHECKPOINT_SUFFIXES for each in path.iterdir())
    return path.is_file() and path.suffix in CHECKPOINT_SUFFIXES


def with_checkpoint(codec: str, checkpoint: str | Path) -> str:
    """Return the spec of a codec with other weights.

    Args:
        codec: Spec of the codec; ``{}`` in it stands for the checkpoint, and without one its
            option ``checkpoint`` is set.
        checkpoint: File or folder.

    Raises:
        ConfigError: The spec cannot be read.
    """
    path = str(checkpoint)
    if "{}" in codec:
        return str(Spec.parse(codec.replace("{}", format_option(path))))
    parsed = Spec.parse(codec)
    return str(replace(parsed, options={**parsed.options, "checkpoint": (path,)}))
