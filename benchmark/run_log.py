"""The run's log: one JSON object per line for whatever gave no value, with its traceback."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from codecbench.benchmark.events import Failure


class RunLog:
    """An append-only file in the run folder."""

    def __init__(self, path: Path) -> None:
        """Use a file; it is made with the first line."""
        self.path = path

    def write(self, failures: Sequence[Failure]) -> None:
        """Append failures, each with the time of writing."""
        if not failures:
            return
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        with self.path.open("a", encoding="utf-8") as file:
            for failure in failures:
                file.write(json.dumps({"time": stamp, **asdict(failure)}) + "\n")
