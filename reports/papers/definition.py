"""What a paper shows, and what has to be known to compare: read from our own files."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).parent / "definitions"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A number or claim of the text.

    Attributes:
        text: In our words.
        published: What the paper says.
        measure: "rate" or "latency"; "" where nothing measures it.
        systems: Labels of `PaperSystem`, for rates.
        spec: Codec, for latency.
        why: Why it is not measured.
    """

    text: str
    published: str
    measure: str = ""
    systems: tuple[str, ...] = ()
    spec: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtefactFacts:
    """One table or figure of a paper.

    Attributes:
        number: As the paper counts, such as "Figure 8".
        kind: One of `artefacts.BUILDERS`.
        title: In our words.
        intro: What has to be said of it.
        suite: Name of the cost suite.
        systems: Labels of `PaperSystem`; all that have rates where empty.
        metrics: Names of metric outputs.
        figures: "distribution", "rate_quality".
        published: Why a value that the paper has is not among the published numbers.
        statements: Of the kind "statements".
    """

    number: str
    kind: str
    title: str
    intro: str = ""
    suite: str = ""
    systems: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    figures: tuple[str, ...] = ()
    published: str = "not published"
    statements: tuple[Statement, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperFacts:
    """What a paper shows, and what it was measured on.

    Attributes:
        name: Such as "psq".
        title: Of the paper.
        authors: Of the paper.
        year: Of the paper.
        where: Where it stands, with the version that was read.
        key: For BibTeX.
        artefacts: Tables and figures, in our order.
        differences: What the paper says about each topic.
    """

    name: str
    title: str
    authors: str
    year: int
    where: str
    key: str
    artefacts: tuple[ArtefactFacts, ...]
    differences: Mapping[str, str] = field(default_factory=dict)


def paper_facts(name: str) -> PaperFacts:
    """Return what is known of a paper by its name among ours."""
    table = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    artefacts = []
    for row in table.pop("artefact"):
        statements = tuple(
            Statement(**{**each, "systems": tuple(each.get("systems", ()))})
            for each in row.pop("statements", ())
        )
        lists = {key: tuple(value) for key, value in row.items() if isinstance(value, list)}
        artefacts.append(ArtefactFacts(**{**row, **lists, "statements": statements}))
    return PaperFacts(name=name, artefacts=tuple(artefacts), **table)
