"""Clips that are parts of files: cut once, kept by content, so that everybody can read them."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from tempfile import NamedTemporaryFile

import numpy as np

from codecbench.core.audio_file import RawSignal
from codecbench.core.errors import DatasetError
from codecbench.core.fingerprint import hash_pcm
from codecbench.datasets.source import ClipEntry, Span


def crop(entries: Sequence[ClipEntry], seconds: float, dataset: str) -> list[ClipEntry]:
    """Cut files into consecutive spans of one length, from their beginning.

    Args:
        entries: Whole files or spans; only headers are read.
        seconds: Length of a span.
        dataset: Name of the dataset, for messages.

    Returns:
        The spans, each with an id of its own. A file that cannot be read stays whole, so that
        reading it says why.

    Raises:
        DatasetError: Nothing is long enough.
    """
    with ThreadPoolExecutor(max(1, os.cpu_count() or 1)) as pool:
        durations = list(pool.map(_duration_s, entries))
    spans: list[ClipEntry] = []
    for entry, duration_s in zip(entries, durations, strict=True):
        if duration_s is None:
            spans.append(entry)
            continue
        begin = entry.span.start_s if entry.span else 0.0
        # A header in whole samples may fall short of the length by rounding alone.
        for number in range(int(duration_s / seconds + 1e-9)):
            span = Span(start_s=begin + number * seconds, seconds=seconds)
            name = f"{entry.id}@{number * seconds:g}-{(number + 1) * seconds:g}s"
            spans.append(replace(entry, id=name, span=span))
    if not spans:
        msg = f"no file of '{dataset}' is {seconds:g} s long; lower crop_s"
        raise DatasetError(msg)
    return spans


def _duration_s(entry: ClipEntry) -> float | None:
    import soundfile

    if entry.span is not None:
        return entry.span.seconds
    try:
        info = soundfile.info(entry.path)
    except (soundfile.LibsndfileError, OSError, RuntimeError, TypeError, ValueError):
        return None
    return float(info.frames) / float(info.samplerate)


def cut(raw: RawSignal, span: Span, path: Path) -> RawSignal:
    """Return the span of a signal.

    Raises:
        DatasetError: The signal ends before the span does.
    """
    start = round(span.start_s * raw.sample_rate)
    stop = round((span.start_s + span.seconds) * raw.sample_rate)
    if stop > raw.samples.size:
        have = raw.samples.size / raw.sample_rate
        msg = f"{path}: ends at {have:g} s, before {span.start_s + span.seconds:g} s"
        raise DatasetError(msg)
    return replace(raw, samples=raw.samples[start:stop].copy())


def keep(raw: RawSignal, folder: Path) -> Path:
    """Write a signal exactly as it is to a file named by its content, unless it is there.

    Args:
        raw: The signal; what 16-bit FLAC holds without loss is kept as that, anything else as
            floating-point WAV.
        folder: Where to.

    Raises:
        DatasetError: The folder cannot be written.
    """
    import soundfile

    name = hash_pcm(raw.samples, raw.sample_rate)
    scaled = raw.samples.astype(np.float64) * 32768.0
    # FLAC knows rates to 655,350 Hz.
    is_16bit = raw.sample_rate <= 655_350 and bool(
        np.isfinite(scaled).all()
        and (np.rint(scaled) == scaled).all()
        and (np.abs(scaled + 0.5) <= 32767.5).all()
    )
    path = folder / name[:2] / f"{name}.{'flac' if is_16bit else 'wav'}"
    if path.is_file():
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=path.parent, prefix=".writing-", delete=False) as temporary:
            try:
                soundfile.write(
                    temporary,
                    scaled.astype(np.int16) if is_16bit else raw.samples,
                    raw.sample_rate,
                    format="FLAC" if is_16bit else "WAV",
                    subtype="PCM_16" if is_16bit else "FLOAT",
                )
                temporary.flush()
                Path(temporary.name).replace(path)
            except BaseException:
                Path(temporary.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        msg = f"{path}: a crop cannot be written ({error.strerror or error})"
        raise DatasetError(msg) from error
    return path
