"""The systems that the papers compare, and what it takes to measure each of them here."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from codecbench.benchmark.suite import Suite
from codecbench.core.errors import ConfigError
from codecbench.core.spec import format_option

FOLDER = Path(__file__).parent / "papers"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperSystem:
    """One row or curve of a paper.

    Attributes:
        label: As the paper calls it.
        spec: The codec here; ``{file}`` stands for the file or folder of weights. "" where the
            system cannot be had.
        files: Names under which the weights are known, the published one first.
        where: Where a user finds them.
        licence: Of the weights.
        unavailable: Why it cannot be measured by anybody; "" where it can.
        published: What `reports.published_numbers` calls it, and rates in kbit/s.
    """

    label: str
    spec: str = ""
    files: tuple[str, ...] = ()
    where: str = ""
    licence: str = ""
    unavailable: str = ""
    published: tuple[str, tuple[float, ...]] = ("", ())

    def measurable(self, folder: Path | None) -> str:
        """Return the spec with the weights found in a folder; "" where they are not there."""
        if not self.files:
            return self.spec
        found = [folder / name for name in self.files if folder and (folder / name).exists()]
        return self.spec.replace("{file}", format_option(str(found[0]))) if found else ""

    def missing(self) -> str:
        """Say in one line what is missing where `measurable` has nothing."""
        if self.unavailable:
            return f"not measured: {self.unavailable}"
        return f"not measured: needs {self.files[0]} from {self.where} ({self.licence})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """The systems of one paper, in its order."""

    name: str
    title: str
    source: str
    systems: tuple[PaperSystem, ...]


def paper_names() -> list[str]:
    """Return the names of the papers, which are those of the suites ``paper/…`` too."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def find_paper(name: str) -> Paper:
    """Return the systems of a paper.

    Raises:
        ConfigError: There is no such paper.
    """
    if name not in paper_names():
        msg = f"no paper '{name}'; known: {', '.join(paper_names())}"
        raise ConfigError(msg)
    table = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    systems = tuple(_system(row) for row in table["system"])
    return Paper(name=name, title=table["title"], source=table["source"], systems=systems)


def _system(row: Mapping[str, object]) -> PaperSystem:
    files, published = row.get("files", []), row.get("published")
    assert isinstance(files, list)  # our own file
    number: tuple[str, tuple[float, ...]] = ("", ())
    if isinstance(published, dict):
        number = (published["system"], tuple(published["kbps"]))
    words = {key: str(value) for key, value in row.items() if key not in ("files", "published")}
    return PaperSystem(files=tuple(files), published=number, **words)


def with_paper_systems(suite: Suite, paper: Paper, weights: Path | None) -> tuple[Suite, list[str]]:
    """Add the systems of a paper for which there is all that is needed.

    Args:
        suite: What is asked for.
        paper: Whose systems.
        weights: Folder in which the files of weights lie, by their published names.

    Returns:
        The suite, and a line for each system that cannot be measured.
    """
    here = [(system, system.measurable(weights)) for system in paper.systems]
    specs = [spec for _, spec in here if spec and spec not in suite.codecs]
    lines = [f"{system.label}: {system.missing()}" for system, spec in here if not spec]
    return replace(suite, codecs=(*suite.codecs, *specs)), lines
