"""A board: runs of many hands in one folder, and what is known of each.

board.json          the index: what does not stand here does not count
runs/…              a run folder for each bundle, named by the bundle's hash
objects/…           bitstreams and degraded audio, by content
references/…        reference clips that came in bundles
"""

import fcntl
import json
import shutil
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pandas as pd

from codecbench.benchmark.objects import ObjectStore
from codecbench.benchmark.reading import read_results
from codecbench.benchmark.results import RunResults
from codecbench.core.errors import BundleError, ResultSchemaError, RunError
from codecbench.core.fingerprint import Json
from codecbench.core.whole_file import write_whole
from codecbench.reports.boards.contents import from_json
from codecbench.reports.boards.evidence import Evidence

INDEX = "board.json"
_VERSION = 1
INCOMING = ".incoming"
"""Where a bundle lies until it is believed; a folder of that name is of no use afterwards."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardEntry:
    """One bundle on a board.

    Attributes:
        bundle: SHA-256 of the file.
        content: Hash over what its run has found.
        folder: Name of its run folder within ``runs``.
        run: Name of the run.
        author: Who packed it, in their words.
        added: When it was added, UTC.
        by: Who added it.
        packed_with: Version of codecbench that packed it.
        checked_with: Version that checked it.
        evidence: What was computed again; None where nothing was.
        versions: Packages that the metrics were computed again with, by metric.
        undecoded: Systems whose bitstreams were not decoded again, each with the reason.
        on_trust: Metrics that were not computed again.
        left_out: What the bundle did not hold.
        confirms: Cells that stood on the board already, with the same values.
        mixed: What differs from the other runs, where that was forced.
    """

    bundle: str
    content: str
    folder: str
    run: str
    author: str
    added: str
    by: str
    packed_with: str
    checked_with: str
    evidence: Evidence | None
    versions: dict[str, dict[str, str]]
    undecoded: dict[str, str]
    on_trust: tuple[str, ...]
    left_out: tuple[str, ...]
    confirms: int
    mixed: tuple[str, ...]

    def caveats(self) -> tuple[str, ...]:
        """Say what was not computed again, in words for readers of a report."""
        who = f" of {self.author}" if self.author else ""
        run = f"run {self.run}{who} (bundle {self.bundle[:12]})"
        if self.evidence is None:
            return (f"Taken on trust: all values of {run}; nothing was scored again",)
        said = [f"Taken on trust: {name} of {run}" for name in self.on_trust]
        said += [
            f"Not decoded again: {codec}, {run}: {why}" for codec, why in self.undecoded.items()
        ]
        return tuple(said)


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardIndex:
    """What stands in ``board.json``.

    Attributes:
        version: Of this format.
        dataset: Name of the data that all runs share.
        dataset_fingerprint: Hash over ids and content of its clips.
        entries: In the order in which they were added.
    """

    version: int = _VERSION
    dataset: str = ""
    dataset_fingerprint: str = ""
    entries: tuple[BoardEntry, ...] = ()


class Board:
    """A folder of runs that were verified, with an index."""

    def __init__(self, folder: Path) -> None:
        """Name a board; nothing is read yet."""
        self.folder = folder
        self.objects = ObjectStore(folder / "objects")

    def index(self) -> BoardIndex:
        """Read the index; that of a new board is empty.

        Raises:
            ResultSchemaError: It is damaged or of another version.
        """
        path = self.folder / INDEX
        if not path.is_file():
            return BoardIndex()
        try:
            index = from_json(BoardIndex, path.read_bytes(), str(path))
        except (BundleError, OSError) as error:
            msg = f"{path}: damaged ({error}); merge the bundles into a new board"
            raise ResultSchemaError(msg) from error
        if index.version != _VERSION:
            msg = f"{path}: version {index.version}, this codecbench reads {_VERSION}"
            raise ResultSchemaError(msg)
        return index

    def run_folder(self, entry: BoardEntry) -> Path:
        """Return where the run of an entry lies."""
        return self.folder / "runs" / entry.folder

    def results(self) -> list[RunResults]:
        """Return the runs, fit to stand in one report.

        A cell that several hands have computed alike counts once, where it came first. What was
        not verified is among the caveats.

        Raises:
            ResultSchemaError: The board is empty, damaged or of another version.
        """
        found: list[RunResults] = []
        mixed: list[RunResults] = []
        for entry in self.index().entries:
            run = read_results(self.run_folder(entry))
            environment = {**run.environment, "board": _json(entry)}
            run = replace(run, caveats=entry.caveats(), environment=environment)
            (mixed if entry.mixed else found).append(run)
        if not found and not mixed:
            msg = f"{self.folder}: an empty board; 'codecbench merge' adds bundles"
            raise ResultSchemaError(msg)
        # Cells of other data or definitions are no twins, whatever they are called.
        return [*without_twins(found), *mixed]

    @contextmanager
    def locked(self) -> Generator[Path, None, None]:
        """Keep others from adding, and lend a folder that is gone afterwards.

        Raises:
            RunError: Somebody else adds to the board.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        incoming = self.folder / INCOMING
        with (self.folder / "lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                msg = f"{self.folder}: somebody else adds to this board; wait for them"
                raise RunError(msg) from error
            # What was left over by one that was killed was never believed.
            shutil.rmtree(incoming, ignore_errors=True)
            incoming.mkdir()
            try:
                yield incoming
            finally:
                shutil.rmtree(incoming, ignore_errors=True)

    def add(self, entry: BoardEntry, incoming: Path, index: BoardIndex) -> None:
        """Take over what lies in the incoming folder: wholly, or as if nothing had happened.

        The index is written last. A process that dies before leaves files that nobody reads.

        Args:
            entry: What is known of it.
            incoming: With ``run``, ``objects`` and ``references``, all checked.
            index: The index without it.
        """
        for kind in ("objects", "references"):
            for path in sorted((incoming / kind).rglob("*")):
                target = self.folder / kind / path.relative_to(incoming / kind)
                if path.is_file() and not target.exists():
                    target.parent.mkdir(parents=True, exist_ok=True)
                    path.replace(target)
        folder = self.run_folder(entry)
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(exist_ok=True)
        (incoming / "run").replace(folder)
        write_whole(self.folder / INDEX, _pretty(replace(index, entries=(*index.entries, entry))))


def is_board(folder: Path) -> bool:
    """Return whether a folder is a board."""
    return (folder / INDEX).is_file()


def open_results(folders: Sequence[Path]) -> list[RunResults]:
    """Read runs and boards alike.

    Args:
        folders: Run folders and boards.

    Raises:
        ResultSchemaError: One is neither, or damaged.
    """
    found: list[RunResults] = []
    for folder in folders:
        found += Board(folder).results() if is_board(folder) else [read_results(folder)]
    return found


_KEYS: Mapping[str, tuple[str, ...]] = {
    "frame": ("codec", "fingerprint", "point", "condition", "clip", "metric"),
    "forensics": ("codec", "point", "condition", "clip"),
    "codebooks": ("codec", "point", "condition", "codebook"),
}


def without_twins(runs: Sequence[RunResults]) -> list[RunResults]:
    """Take out of each run what an earlier one has: equal system, point, condition, clip, metric.

    Systems of one name and different fingerprints are different systems; see `merge_results`.
    """
    seen: dict[str, pd.MultiIndex] = {}
    fingerprints: dict[str, str] = {}
    found = []
    for run in runs:
        # Facts of signals hang on no metric: a system that came with another make keeps its own.
        mine = {system.codec: system.fingerprint for system in run.systems}
        shared = {codec for codec, print_ in mine.items() if fingerprints.get(codec) == print_}
        fingerprints = {**mine, **fingerprints}
        found.append(
            replace(
                run,
                frame=_fresh(run.frame, "frame", seen, None),
                forensics=_fresh(run.forensics, "forensics", seen, shared),
                codebooks=_fresh(run.codebooks, "codebooks", seen, shared),
            )
        )
    return found


def _fresh(
    table: pd.DataFrame, name: str, seen: dict[str, pd.MultiIndex], shared: set[str] | None
) -> pd.DataFrame:
    if table.empty:
        return table
    keys = pd.MultiIndex.from_frame(table[list(_KEYS[name])])
    before = seen.get(name)
    seen[name] = keys if before is None else before.append(keys)
    if before is None:
        return table
    twin = keys.isin(before)
    if shared is not None:
        twin &= table["codec"].isin(shared).to_numpy()
    return table[~twin].reset_index(drop=True)


def _json(entry: BoardEntry) -> dict[str, Json]:
    table: dict[str, Json] = asdict(entry)
    return table


def _pretty(index: BoardIndex) -> bytes:
    return f"{json.dumps(asdict(index), indent=2, ensure_ascii=False)}\n".encode()
