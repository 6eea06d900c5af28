"""Kernels are compiled once per installation, by one process, before anybody waits for a score.

The machine code lies where numba keeps it. A marker beside it says for which metrics all of it is
there, so that a later run asks no more than whether a file exists.
"""

import fcntl
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs

from codecbench.benchmark.environment import cpu_name
from codecbench.benchmark.supervisor import SupervisedChild
from codecbench.core.fingerprint import hash_json, package_versions
from codecbench.core.spec import Spec
from codecbench.metrics import registry

_KERNELS = "*_kernels.py"


def cold_metrics(specs: Iterable[str]) -> tuple[str, ...]:
    """Return those of some metrics whose kernels must be compiled first.

    Args:
        specs: Metric specs. Only metrics of ours are looked at.
    """
    folder = _kernel_folder()
    if folder is None:
        # Nothing can be kept, so compiling ahead would be in vain.
        return ()
    names = {spec: Spec.parse(spec).name for spec in specs}
    return tuple(
        spec
        for spec, name in names.items()
        if name in registry.BUILTIN
        and "numba" in registry.METRICS.load(name).modules
        and not _marker(folder, name).exists()
    )


def warm_up(specs: Iterable[str], child: SupervisedChild) -> None:
    """Compile the kernels of metrics, unless another process does so already: then wait for it.

    Args:
        specs: What `cold_metrics` returned.
        child: Where to do it.
    """
    folder = _kernel_folder()
    if folder is None:
        return
    with _locked(folder / "codecbench-warm-up.lock"):
        for spec in specs:
            marker = _marker(folder, Spec.parse(spec).name)
            if marker.exists():
                continue
            # A metric that cannot be scored is for the steps that follow; it stays cold.
            reply = child.call({"op": "warm_up", "metric": spec})
            if reply.value is not None and reply.value["ok"]:
                marker.touch()


def _kernel_folder() -> Path | None:
    """Return a folder that lives as long as numba's files, or None where none can be written."""
    room = Path(str(registry.__file__)).parent
    named = os.environ.get("NUMBA_CACHE_DIR")
    choices = [Path(named)] if named else [room / "__pycache__"]
    choices.append(Path(platformdirs.user_cache_dir("codecbench")))
    for folder in choices:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    return None


def _marker(folder: Path, name: str) -> Path:
    """Return the file that exists once the kernels of a metric are compiled.

    Its name holds what numba's own index does: the time and size of the sources, the compiler,
    the interpreter and the processor.
    """
    room = Path(str(registry.__file__)).parent
    sources = [(path, path.stat()) for path in sorted(room.glob(_KERNELS))]
    made_of = hash_json(
        {
            "sources": [[path.name, stat.st_mtime_ns, stat.st_size] for path, stat in sources],
            "packages": package_versions(["numba", "llvmlite"]),
            "python": sys.version,
            "cpu": cpu_name(),
        }
    )
    return folder / f"codecbench-warm-{name}-{made_of[:12]}"


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
