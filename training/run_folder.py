"""The files of one training: log, state to go on from, checkpoints to code with."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from codecbench.core.checkpoint import save_checkpoint
from codecbench.core.errors import RunError
from codecbench.training.log import LOG, read_log
from codecbench.training.objective import Export
from codecbench.training.state_file import load_state, save_state, write_whole

STATE = "state.safetensors"
LAST = "model.safetensors"
BEST = "best.safetensors"


class RunFolder:
    """The folder that a training writes to, and nothing outside it."""

    def __init__(self, path: Path) -> None:
        """Look at the folder; it is made when something is written.

        Raises:
            RunError: It cannot be read, or holds something else than a training.
        """
        self.path = path
        try:
            there = list(path.iterdir()) if path.exists() else []
        except OSError as error:
            msg = f"{path}: cannot be the folder of a training ({error.strerror or error})"
            raise RunError(msg) from error
        strange = sorted(each.name for each in there if not each.name.startswith("."))
        if strange and LOG not in strange:
            msg = f"{path}: holds {strange[0]} and no training; give a new or an empty folder"
            raise RunError(msg)

    @property
    def has_state(self) -> bool:
        """Whether there is something to go on from."""
        return (self.path / STATE).is_file()

    def load(self) -> dict[str, Any]:
        """Return the saved state.

        Raises:
            ConfigError: The file is damaged.
        """
        # Any: tensors and plain values, nested; see `save_state`.
        state: dict[str, Any] = load_state(self.path / STATE)
        return state

    def save(
        self, state: Mapping[str, Any], export: Export, notes: Mapping[str, object], *, best: bool
    ) -> Path:
        """Write the checkpoints and then the state, each whole or not at all.

        Args:
            state: To go on from.
            export: What the adapter loads.
            notes: How it came about, for the metadata.
            best: Whether to keep it as the best, too.

        Returns:
            The last checkpoint.
        """
        texts = {"training": json.dumps(notes, sort_keys=True)}
        for name in (LAST, *([BEST] if best else ())):
            write_whole(
                self.path / name,
                lambda draft: save_checkpoint(draft, export.model, export.config, notes=texts),
            )
        save_state(self.path / STATE, state)
        return self.path / LAST

    def log(self, kind: str, **values: object) -> None:
        """Add a line to the log.

        Raises:
            RunError: The folder cannot be made or written.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            with (self.path / LOG).open("a", encoding="utf-8") as file:
                file.write(json.dumps({"kind": kind, **values}) + "\n")
        except OSError as error:
            msg = f"{self.path}: cannot be written ({error.strerror or error})"
            raise RunError(msg) from error

    def cut_log(self, step: int) -> None:
        """Drop the lines of steps that are to be done again, and what a crash left half written."""
        path = self.path / LOG
        if path.is_file():
            kept = [line for line in read_log(path) if line.get("step", 0) <= step]
            text = "".join(json.dumps(line) + "\n" for line in kept)
            write_whole(path, lambda draft: draft.write_text(text, encoding="utf-8"))


def plain(value: Any) -> Any:  # noqa: ANN401  (whatever JSON can say)
    """Return values as they come back from a file: tuples are lists, keys are text."""
    return json.loads(json.dumps(value))
