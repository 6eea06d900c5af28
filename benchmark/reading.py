"""From a run folder to the plain tables that reports read."""

from pathlib import Path

from codecbench.benchmark.results import (
    RunResults,
)
from codecbench.core.cell import Cell

_NOT_RUN = Cell.skipped("not_run", "the run was interrupted before this; start it again")


def read_results(folder: Path) -> RunResults:
    """Read everything that a run has found so far.

    Args:
        folder: The run folder.

    Raises:
        ResultSchemaError: No run there, damaged, or of another schema.
    """
