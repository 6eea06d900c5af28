"""What tells one neural codec from another: its weights, and the code that runs them."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from codecbench.core.checkpoint import checkpoint_sha256
from codecbench.core.fingerprint import hash_bytes


def file_fingerprint(checkpoint: str, names: Sequence[str]) -> str:
    """Return the hash of a file of weights, "absent" if there is none.

    Args:
        checkpoint: The file, or a folder that holds one of `names`.
        names: In order of preference.
    """
    path = Path(checkpoint).expanduser()
    if path.is_dir():
        there = [path / name for name in names if (path / name).is_file()]
        path = there[0] if there else path
    return f"sha256 {checkpoint_sha256(path)}" if path.is_file() else "absent"


@cache
def code_hash() -> str:
    """Hash the source of this package: an edited model is another codec."""
    here = Path(__file__).parent
    return hash_bytes(b"".join(path.read_bytes() for path in sorted(here.rglob("*.py"))))
