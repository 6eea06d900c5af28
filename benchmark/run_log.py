"""The run's log: one JSON object per line for whatever gave no value, with its traceback."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from codecbench.benchmark.events import Failure
from codecbench.core.whole_file import raise_storage_error


class RunLog:
    """An append-only file in the run folder."""

    def __init__(self, path: Path) -> None:
        """Use a file; it is made with the first line."""
        self.path = path

    def write(self, failures: Sequence[Failure]) -> None:
        """Append failures, each with the time of writing.

        Raises:
            StorageError: The disk is full or fails.
        """
        if not failures:
            return
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        lines = [json.dumps({"time": stamp, **asdict(failure)}) + "\n" for failure in failures]
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.writelines(lines)
        except OSError as error:
            raise_storage_error(error, self.path)
            raise
