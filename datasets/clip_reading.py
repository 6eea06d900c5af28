"""From a file to a `Clip`: its content hash, rate and duration, or why it cannot be read."""

import itertools
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import platformdirs

from codecbench.core.audio_file import RawSignal, read_signal
from codecbench.core.errors import AudioFormatError, DatasetError
from codecbench.core.fingerprint import hash_pcm
from codecbench.datasets.base import Clip
from codecbench.datasets.cropping import cut, keep
from codecbench.datasets.source import ClipEntry

MAX_THREADS = 16
"""More threads than this wait for the disk or for one another."""


def crops_folder() -> Path:
    """Return where parts of files are kept as files of their own."""
    return platformdirs.user_cache_path("codecbench") / "crops"


def read_clip(entry: ClipEntry) -> Clip:
    """Read one file, or the part of it that an entry names.

    Whatever can be decoded is a clip: silence, NaN or a length of zero is for the screening of
    references to judge. Only a file that is missing or no sound has a `Clip.problem`.

    Returns:
        The clip; with a problem it has rate and duration 0 and an empty hash.

    Raises:
        DatasetError: A part of a file cannot be kept.
    """
    return _read_file([entry])[0]


def read_clips(entries: Sequence[ClipEntry]) -> tuple[Clip, ...]:
    """Read many files in threads, in the order given; libsndfile and hashing need no GIL."""
    files = [list(group) for _, group in itertools.groupby(entries, lambda entry: entry.path)]
    threads = max(1, min(MAX_THREADS, os.cpu_count() or 1, len(files)))
    with ThreadPoolExecutor(threads, thread_name_prefix="read-clip") as pool:
        return tuple(itertools.chain.from_iterable(pool.map(_read_file, files)))


def _read_file(entries: Sequence[ClipEntry]) -> list[Clip]:
    """Read all entries of one file, which is decoded once."""
    try:
        raw = read_signal(entries[0].path)
    except (AudioFormatError, OSError, ValueError, MemoryError) as error:
        # OSError: a name too long or a folder that may not be entered; MemoryError: a header
        # that promises more samples than any machine holds.
        return [_unreadable(entry, str(error) or type(error).__name__) for entry in entries]
    return [_clip(entry, raw) for entry in entries]


def _clip(entry: ClipEntry, raw: RawSignal) -> Clip:
    path = entry.path
    if entry.span is not None:
        try:
            raw = cut(raw, entry.span, entry.path)
        except DatasetError as error:
            return _unreadable(entry, str(error))
        path = keep(raw, crops_folder())
    return Clip(
        id=entry.id,
        path=path,
        sample_rate=raw.sample_rate,
        seconds=raw.samples.size / raw.sample_rate,
        sha256=hash_pcm(raw.samples, raw.sample_rate),
        channels=raw.channels,
        tags=dict(entry.tags),
    )


def _unreadable(entry: ClipEntry, why: str) -> Clip:
    return Clip(
        id=entry.id,
        path=entry.path,
        sample_rate=0,
        seconds=0.0,
        sha256="",
        problem=why,
        tags=dict(entry.tags),
    )
