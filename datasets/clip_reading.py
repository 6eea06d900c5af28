"""From a file to a `Clip`: its content hash, rate and duration, or why it cannot be read."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from codecbench.core.audio_file import read_signal
from codecbench.core.errors import AudioFormatError
from codecbench.core.fingerprint import hash_pcm
from codecbench.datasets.base import Clip
from codecbench.datasets.source import ClipEntry

MAX_THREADS = 16
"""More threads than this wait for the disk or for one another."""


def read_clip(entry: ClipEntry) -> Clip:
    """Read one file.

    Whatever can be decoded is a clip: silence, NaN or a length of zero is for the screening of
    references to judge. Only a file that is missing or no sound has a `Clip.problem`.

    Returns:
        The clip; with a problem it has rate and duration 0 and an empty hash.
    """
    try:
        raw = read_signal(entry.path)
    except (AudioFormatError, OSError, ValueError, MemoryError) as error:
        # OSError: a name too long or a folder that may not be entered; MemoryError: a header
        # that promises more samples than any machine holds.
        return Clip(
            id=entry.id,
            path=entry.path,
            sample_rate=0,
            seconds=0.0,
            sha256="",
            problem=str(error) or type(error).__name__,
            tags=dict(entry.tags),
        )
    return Clip(
        id=entry.id,
        path=entry.path,
        sample_rate=raw.sample_rate,
        seconds=raw.samples.size / raw.sample_rate,
        sha256=hash_pcm(raw.samples, raw.sample_rate),
        channels=raw.channels,
        tags=dict(entry.tags),
    )


def read_clips(entries: Sequence[ClipEntry]) -> tuple[Clip, ...]:
    """Read many files in threads, in the order given; libsndfile and hashing need no GIL."""
    threads = max(1, min(MAX_THREADS, os.cpu_count() or 1, len(entries)))
    with ThreadPoolExecutor(threads, thread_name_prefix="read-clip") as pool:
        return tuple(pool.map(read_clip, entries))
