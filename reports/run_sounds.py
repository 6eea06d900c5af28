"""Where the sounds of a run lie: references by their files, degraded versions by their content."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from codecbench.benchmark.results import RunResults
from codecbench.benchmark.store import RunStore
from codecbench.core.cell import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One degraded version of a clip.

    Attributes:
        codec: Canonical name of the system.
        point: Operating point.
        condition: The treatment.
        digest: Content hash of the audio in the cache.
    """

    codec: str
    point: str
    condition: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipSounds:
    """The sounds of one clip.

    Attributes:
        clip: Its id.
        path: File of the reference.
        sha256: Content hash of the reference that was planned with.
        sample_rate: Rate of the evaluation, in Hz.
        seed: Of whatever is random in conditions.
        tracks: Degraded versions, in the order of systems and points.
    """

    clip: str
    path: str
    sha256: str
    sample_rate: int
    seed: int
    tracks: tuple[Track, ...]


def choose_clips(clips: Sequence[str], count: int | None) -> list[str]:
    """Choose clips evenly over the data set.

    Args:
        clips: In the order of the data set.
        count: How many; all where None.
    """
    if count is None or count >= len(clips):
        return list(clips)
    places = np.linspace(0, len(clips) - 1, count).round().astype(int).tolist()
    return [clips[place] for place in dict.fromkeys(places)]


def locate_sounds(
    runs: Sequence[RunResults], merged: RunResults, clips: Sequence[str]
) -> tuple[ClipSounds, ...]:
    """Find the sounds of some clips.

    Args:
        runs: The runs; their folders are read.
        merged: All of them as one, whose names count.
        clips: Ids.

    Returns:
        The clips that a run has, in the order asked for.
    """
    order = {
        (system.codec, point.name): place
        for place, (system, point) in enumerate(
            (system, point) for system in merged.systems for point in system.points
        )
    }
    references: dict[str, tuple[str, str, int, int]] = {}
    tracks: dict[str, list[Track]] = {clip: [] for clip in clips}
    for run in runs:
        with RunStore(run.folder) as store:
            facts = store.facts()
            rate, seed = int(str(facts["sample_rate"])), int(str(facts.get("seed", 0)))
            for clip in store.clips():
                references.setdefault(clip.id, (str(clip.path), clip.sha256, rate, seed))
            encodings = store.encodings()
        names = _merged_names(run, merged)
        for place, row in encodings.items():
            codec = names.get(place.codec, "")
            known = place.clip in tracks and (codec, place.point) in order
            if known and row.status is Status.OK:
                track = Track(
                    codec=codec,
                    point=place.point,
                    condition=place.condition,
                    digest=str(row.record["degraded"]),
                )
                tracks[place.clip].append(track)
    return tuple(
        ClipSounds(
            clip=clip,
            path=references[clip][0],
            sha256=references[clip][1],
            sample_rate=references[clip][2],
            seed=references[clip][3],
            tracks=tuple(sorted(tracks[clip], key=lambda each: order[each.codec, each.point])),
        )
        for clip in clips
        if clip in references
    )


def _merged_names(run: RunResults, merged: RunResults) -> dict[str, str]:
    """Return what each system of a run is called among all; see `merge_results`."""
    known = {system.codec for system in merged.systems}
    names = {}
    for system in run.systems:
        for name in (f"{system.codec} [{system.fingerprint[:12]}]", system.codec):
            if name in known:
                names[system.codec] = name
                break
    return names
