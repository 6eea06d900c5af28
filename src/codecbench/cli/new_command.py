"""``codecbench new``: something of your own to start from, with its test."""

import keyword
from importlib.util import find_spec
from pathlib import Path

import click

_folder = click.option(
    "--in",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    show_default="the current folder",
    help="Folder to write to.",
)
_name = click.argument("name")


@click.group("new")
def command() -> None:
    """Write a codec, metric or dataset of your own to start from, with its test.

    The files work as they are: 'codecbench new codec mine', 'pytest test_mine.py', 'codecbench run
    -c ./mine.py:Mine --data demo -o runs/mine'. Then change them. Nothing is overwritten.
    """


@command.command("codec")
@_name
@_folder
def codec(name: str, folder: Path) -> None:
    """Write NAME.py with a small codec, and test_NAME.py."""
    _write("codec", name, folder)


@command.command("metric")
@_name
@_folder
def metric(name: str, folder: Path) -> None:
    """Write NAME.py with a small metric, and test_NAME.py."""
    _write("metric", name, folder)


@command.command("dataset")
@_name
@_folder
def dataset(name: str, folder: Path) -> None:
    """Write NAME.py with a small dataset, and test_NAME.py."""
    _write("dataset", name, folder)


def _write(kind: str, name: str, folder: Path) -> None:
    from codecbench.cli.starters import STARTERS
    from codecbench.core.errors import ConfigError

    _check(name)
    starter = STARTERS[kind]
    words = {"NAME": name, "CLASS": "".join(part.capitalize() for part in name.split("_"))}
    files = {
        folder / f"{name}.py": starter.code,
        folder / f"test_{name}.py": starter.test,
    }
    for path in files:
        if path.exists():
            msg = f"{path} is there already; choose another name, or move it away"
            raise ConfigError(msg)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in files.items():
            with path.open("x", encoding="utf-8") as file:
                file.write(_filled(text, words))
            print(path)
    except OSError as error:
        msg = f"{folder}: cannot be written ({error.strerror or error})"
        raise ConfigError(msg) from error
    print("next:")
    for line in starter.next_steps:
        print(f"  {_filled(line, words)}")


def _check(name: str) -> None:
    from codecbench.core.errors import ConfigError

    if not (name.isidentifier() and name.isascii() and name == name.lower()) or name[0] == "_":
        msg = f"'{name}' cannot name a module; use small letters, digits and _, as in my_codec"
        raise ConfigError(msg)
    if keyword.iskeyword(name) or find_spec(name) is not None:
        msg = f"'{name}' would hide a module of Python or of a package; choose another name"
        raise ConfigError(msg)


def _filled(text: str, words: dict[str, str]) -> str:
    for key, word in words.items():
        text = text.replace(f"${key}", word)
    return text
