"""The package list in pyproject.toml names every package folder, and nothing leaks in."""

import subprocess
import sys
import tomllib
from pathlib import Path


def test_every_package_folder_is_listed(root: Path) -> None:
    setuptools = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["setuptools"]
    places = setuptools["package-dir"]
    found = {
        ".".join([name, *init.parent.relative_to(root / place).parts])
        for name, place in places.items()
        for init in (root / place).rglob("__init__.py")
    }
    assert found == set(setuptools["packages"])


def test_links_name_the_rooms(root: Path) -> None:
    setuptools = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["setuptools"]
    links = {
        f"codecbench.{path.name}": path.resolve().relative_to(root).as_posix()
        for path in (root / "src" / "codecbench").iterdir()
        if path.is_symlink()
    }
    rooms = {name: place for name, place in setuptools["package-dir"].items() if "." in name}
    assert links == rooms


HEAVY = ("torch", "transformers", "pandas", "matplotlib", "scipy", "numba", "av", "pesq", "visqol")


def loaded_after(statement: str) -> set[str]:
    """Return which heavy modules a fresh interpreter has after a statement."""
    code = f"{statement}\nimport sys; print(*[m for m in {HEAVY!r} if m in sys.modules])"
    ran = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True
    )
    return set(ran.stdout.split("\n")[-2].split())


def test_import_is_light() -> None:
    # Acceptance test 20.
    assert loaded_after("import codecbench") == set()


def test_list_codecs_loads_nothing_heavy() -> None:
    statement = (
        "import sys; sys.argv = ['codecbench', 'list', 'codecs']\n"
        "from codecbench.cli import group\n"
        "group.main(standalone_mode=False)"
    )
    assert loaded_after(statement) == set()


def test_every_public_name_resolves() -> None:
    import codecbench

    for name in codecbench.__all__:
        assert getattr(codecbench, name) is not None
    assert dir(codecbench) == sorted(codecbench.__all__)
