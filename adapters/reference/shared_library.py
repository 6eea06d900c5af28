"""Shared libraries for ctypes: those that lie inside a wheel, and those of the system.

A library inside a wheel gives every user of that wheel the same bytes; one of the system gives
what the distribution ships. Either way its content hash is part of a codec's fingerprint.
"""

import ctypes
import functools
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from codecbench.core.dependency import FIXES
from codecbench.core.errors import MissingDependencyError
from codecbench.core.fingerprint import hash_file


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryFile:
    """A shared library on disk.

    Attributes:
        name: Short name, such as "libopus".
        path: The file.
    """

    name: str
    path: Path

    @property
    def sha256(self) -> str:
        """Content hash of the file, 64 hexadecimal digits."""
        status = self.path.stat()
        return _hash_unchanged(self.path, status.st_mtime_ns, status.st_size)

    def open(self) -> ctypes.CDLL:
        """Load the library into this process.

        Raises:
            MissingDependencyError: The file is there but cannot be loaded.
        """
        try:
            return ctypes.CDLL(str(self.path))
        except OSError as error:
            fix = "reinstall the package that brings it"
            raise MissingDependencyError(self.name, fix, detail=str(error)) from error


def find_in_wheel(package: str, name: str) -> LibraryFile | None:
    """Return a library that a wheel carries, without importing the package.

    Args:
        package: Import name of the wheel's package or module, such as "av".
        name: Name of the library without version and suffix, such as "libopus".
    """
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return None
    inside = Path(spec.origin).parent
    site = inside.parent if spec.submodule_search_locations else inside
    # Where auditwheel (Linux), delocate (macOS) and meson-python put the libraries of a wheel.
    folders = [
        site / f"{package}.libs",
        inside / ".dylibs",
        *site.glob(f".{package}*.mesonpy.libs"),
    ]
    patterns = (f"{name}-*.so*", f"{name}.so*", f"{name}.*dylib")
    for folder in folders:
        for pattern in patterns:
            for path in sorted(folder.glob(pattern)):
                return LibraryFile(name=name, path=path)
    return None


def require_in_wheel(package: str, name: str) -> LibraryFile:
    """Return a library that a wheel carries.

    Raises:
        MissingDependencyError: The package is not installed, or was built without the library.
    """
    found = find_in_wheel(package, name)
    if found is None:
        fix = FIXES.get(package, f"pip install {package}")
        if importlib.util.find_spec(package) is None:
            raise MissingDependencyError(package, fix)
        detail = f"this build of it carries no {name}"
        raise MissingDependencyError(
            package, f"pip install --force-reinstall --only-binary :all: {package}", detail=detail
        )
    return found


def find_in_system(sonames: Sequence[str]) -> LibraryFile | None:
    """Return the first of some libraries that the dynamic linker finds.

    Args:
        sonames: Names with their version, such as "libspeex.so.1"; another version has another
            interface.
    """
    for soname in sonames:
        try:
            ctypes.CDLL(soname)
        except OSError:
            continue
        path = _mapped_file(soname)
        if path is not None:
            return LibraryFile(name=soname.partition(".")[0], path=path)
    return None


def require_in_system(sonames: Sequence[str], *, debian_package: str) -> LibraryFile:
    """Return a library of the system.

    Args:
        sonames: As for `find_in_system`.
        debian_package: Package of Debian and Ubuntu that brings it.

    Raises:
        MissingDependencyError: The dynamic linker does not find it.
    """
    found = find_in_system(sonames)
    if found is None:
        raise MissingDependencyError(sonames[0], f"apt-get install {debian_package}")
    return found


def describe(*files: LibraryFile | None, prefix: str = "") -> tuple[str, str]:
    """Return version and fingerprint of a codec that these libraries make up.

    Args:
        files: All libraries that determine its bytes and samples.
        prefix: Version of the package that carries them.

    Returns:
        File names, which end in the version of each library, and the same with content hashes;
        "absent" twice where one of them is.
    """
    if not files or any(file is None for file in files):
        return "absent", "absent"
    present = [file for file in files if file is not None]
    start = f"{prefix} " if prefix else ""
    names = " ".join(file.path.name for file in present)
    hashes = " ".join(f"{file.path.name} sha256:{file.sha256}" for file in present)
    return start + names, start + hashes


def _mapped_file(soname: str) -> Path | None:
    """Return the file that a loaded library came from, as the kernel tells it."""
    maps = Path("/proc/self/maps")
    if not maps.is_file():
        return None
    for line in maps.read_text().splitlines():
        _, slash, rest = line.partition("/")
        path = Path(slash + rest)
        # The soname libx.so.1 is usually a link to libx.so.1.2.3, and the kernel names the latter.
        if slash and path.name.startswith(soname):
            return path
    return None


@functools.lru_cache(maxsize=64)
def _hash_unchanged(path: Path, mtime_ns: int, size: int) -> str:
    return hash_file(path)
