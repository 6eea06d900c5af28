"""Where clips come from: a source lists files with their tags, and reads none of them."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A part of a file.

    Attributes:
        start_s: Where it begins.
        seconds: How long it is.
    """

    start_s: float
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipEntry:
    """One file that a dataset names, or a part of it, not yet read.

    Attributes:
        id: Unique within the dataset.
        path: The sound file, which may turn out to be missing or unreadable.
        tags: Facts known without reading it: speaker, sex, language …
        span: The part that is meant; None is the whole file.
    """

    id: str
    path: Path
    tags: Mapping[str, str] = field(default_factory=dict)
    span: Span | None = None


class DatasetSource(ABC):
    """A named way to find clips; its options are the keyword arguments of ``__init__``.

    Listing is cheap and comes first; choosing, cutting and reading are done for every source
    alike. Their options are those of `codecbench.datasets.sampling.Sampling`; a source has none
    of these names for itself.

    Attributes:
        main_option: The option that the short form ``name:value?key=value&…`` sets.
    """

    main_option: ClassVar[str | None] = None

    @abstractmethod
    def entries(self) -> Sequence[ClipEntry]:
        """List the clips in a fixed order, without opening sound files.

        Raises:
            DatasetError: The files are not where they should be, or their lists are malformed.
        """
