"""Pairs of reference and degraded files, for scoring what was decoded elsewhere."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from codecbench.core.audio_file import AUDIO_SUFFIXES
from codecbench.core.errors import DatasetError
from codecbench.datasets.folder import by_stem, sound_files
from codecbench.datasets.manifest import is_file, name_without_suffix
from codecbench.datasets.table import Row, read_table

_SHOWN = 3
"""Names that a message lists before it counts the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A signal before and after a codec.

    Attributes:
        id: Unique among the pairs.
        reference: Sound file before.
        degraded: Sound file after; it may be missing, which is the codec's failure to show.
        tags: Facts that reports can group by.
    """

    id: str
    reference: Path
    degraded: Path
    tags: Mapping[str, str] = field(default_factory=dict)


def get_pairs(
    reference: str | os.PathLike[str], degraded: str | os.PathLike[str] | None = None
) -> tuple[Pair, ...]:
    """Find pairs the way ``codecbench score`` takes them.

    Args:
        reference: A pair list (``.csv`` or ``.jsonl``), or with `degraded`, a folder or a file.
        degraded: A folder or a file, as the reference is.

    Raises:
        DatasetError: The paths are missing, not of one kind, or do not pair.
    """
    before = Path(reference).expanduser().absolute()
    if degraded is None:
        return read_pair_list(before)
    after = Path(degraded).expanduser().absolute()
    for path in (before, after):
        if not path.exists():
            msg = f"{path}: no such file or folder"
            raise DatasetError(msg)
    if before.is_dir() and after.is_dir():
        return pair_folders(before, after)
    if before.is_dir() or after.is_dir():
        msg = f"{before} and {after}: give two folders or two files"
        raise DatasetError(msg)
    for path in (before, after):
        if path.suffix.lower() not in AUDIO_SUFFIXES:
            msg = f"{path}: no sound file ({', '.join(AUDIO_SUFFIXES)})"
            raise DatasetError(msg)
    return (Pair(id=after.stem, reference=before, degraded=after),)


def read_pair_list(path: Path) -> tuple[Pair, ...]:
    """Read a pair list.

    Args:
        path: A table with the columns ``reference`` and ``degraded``, relative to its folder;
            ``id`` where the path of the degraded file without its suffix will not do; every other
            column is a tag. One reference may stand in many lines.

    Raises:
        DatasetError: The table is malformed, an id stands twice, a reference does not exist, or
            not one degraded file does.
    """
    path = path.expanduser().absolute()
    pairs: dict[str, Pair] = {}
    for row in read_table(path):
        pair = _pair(row, path.parent)
        if pair.id in pairs:
            msg = f"{row.where}: id '{pair.id}' stands twice; give each line its own id"
            raise DatasetError(msg)
        pairs[pair.id] = pair
    found = list(pairs.values())
    if not any(is_file(pair.degraded) for pair in found):
        msg = f"{path}: none of the degraded files exists, such as {found[0].degraded}"
        raise DatasetError(msg)
    return tuple(found)


def _pair(row: Row, folder: Path) -> Pair:
    for column in ("reference", "degraded"):
        if column not in row.fields:
            msg = (
                f"{row.where}: no value for '{column}'; found {', '.join(row.fields) or 'nothing'}"
            )
            raise DatasetError(msg)
    reference = folder / row.fields["reference"]
    if not is_file(reference):
        msg = f"{row.where}: no such file {reference} (paths are relative to {folder})"
        raise DatasetError(msg)
    degraded = row.fields["degraded"]
    known = {"id", "reference", "degraded"}
    return Pair(
        id=row.fields.get("id") or name_without_suffix(degraded),
        reference=reference,
        degraded=folder / degraded,
        tags={key: value for key, value in row.fields.items() if key not in known},
    )


def pair_folders(reference: Path, degraded: Path) -> tuple[Pair, ...]:
    """Pair the sound files of two folders by relative path without suffix, in sorted order.

    Nothing is guessed from similar names: what has no partner is refused, because a codec that
    lost a file would otherwise look better than one that did not.

    Raises:
        DatasetError: A folder is missing or empty, two files of one folder have one name, or a
            file has no partner.
    """
    before = by_stem(reference, sound_files(reference))
    after = by_stem(degraded, sound_files(degraded))
    lonely = [
        f"{_names(names)} only in {folder}"
        for names, folder in (
            ([name for name in before if name not in after], reference),
            ([name for name in after if name not in before], degraded),
        )
        if names
    ]
    if lonely:
        msg = f"unpaired files: {'; '.join(lonely)}; name the pairs in a CSV: reference,degraded"
        raise DatasetError(msg)
    if not before:
        msg = f"{reference} and {degraded} hold no sound files ({', '.join(AUDIO_SUFFIXES)})"
        raise DatasetError(msg)
    return tuple(
        Pair(id=name, reference=path, degraded=after[name]) for name, path in before.items()
    )


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    rest = len(names) - _SHOWN
    return f"{shown} and {rest} more" if rest > 0 else shown
