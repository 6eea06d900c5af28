"""Virtual environments for codecs whose dependencies are not ours: made and found by name."""

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import platformdirs

from codecbench.core.errors import ConfigError, MissingDependencyError, RunError, UnknownNameError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_LAST_LINES = 3


def environments_folder() -> Path:
    """Return the folder of all environments, which need not exist."""
    return Path(platformdirs.user_data_dir("codecbench")) / "environments"


def environment_names() -> list[str]:
    """Return the names of the environments that there are."""
    return sorted(path.parent.parent.name for path in environments_folder().glob("*/bin/python"))


def find_interpreter(python: str) -> Path:
    """Return the interpreter that a name or path means.

    Args:
        python: Name of an environment, an interpreter, or the folder of a virtual environment.

    Raises:
        MissingDependencyError: There is none.
    """
    path = Path(python).expanduser()
    if _NAME.fullmatch(python) and (environments_folder() / python).is_dir():
        path = environments_folder() / python
    if path.is_dir():
        path = path / "bin" / "python"
    if path.is_file():
        # Not resolved: a virtual environment is told by where the link to its interpreter lies.
        return path.absolute()
    known = ", ".join(environment_names()) or "none so far"
    raise MissingDependencyError(
        f"environment '{python}'",
        f"codecbench env create {python} --pip … (there are: {known})",
    )


def create_environment(
    name: str, packages: Sequence[str], *, python: str | None = None, pip: Sequence[str] = ()
) -> Path:
    """Make a virtual environment with numpy and other packages in it.

    Args:
        name: Of letters, digits, - and _.
        packages: What pip is to install; numpy comes by itself.
        python: Interpreter to make it with, 3.11 or newer; this one by default.
        pip: Further arguments for pip.

    Returns:
        Its interpreter.

    Raises:
        ConfigError: The name cannot be right, or is taken.
        RunError: It cannot be made.
    """
    folder = environments_folder() / name
    if not _NAME.fullmatch(name):
        msg = f"an environment's name has letters, digits, - and _; found '{name}'"
        raise ConfigError(msg)
    if folder.exists():
        msg = f"there is an environment '{name}' at {folder}; remove the folder first"
        raise ConfigError(msg)
    folder.parent.mkdir(parents=True, exist_ok=True)
    interpreter = folder / "bin" / "python"
    has_numpy = any(re.match(r"numpy\b", package) for package in packages)
    wanted = [*packages, *([] if has_numpy else ["numpy"])]
    try:
        _run([python or sys.executable, "-m", "venv", str(folder)])
        _run([str(interpreter), "-m", "pip", "install", "--quiet", *pip, *wanted])
    except RunError:
        shutil.rmtree(folder, ignore_errors=True)  # a half would pass for the whole next time
        raise
    return interpreter


def remove_environment(name: str) -> None:
    """Delete an environment.

    Raises:
        UnknownNameError: There is none of this name.
    """
    if name not in environment_names():
        raise UnknownNameError("environment", name, environment_names())
    shutil.rmtree(environments_folder() / name)


def _run(arguments: Sequence[str]) -> None:
    try:
        done = subprocess.run(list(arguments), capture_output=True, text=True, check=False)
    except OSError as error:
        msg = f"{arguments[0]} cannot be started: {error.strerror}"
        raise RunError(msg) from error
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines()[-_LAST_LINES:]
        msg = f"'{' '.join(arguments[:4])} …' failed: {' '.join(lines)}"
        raise RunError(msg)
