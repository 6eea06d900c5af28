"""From a stranger's bundle to an entry on a board: verified, or refused with the reason."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from codecbench.benchmark.reading import read_results
from codecbench.benchmark.results import RunResults
from codecbench.benchmark.store import RunStore
from codecbench.benchmark.supervisor import Limits, SupervisedChild
from codecbench.core.errors import BundleError, ConfigError, ResultSchemaError
from codecbench.core.fingerprint import hash_file, package_versions
from codecbench.datasets.base import Clip
from codecbench.datasets.registry import DatasetSpec, get_dataset
from codecbench.reports.boards.at_hand import AtHand, find_at_hand
from codecbench.reports.boards.board import Board, BoardEntry, BoardIndex
from codecbench.reports.boards.contents import PackedClip, RunDescription
from codecbench.reports.boards.evidence import Evidence, check_audio, choose_sample, undecoded
from codecbench.reports.boards.plain import shown
from codecbench.reports.boards.repeating import Repetition
from codecbench.reports.boards.run_folder import write_run
from codecbench.reports.boards.unpacking import Bounds, Bundle, unpack_bundle
from codecbench.reports.mixing import find_differences

SAMPLE = 4
"""Clips that are computed again unless more are asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinOptions:
    """How a bundle is verified.

    Attributes:
        data: The references; None where the bundle holds them or the board knows them.
        sample: How many clips are computed again; None means all, 0 takes the values on trust.
        seed: Of the sample; None draws one that nobody could foresee.
        codecs: Specs of codecs here, for systems whose own spec names a file.
        on_trust: Metrics that are not computed again.
        by: Who adds the bundle.
        force: Whether runs of other data, references or definitions may be added, marked as such.
        bounds: How large a bundle may be.
        limits: Time and memory for one step.
    """

    data: DatasetSpec | None = None
    sample: int | None = SAMPLE
    seed: int | None = None
    codecs: tuple[str, ...] = ()
    on_trust: tuple[str, ...] = ()
    by: str = ""
    force: bool = False
    bounds: Bounds = field(default_factory=Bounds)
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """What became of a bundle.

    Attributes:
        entry: Its entry on the board.
        is_new: Whether it was added now; False where it stood there already.
    """

    entry: BoardEntry
    is_new: bool


def join_board(path: Path, folder: Path, options: JoinOptions | None = None) -> Joined:
    """Verify a bundle and add its run to a board; the board stays as it was where that fails.

    Args:
        path: The bundle.
        folder: The board; made where it is absent.
        options: How.

    Raises:
        BundleError: It does not verify; the message names the place and both values.
        ResultSchemaError: It must not stand beside the runs of the board; the message names the
            difference.
        NotAvailableError: A metric cannot be computed here.
        RunError: Somebody else adds to the board.
    """
    how = options or JoinOptions()
    if not path.is_file():
        msg = f"{path}: no such bundle"
        raise ConfigError(msg)
    board = Board(folder)
    with board.locked() as incoming:
        index = board.index()
        known = _known(index, bundle=hash_file(path))
        if known is not None:
            return Joined(entry=known, is_new=False)
        bundle = unpack_bundle(path, incoming, how.bounds)
        known = _known(index, content=bundle.manifest.content)
        if known is not None:
            return Joined(entry=known, is_new=False)
        described = bundle.contents.description
        mixed = _dataset_difference(board, index, described)
        if mixed and not how.force:
            raise ResultSchemaError(mixed[0])
        clips = _clips(bundle, board, index, how.data)
        with SupervisedChild(how.limits) as child:
            entry, at_hand = _verify(bundle, clips, child, incoming, how)
        name = described.dataset if mixed or not index.dataset else index.dataset
        write_run(incoming / "run", bundle, clips, at_hand.labels, name)
        new = read_results(incoming / "run")
        entry, mixed = _beside(board, index, new, entry, mixed, at_hand, force=how.force)
        # The paths of references that came along are those on the board from now on.
        kept = {clip_id: _moved(clip, incoming, folder) for clip_id, clip in clips.items()}
        if kept != clips:
            write_run(incoming / "run", bundle, kept, at_hand.labels, name)
        if not index.entries:
            index = replace(index, dataset=name, dataset_fingerprint=described.dataset_fingerprint)
        board.add(replace(entry, mixed=mixed), incoming, index)
    return Joined(entry=replace(entry, mixed=mixed), is_new=True)


def _known(index: BoardIndex, *, bundle: str = "", content: str = "") -> BoardEntry | None:
    return next(
        (each for each in index.entries if bundle == each.bundle or content == each.content), None
    )


def _dataset_difference(
    board: Board, index: BoardIndex, described: RunDescription
) -> tuple[str, ...]:
    if not index.entries or described.dataset_fingerprint == index.dataset_fingerprint:
        return ()
    with RunStore(board.run_folder(index.entries[0])) as store:
        theirs = {clip.id: clip.sha256 for clip in store.clips()}
    return (
        "results of different datasets cannot be mixed: "
        + _first_difference(described.clips, theirs, "on the board"),
    )


def _first_difference(clips: Sequence[PackedClip], others: Mapping[str, str], where: str) -> str:
    mine = {clip.id: clip.sha256 for clip in clips}
    for clip in mine:
        if clip not in others:
            return f"clip '{shown(clip)}' of the bundle is not {where} ({len(others)} clips)"
        if others[clip] != mine[clip]:
            return (
                f"clip '{shown(clip)}' has content {mine[clip][:12]}… in the bundle and "
                f"{others[clip][:12]}… {where}"
            )
    missing = next((clip for clip in others if clip not in mine), None)
    if missing is not None:
        return f"clip '{shown(missing)}' {where} is not in the bundle ({len(mine)} clips)"
    return f"the clips stand in another order {where}"


