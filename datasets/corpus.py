"""What the loaders of standard corpora share: where a corpus lies, and how its lists are read."""

import os
from collections.abc import Iterator
from pathlib import Path

import platformdirs

from codecbench.core.errors import DatasetError
from codecbench.datasets.source import DatasetSource

DATA_VARIABLE = "CODECBENCH_DATA"


def data_root(root: str | None = None) -> Path:
    """Return the folder that corpora lie in.

    Args:
        root: As asked for; None takes the environment variable CODECBENCH_DATA, or else the
            user's data folder.
    """
    chosen = root or os.environ.get(DATA_VARIABLE)
    if chosen:
        return Path(chosen).expanduser().absolute()
    return platformdirs.user_data_path("codecbench") / "corpora"


class CorpusSource(DatasetSource):
    """A corpus as it lies on disk after unpacking.

    Attributes:
        corpus: Name for tags and messages.
        folders: Names that the unpacked corpus has, the usual one first.
        licence: SPDX identifier.
        homepage: Where it can be had.
    """

    corpus: str
    folders: tuple[str, ...]
    licence: str
    homepage: str

    def __init__(self, *, root: str | None = None) -> None:
        """Remember where to look.

        Args:
            root: The folder of the corpus, or the one that it lies in; see `data_root`.
        """
        self.root = data_root(root)

    def places(self) -> list[Path]:
        """Return where the corpus may lie, the most likely place first."""
        return [*(self.root / name for name in self.folders), self.root]

    def find(self, inside: str) -> Path:
        """Return a folder of the corpus.

        Args:
            inside: Path below the corpus.

        Raises:
            DatasetError: It is in none of the places.
        """
        for place in self.places():
            if (place / inside).is_dir():
                return place / inside
        here = next((place for place in self.places() if place.is_dir()), None)
        if here is None or here == self.root:
            looked = f"no {self.folders[0]}/{inside} in {self.root}"
        else:
            present = sorted(path.name for path in here.iterdir() if path.is_dir())
            looked = f"no {inside} in {here}, only {', '.join(present) or 'nothing'}"
        msg = (
            f"{self.corpus}: {looked}; give root=… or set {DATA_VARIABLE}; "
            f"the corpus is at {self.homepage}"
        )
        raise DatasetError(msg)

    def tags(self, **more: str) -> dict[str, str]:
        """Return the tags of a clip: the corpus, its licence, and whatever is known of the rest."""
        known = {"corpus": self.corpus, "licence": self.licence, **more}
        return {name: value for name, value in known.items() if value}


def read_lines(path: Path) -> Iterator[str]:
    """Yield the lines of a list that came with a corpus; none where the list is not there.

    Raises:
        DatasetError: It is there and cannot be read.
    """
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        msg = f"{path}: cannot be read: {error}"
        raise DatasetError(msg) from error
    for line in text.split("\n"):
        if line.strip():
            yield line.strip("\r")


def read_transcripts(path: Path, separator: str | None = None) -> dict[str, str]:
    """Return id to text of a list with one utterance per line.

    Args:
        path: The list; an absent one has no transcripts.
        separator: Between id and text; None is any white space.
    """
    found: dict[str, str] = {}
    for line in read_lines(path):
        name, *text = line.split(separator, 1)
        found[name.strip()] = text[0].strip() if text else ""
    return found


def sex_tag(word: str) -> str:
    """Return "F" or "M" for what corpora write, "" for anything else."""
    return {"f": "F", "female": "F", "m": "M", "male": "M"}.get(word.strip().lower(), "")
