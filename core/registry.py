"""Names to classes, without importing what nobody asked for.

Ours are listed as ``"module:Class"`` strings; other people's come from entry points of installed
packages, or from a file named on the command line as ``./file.py:Class``.
"""

import hashlib
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Generic, TypeVar

from codecbench.core.errors import (
    CodecBenchError,
    ConfigError,
    MissingDependencyError,
    UnknownNameError,
)

T = TypeVar("T")


class Registry(Generic[T]):
    """All classes of one kind that can be had by name."""

    def __init__(self, kind: str, base: type[T], builtin: Mapping[str, str], group: str) -> None:
        """Set up the registry; nothing is imported.

        Args:
            kind: What the entries are, for messages: "codec".
            base: Class that every entry derives from.
            builtin: Our own entries, name to ``"module:Class"``.
            group: Entry-point group in which other packages register theirs.
        """
        self.kind = kind
        self.base = base
        self.builtin = dict(builtin)
        self.group = group

    def names(self) -> list[str]:
        """Return all registered names, ours first, each kind sorted."""
        return [*sorted(self.builtin), *sorted(set(self._plugins()) - set(self.builtin))]

    def load(self, name: str) -> type[T]:
        """Import and return a class.

        Args:
            name: A registered name, or ``./file.py:Class``.

        Raises:
            UnknownNameError: Nothing is registered under the name.
            ConfigError: What is registered cannot be imported or is no such class, or two
                packages claim the same name.
            MissingDependencyError: The plug-in needs a package that is not installed.
        """
        if is_file_name(name):
            return self._load_file(name)
        if name in self.builtin:
            return self._import(name, self.builtin[name])
        plugins = self._plugins()
        if name not in plugins:
            raise UnknownNameError(self.kind, name, self.names())
        claims = plugins[name]
        if len(claims) > 1:
            owners = " and ".join(sorted(point.dist.name for point in claims if point.dist))
            msg = f"{self.kind} '{name}' is registered by {owners}; uninstall one of them"
            raise ConfigError(msg)
        return self._import(name, f"{claims[0].module}:{claims[0].attr}")

    def _plugins(self) -> dict[str, list[EntryPoint]]:
        found: dict[str, list[EntryPoint]] = {}
        for point in entry_points(group=self.group):
            found.setdefault(point.name, []).append(point)
        return found

    def _import(self, name: str, target: str) -> type[T]:
        module, _, attribute = target.partition(":")
        try:
            value = getattr(importlib.import_module(module), attribute)
        except CodecBenchError:
            raise
        except ModuleNotFoundError as error:
            package = (error.name or module).partition(".")[0]
            raise MissingDependencyError(
                package, f"pip install {package}", detail=f"needed by {self.kind} '{name}'"
            ) from error
        except Exception as error:
            # Foreign code raises what it likes.
            msg = f"{self.kind} '{name}' ({target}) cannot be imported: {error!r}"
            raise ConfigError(msg) from error
        return self._checked(name, value)

    def _load_file(self, name: str) -> type[T]:
        file, _, attribute = name.rpartition(":")
        path = Path(file).expanduser().resolve()
        if not path.is_file():
            msg = f"{self.kind} '{name}': no such file {path}"
            raise ConfigError(msg)
        # One module per file content: an edited file is a new module, an unchanged one the same.
        digest = hashlib.sha256(str(path).encode() + path.read_bytes()).hexdigest()[:16]
        module_name = f"codecbench_file_{path.stem}_{digest}"
        module = sys.modules.get(module_name)
        if module is None:
            spec = importlib.util.spec_from_file_location(module_name, path)
            if spec is None or spec.loader is None:
                msg = f"{self.kind} '{name}': {path} is not a Python file"
                raise ConfigError(msg)
            module = importlib.util.module_from_spec(spec)
            sys.modules[module_name] = module
            try:
                spec.loader.exec_module(module)
            except BaseException as error:
                del sys.modules[module_name]
                if isinstance(error, ModuleNotFoundError) and error.name:
                    raise MissingDependencyError(
                        error.name, f"pip install {error.name}", detail=f"needed by {path.name}"
                    ) from error
                if isinstance(error, Exception) and not isinstance(error, CodecBenchError):
                    msg = f"{self.kind} '{name}': {path.name} fails to import: {error!r}"
                    raise ConfigError(msg) from error
                raise
        if not hasattr(module, attribute):
            fitting = [key for key, value in vars(module).items() if self._fits(value)]
            raise UnknownNameError(f"{self.kind} class in {path.name}", attribute, fitting)
        return self._checked(name, getattr(module, attribute))

    def _checked(self, name: str, value: object) -> type[T]:
        if not (isinstance(value, type) and issubclass(value, self.base)):
            msg = f"{self.kind} '{name}' is {value!r}, not a subclass of {self.base.__name__}"
            raise ConfigError(msg)
        missing = sorted(getattr(value, "__abstractmethods__", ()))
        if missing:
            msg = f"{self.kind} '{name}' lacks what its contract asks for: {', '.join(missing)}"
            raise ConfigError(msg)
        return value

    def _fits(self, value: object) -> bool:
        return (
            isinstance(value, type)
            and issubclass(value, self.base)
            and not inspect.isabstract(value)
        )


def is_file_name(name: str) -> bool:
    """Whether a name means a class in a file, ``path/to/file.py:Class``."""
    return name.rpartition(":")[0].endswith(".py")