def _clips(
    bundle: Bundle, board: Board, index: BoardIndex, data: DatasetSpec | None
) -> dict[str, Clip]:
    """Return the clips with the paths and tags that count here.

    Tags come from the data, or from the board, where there is either: intervals hang on who
    speaks, and that is nothing for a stranger to decide.
    """
    described = bundle.contents.description
    if data is not None:
        dataset = get_dataset(data)
        if dataset.fingerprint != described.dataset_fingerprint:
            ours = {clip.id: clip.sha256 for clip in dataset.clips}
            msg = f"other data: {_first_difference(described.clips, ours, 'in --data')}"
            raise BundleError(msg)
        return {clip.id: clip for clip in dataset.clips}
    if index.dataset_fingerprint == described.dataset_fingerprint and index.entries:
        with RunStore(board.run_folder(index.entries[0])) as store:
            return {clip.id: clip for clip in store.clips()}
    found = {}
    for packed in described.clips:
        path = bundle.references.get(packed.sha256, Path())
        table = {name: getattr(packed, name) for name in PackedClip.__slots__}
        found[packed.id] = Clip(path=path, **table)
    return found


def _verify(
    bundle: Bundle,
    clips: Mapping[str, Clip],
    child: SupervisedChild,
    scratch: Path,
    how: JoinOptions,
) -> tuple[BoardEntry, AtHand]:
    """Compute again what was asked for, and say what was found."""
    described = bundle.contents.description
    check_audio(bundle, child)
    at_hand = find_at_hand(
        described,
        child,
        codecs=how.codecs,
        on_trust=how.on_trust if how.sample != 0 else [each.name for each in described.metrics],
    )
    evidence = None
    if how.sample != 0:
        absent = [clip for clip in clips.values() if not clip.problem and not clip.path.is_file()]
        if absent:
            msg = (
                f"the reference of clip '{shown(absent[0].id)}' is not here; name the data with "
                "--data, or give --sample 0 to take all values on trust"
            )
            raise BundleError(msg)
        seed = secrets.randbits(32) if how.seed is None else how.seed
        evidence = Repetition(
            bundle=bundle,
            at_hand=at_hand,
            references={clip.id: clip.path.resolve() for clip in clips.values()},
            child=child,
            scratch=scratch / "again",
            evidence=Evidence(seed=seed, clips=choose_sample(bundle, how.sample, seed)),
        ).run()
    manifest = bundle.manifest
    entry = BoardEntry(
        bundle=bundle.sha256,
        content=manifest.content,
        folder=bundle.sha256[:16],
        run=manifest.run,
        author=manifest.author,
        added=datetime.now(UTC).isoformat(timespec="seconds"),
        by=how.by,
        packed_with=manifest.codecbench,
        checked_with=package_versions(["codecbench"])["codecbench"],
        evidence=evidence,
        versions={name: each.versions for each in at_hand.metrics for name in each.outputs},
        undecoded=dict(undecoded(bundle, at_hand)),
        on_trust=how.on_trust,
        left_out=manifest.left_out,
        confirms=0,
        mixed=(),
    )
    return entry, at_hand


def _beside(
    board: Board,
    index: BoardIndex,
    new: RunResults,
    entry: BoardEntry,
    mixed: tuple[str, ...],
    at_hand: AtHand,
    *,
    force: bool,
) -> tuple[BoardEntry, tuple[str, ...]]:
    """Compare a run with those of the board, where both have the same cell.

    Raises:
        ResultSchemaError: They must not stand side by side.
        BundleError: A cell has two values.
    """
    if not index.entries:
        return entry, mixed
    there = [read_results(board.run_folder(each)) for each in index.entries]
    differences = [each.text for each in find_differences([*there, new]) if each.run == len(there)]
    if differences and not force:
        raise ResultSchemaError(differences[0])
    mixed = (*mixed, *differences)
    tolerances = {name: each.tolerance for each in at_hand.metrics for name in each.outputs}
    confirms = 0
    for run in there:
        confirms += _confirm(run, new, tolerances) if not mixed else 0
    return replace(entry, confirms=confirms), mixed


def _confirm(there: RunResults, new: RunResults, tolerances: Mapping[str, float]) -> int:
    """Count the cells that both have; refuse where they differ."""
    columns = ["codec", "fingerprint", "point", "condition", "clip", "metric"]
    wanted = [*columns, "value", "status"]
    both = there.frame[wanted].merge(new.frame[wanted], on=columns, suffixes=("_there", "_new"))
    for row in both.to_dict("records"):
        claimed, known = float(row["value_new"]), float(row["value_there"])
        slack = tolerances.get(str(row["metric"]), 0.0)
        if row["status_new"] != row["status_there"] or abs(claimed - known) > slack:
            where = ", ".join(str(row[name]) for name in columns if name != "fingerprint")
            msg = (
                f"{shown(where)}: {row['status_new']} {claimed:.9g} in the bundle, "
                f"{row['status_there']} {known:.9g} on the board from run {there.name}"
            )
            raise BundleError(msg)
    return len(both)


def _moved(clip: Clip, incoming: Path, folder: Path) -> Clip:
    """Return a clip with the path that its file will have on the board."""
    if not clip.path.is_relative_to(incoming):
        return clip
    return replace(clip, path=(folder / clip.path.relative_to(incoming)).resolve())
