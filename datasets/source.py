"""Where clips come from: a source lists files with their tags, and reads none of them."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipEntry:
    """One file that a dataset names, not yet read.

    Attributes:
        id: Unique within the dataset.
        path: The sound file, which may turn out to be missing or unreadable.
        tags: Facts known without reading it: speaker, sex, language …
    """

    id: str
    path: Path
    tags: Mapping[str, str] = field(default_factory=dict)


class DatasetSource(ABC):
    """A named way to find clips; its options are the keyword arguments of ``__init__``.

    Listing is cheap and comes first; choosing a subset, cutting and reading are done for every
    source alike, see `codecbench.datasets.registry.get_dataset`.
    """

    @abstractmethod
    def entries(self) -> Sequence[ClipEntry]:
        """List the clips in a fixed order, without opening sound files.

        Raises:
            DatasetError: The files are not where they should be, or their lists are malformed.
        """
