"""What stands for the code of a codec in cache keys."""

import inspect
from pathlib import Path

from codecbench.adapters.base import Codec
from codecbench.core.fingerprint import class_source_hash, hash_file, hash_json


def adapter_hash(cls: type) -> str:
    """Return a hash over the code of a codec: its own file, or for ours the whole room.

    Our adapters share helper modules, and which of them one uses is more than anybody should have
    to say; so an edit in the room codes anew what was coded with it.
    """
    if not cls.__module__.startswith("codecbench.adapters."):
        return class_source_hash(cls)
    own = Path(str(inspect.getsourcefile(cls))).parent
    room = Path(str(inspect.getsourcefile(Codec))).parent
    files = sorted({*own.rglob("*.py"), *room.glob("*.py")})
    return hash_json([[path.name, hash_file(path)] for path in files])
