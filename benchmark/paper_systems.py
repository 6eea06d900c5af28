"""The systems that the papers compare, and what it takes to measure each of them here."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from codecbench.adapters.neural.shipped import UNTRAINED
from codecbench.adapters.registry import get_codec
from codecbench.benchmark.suite import Suite, find_suite, with_codecs
from codecbench.core.errors import ConfigError, UnknownNameError
from codecbench.core.spec import Spec, format_option

FOLDER = Path(__file__).parent / "papers"
_PLACE = "{file}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperSystem:
    """One row or curve of a paper.

    Attributes:
        label: As the paper calls it.
        key: Name by which a checkpoint of one's own is given; "" where there can be none.
        own: The same network here; with ``{file}`` it takes a checkpoint of one's own, without it
            runs as it comes.
        spec: The codec with the authors' weights; ``{file}`` stands for their file or folder. ""
            where they cannot be had.
        files: Names under which the weights are known, the published one first.
        where: Where a user finds them.
        licence: Of the weights.
        unavailable: Why nobody has the authors' weights; "" where one can.
        published: What `reports.published_numbers` calls it, and rates in kbit/s.
        kbps: Rates in kbit/s of a system without published numbers.
        facts: Further columns of the paper's table: a value for each rate, by heading.
    """

    label: str
    key: str = ""
    own: str = ""
    spec: str = ""
    files: tuple[str, ...] = ()
    where: str = ""
    licence: str = ""
    unavailable: str = ""
    published: tuple[str, tuple[float, ...]] = ("", ())
    kbps: tuple[float, ...] = ()
    facts: Mapping[str, Sequence[object]] = field(default_factory=dict)

    @property
    def rates(self) -> tuple[float, ...]:
        """Rates in kbit/s, of the paper."""
        return self.published[1] or self.kbps

    def measurable(self, folder: Path | None) -> str:
        """Return the spec with the weights found in a folder; "" where they are not there."""
        if not self.files:
            return self.spec
        found = [folder / name for name in self.files if folder and (folder / name).exists()]
        return self.spec.replace(_PLACE, format_option(str(found[0]))) if found else ""

    def own_spec(self, checkpoint: Path | None) -> str:
        """Return the spec of the same network with one's own weights, or as it comes.

        Args:
            checkpoint: Its weights; None takes what comes with codecbench.

        Returns:
            "" where there is no such network, or it has nothing to run with.
        """
        if checkpoint is None and _PLACE in self.own:
            return ""
        if _PLACE in self.own:
            return self.own.replace(_PLACE, format_option(str(checkpoint)))
        if checkpoint is None and get_codec(self.own).info.trained:
            return self.own
        # Said aloud, so that a point without weights does not share a network with one that has.
        weights = UNTRAINED if checkpoint is None else str(checkpoint)
        parsed = Spec.parse(self.own)
        return str(replace(parsed, options={**parsed.options, "checkpoint": (weights,)}))

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

    @property
    def keys(self) -> list[str]:
        """Names by which checkpoints are given."""
        return list(dict.fromkeys(system.key for system in self.systems if system.key))


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperWeights:
    """Weights that a user has.

    Attributes:
        folder: Where the authors' files lie, by their published names.
        checkpoints: Of one's own, by `PaperSystem.key`.
    """

    folder: Path | None = None
    checkpoints: Mapping[str, Path] = field(default_factory=dict)

    def theirs(self, system: PaperSystem) -> str:
        """Return the spec of a system with the authors' weights; "" without them."""
        return system.measurable(self.folder)

    def ours(self, system: PaperSystem) -> str:
        """Return the spec of our network for a system; "" where there is none to run."""
        return system.own_spec(self.checkpoints.get(system.key)) if system.own else ""


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
    files, published, rates = row.get("files", []), row.get("published"), row.get("kbps", [])
    assert isinstance(files, list)  # our own file
    assert isinstance(rates, list)
    number: tuple[str, tuple[float, ...]] = ("", ())
    if isinstance(published, dict):
        number = (published["system"], tuple(published["kbps"]))
    facts = row.get("facts", {})
    assert isinstance(facts, dict)
    others = ("files", "published", "kbps", "facts")
    words = {key: str(value) for key, value in row.items() if key not in others}
    return PaperSystem(
        files=tuple(files), published=number, kbps=tuple(rates), facts=facts, **words
    )


def named_checkpoints(paper: Paper, texts: Sequence[str]) -> dict[str, Path]:
    """Read ``FILE`` or ``NAME=FILE``, where a name is one of the paper's keys.

    Args:
        paper: Whose networks.
        texts: Without a name a file is for all networks that run as they come.

    Raises:
        UnknownNameError: The paper has no such network.
        ConfigError: The file is not there, or one network is given two.
    """
    plain = [each.key for each in paper.systems if each.own and _PLACE not in each.own]
    found: dict[str, Path] = {}
    for text in texts:
        name, equals, rest = text.partition("=")
        is_named = bool(equals) and not Path(text).exists()
        if is_named and name not in paper.keys:
            raise UnknownNameError(f"network of the paper '{paper.name}'", name, paper.keys)
        path = Path(rest if is_named else text).expanduser()
        if not path.exists():
            msg = f"{path}: no such checkpoint"
            raise ConfigError(msg)
        for key in dict.fromkeys([name] if is_named else plain):
            if key in found:
                msg = f"two checkpoints for '{key}': {found[key]} and {path}"
                raise ConfigError(msg)
            found[key] = path.resolve()
    return found


def with_paper_systems(
    suite: Suite, paper: Paper, weights: PaperWeights
) -> tuple[Suite, list[str]]:
    """Add the systems of a paper for which there is all that is needed.

    A network of ours is left out where the suite names a codec of the same adapter already.

    Args:
        suite: What is asked for.
        paper: Whose systems.
        weights: What the user has.

    Returns:
        The suite, and a line for each system that cannot be measured.
    """
    asked = {Spec.parse(text).name for text in suite.codecs}
    specs, lines = [], []
    for system in paper.systems:
        is_asked = system.own.partition(":")[0] in asked
        found = [weights.theirs(system), "" if is_asked else weights.ours(system)]
        specs += [spec for spec in found if spec]
        if not any(found) and not is_asked:
            lines.append(f"{system.label}: {system.missing()}")
    return with_codecs(suite, replace(suite, codecs=tuple(specs))), lines


def paper_suite(paper: Paper, weights: PaperWeights) -> tuple[Suite, list[str]]:
    """Return the suite of a paper with all of its systems that can be measured."""
    return with_paper_systems(find_suite(f"paper/{paper.name}"), paper, weights)
