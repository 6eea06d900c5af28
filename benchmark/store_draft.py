"""A run folder as it is, for finding out what a run would do there."""

from collections.abc import Iterable
from pathlib import Path

from codecbench.benchmark.store import FILE, CellRow, EncodingRow, Place, RunStore
from codecbench.core.fingerprint import Json


class StoreDraft:
    """What a run left in its folder, and what the next would write; nothing is written.

    Attributes:
        facts: What is kept by name; empty where there was no run.
        put_cells: Cells that would be written.
    """

    def __init__(self, folder: Path) -> None:
        """Read everything.

        Raises:
            ResultSchemaError: It is of a later version, or damaged.
        """
        self.facts: dict[str, Json] = {}
        self.put_cells: list[CellRow] = []
        self._encodings: dict[Place, EncodingRow] = {}
        self._cells: dict[tuple[Place, str], CellRow] = {}
        if (folder / FILE).is_file():
            with RunStore(folder) as store:
                self.facts = store.facts()
                self._encodings, self._cells = store.encodings(), store.cells()

    def encodings(self) -> dict[Place, EncodingRow]:
        """Return every encoding by its place."""
        return self._encodings

    def cells(self) -> dict[tuple[Place, str], CellRow]:
        """Return every cell by its place and metric."""
        return self._cells

    def put(self, encodings: Iterable[EncodingRow] = (), cells: Iterable[CellRow] = ()) -> None:
        """Take note of cells; encodings are known to the stage that puts them."""
        del encodings
        self.put_cells += cells

    def forget(self, encodings: Iterable[Place], cells: Iterable[tuple[Place, str]]) -> None:
        """Leave what is no part of the plan."""
