"""Standard output and error through which no name reaches the terminal as a command."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from codecbench.core.inert import for_terminal


class PlainStream:
    """A text stream that shows control characters instead of sending them."""

    def __init__(self, stream: TextIO) -> None:
        """Write to a stream."""
        self.raw = stream

    def write(self, text: str) -> int:
        """Write a text without control characters but line feeds and tabs."""
        self.raw.write(for_terminal(text))
        return len(text)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  (whatever the stream has)
        """Do all else as the stream does."""
        return getattr(self.raw, name)


@contextmanager
def plain_output() -> Iterator[None]:
    """Make everything that is printed inert: names of clips, codecs and files are others' words."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = PlainStream(before[0]), PlainStream(before[1])
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def terminal() -> TextIO:
    """Return standard error as it is, for progress bars, which move the cursor."""
    raw: TextIO = getattr(sys.stderr, "raw", sys.stderr)
    return raw
