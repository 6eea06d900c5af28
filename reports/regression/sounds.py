"""The clips that got worse, as files to listen to: reference, before, after."""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from codecbench.benchmark.cache import Cache
from codecbench.benchmark.objects import ObjectStore
from codecbench.benchmark.references import References, UnusableReferenceError
from codecbench.benchmark.store import Place
from codecbench.core.audio import Audio
from codecbench.core.audio_file import read_audio, write_audio
from codecbench.core.errors import SignalError
from codecbench.reports.regression.changes import Change, ClipChange
from codecbench.reports.regression.compare import ComparisonReport
from codecbench.reports.regression.side import Side

MAX_CLIPS = 30
"""Sounds of so many clips × codec points are copied; all others stay in the cache."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """One clip at one codec point.

    Attributes:
        row: The metric in which it got worse most.
        clip: Its scores.
        sounds: By "reference", "base" and "new", the file; one that is not there is missing.
        missing: Why sounds are missing; "" where none is.
    """

    row: Change
    clip: ClipChange
    sounds: dict[str, Path]
    missing: str


def worst_clips(report: ComparisonReport) -> list[tuple[Change, ClipChange]]:
    """Return the clips to listen to: rows that are worse first, largest share of tolerance first.

    A clip at a codec point is named once, for the metric in which it lost most.
    """

    def harm(row: Change, clip: ClipChange) -> float:
        return abs(clip.change) / max(row.judged.comparison.margin, 1e-12)

    found = [(row, clip) for row in report.changes.rows for clip in row.worst]
    found.sort(key=lambda one: (one[0].mark not in "+!", -harm(*one)))
    seen: set[tuple[object, ...]] = set()
    kept = []
    for row, clip in found:
        key = (row.pair.base, row.pair.new, row.condition, clip.clip)
        if key not in seen:
            seen.add(key)
            kept.append((row, clip))
    return kept[:MAX_CLIPS]


def copy_sounds(report: ComparisonReport, cache: Path, out: Path) -> list[Listening]:
    """Write the sounds of the worst clips into a folder, as FLAC without loss.

    Args:
        report: The comparison.
        cache: Where degraded audio lies.
        out: Folder for the sounds; an older one is replaced.
    """
    if out.is_dir():
        shutil.rmtree(out)
    chosen = worst_clips(report)
    if not chosen:
        return []
    out.mkdir(parents=True)
    objects, references = ObjectStore(cache / "objects"), References()
    known = Cache(cache)
    try:
        return [
            _listening(report, row, clip, objects, references, known, out / f"{number:02}")
            for number, (row, clip) in enumerate(chosen, start=1)
        ]
    finally:
        known.close()


def _listening(
    report: ComparisonReport,
    row: Change,
    clip: ClipChange,
    objects: ObjectStore,
    references: References,
    known: Cache,
    stem: Path,
) -> Listening:
    sounds: dict[str, Path] = {}
    missing: list[str] = []
    for word, side, where in (
        ("base", report.base, row.pair.base),
        ("new", report.new, row.pair.new),
    ):
        place = Place(codec=where[0], point=where[1], condition=row.condition, clip=clip.clip)
        audio = _degraded(side, place, objects, known)
        if audio is None:
            missing.append(f"{word}: no audio kept")
            continue
        sounds[word] = Path(f"{stem}-{word}.flac")
        write_audio(sounds[word], audio)
    path = Path(f"{stem}-reference.flac")
    if reason := _write_reference(report, clip.clip, references, path):
        missing.append(f"reference: {reason}")
    else:
        sounds["reference"] = path
    return Listening(row=row, clip=clip, sounds=sounds, missing="; ".join(missing))


def _degraded(side: Side, place: Place, objects: ObjectStore, known: Cache) -> Audio | None:
    """Return what was scored; None where it is gone or damaged."""
    digest = side.degraded.get(place, "")
    if not digest and place in side.keys:
        record = known.get([side.keys[place]]).get(side.keys[place], {})
        digest = str(record.get("degraded", ""))
    path = objects.find_audio(digest) if digest else None
    try:
        return None if path is None else read_audio(path)
    except SignalError:
        return None


def _write_reference(
    report: ComparisonReport, clip: str, references: References, path: Path
) -> str:
    """Write a reference at the rate of evaluation; return why not, "" where it went well."""
    for side in (report.new, report.base):
        known = side.clips[clip]
        if not known.path.is_file():
            continue
        try:
            audio = references.at_rate(str(known.path), known.sha256, side.sample_rate)
        except UnusableReferenceError as error:
            return error.reason
        with tempfile.TemporaryDirectory() as folder:
            draft = Path(folder) / "reference.flac"
            write_audio(draft, Audio.clip(audio.samples, side.sample_rate).quantize_16bit())
            shutil.copyfile(draft, path)
        return ""
    return "its file is not here"
