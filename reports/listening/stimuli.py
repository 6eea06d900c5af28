"""What listeners hear: systems, anchors, and clips that tell who listens."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codecbench.adapters.registry import get_codec
from codecbench.benchmark.conditions.speech_level import active_speech_level
from codecbench.benchmark.objects import ObjectStore
from codecbench.benchmark.references import References, UnusableReferenceError
from codecbench.benchmark.results import RunResults
from codecbench.core.audio import Audio
from codecbench.core.audio_file import read_audio
from codecbench.core.errors import ConfigError
from codecbench.reports.run_sounds import ClipSounds, locate_sounds
from codecbench.reports.tables import system_name

LEVEL_DBOV = -26.0
"""Active speech level of what is played: ITU-T P.830 (02/1996), clause 8; by P.56."""
MNRU_Q_DB = (8, 16, 24, 32, 40)
"""Anchors over the whole scale, in steps of 8 dB."""
GOLD_Q_DB = -10
"""Noise 10 dB above the speech: nobody calls that good."""
GOLD_BEST, GOLD_WORST = 5, 1
"""What the clips with a known answer should get, within 1: the reference, and that noise."""
_BEEP_S, _PAUSE_S, _BEEP_HZ = 0.15, 0.25, 880.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stimulus:
    """One sound to be rated.

    Attributes:
        kind: "system", "reference" or "mnru"; "gold" has a known answer, "trap" tells its own.
        clip: Id of the clip; "" for a trap.
        system: Name of the condition, such as ``opus 6000``.
        codec: Canonical name of the system; "" where there is none.
        point: Its operating point.
        expected: The rating that a careful listener gives a gold or a trap; None otherwise.
        audio: The sound, levelled.
    """

    kind: str
    clip: str
    system: str
    codec: str = ""
    point: str = ""
    expected: int | None = None
    audio: Audio


def collect_stimuli(
    runs: Sequence[RunResults],
    merged: RunResults,
    clips: Sequence[str],
    cache: Path,
    *,
    points: Sequence[str] = (),
) -> list[Stimulus]:
    """Collect what is to be rated.

    Args:
        runs: The runs.
        merged: All of them as one.
        clips: Ids.
        cache: Where the degraded audio lies.
        points: Names of conditions that are wanted, such as ``opus 6000``; all where there are
            none.

    Raises:
        ConfigError: A name is not known, or sound is not there any more.
    """
    labels = {system.codec: system_name(system) for system in merged.systems}
    known = {
        f"{labels[system.codec]} {point.name}".strip()
        for system in merged.systems
        for point in system.points
        if system.kind != "anchor"
    }
    strange = sorted(set(points) - known)
    if strange:
        msg = f"no condition '{strange[0]}' in these runs; there are {', '.join(sorted(known))}"
        raise ConfigError(msg)
    wanted = set(points) or known
    store, references = ObjectStore(cache / "objects"), References()
    found: list[Stimulus] = []
    for clip in locate_sounds(runs, merged, clips):
        found += _of_clip(clip, labels, wanted, store, references)
    if not found:
        msg = "no clip of these runs has any sound"
        raise ConfigError(msg)
    first = found[0].audio
    found += [
        Stimulus(
            kind="trap",
            clip="",
            system=f"{count} beeps",
            expected=count,
            audio=beeps(count, first.sample_rate),
        )
        for count in (2, 4)
    ]
    return found


def _of_clip(
    clip: ClipSounds,
    labels: dict[str, str],
    wanted: set[str],
    store: ObjectStore,
    references: References,
) -> list[Stimulus]:
    try:
        reference = references.at_rate(clip.path, clip.sha256, clip.sample_rate)
    except UnusableReferenceError as error:
        msg = f"clip '{clip.clip}' cannot be played: {error.detail}"
        raise ConfigError(msg) from error
    found = [
        Stimulus(kind="reference", clip=clip.clip, system="reference", audio=levelled(reference))
    ]
    for track in clip.tracks:
        system = f"{labels[track.codec]} {track.point}".strip()
        if system not in wanted or track.condition != "clean":
            continue
        path = store.find_audio(track.digest)
        if path is None:
            msg = f"the sound of {system} is not in the cache {store.root} any more; run again"
            raise ConfigError(msg)
        found.append(
            Stimulus(
                kind="system",
                clip=clip.clip,
                system=system,
                codec=track.codec,
                point=track.point,
                audio=levelled(read_audio(path)),
            )
        )
    mnru = get_codec("mnru:q=" + "|".join(map(str, (*MNRU_Q_DB, GOLD_Q_DB))))
    for q in MNRU_Q_DB:
        degraded = mnru.decode(mnru.encode(reference, mnru.point(str(q))))
        found.append(
            Stimulus(kind="mnru", clip=clip.clip, system=f"MNRU {q} dB", audio=levelled(degraded))
        )
    worst = mnru.decode(mnru.encode(reference, mnru.point(str(GOLD_Q_DB))))
    for system, expected, audio in (
        ("gold: reference", GOLD_BEST, reference),
        ("gold: noise", GOLD_WORST, worst),
    ):
        found.append(
            Stimulus(
                kind="gold",
                clip=clip.clip,
                system=system,
                expected=expected,
                audio=levelled(audio),
            )
        )
    return found


def levelled(audio: Audio) -> Audio:
    """Bring speech to `LEVEL_DBOV`; lower where it would clip otherwise; silence stays."""
    level = active_speech_level(audio.samples, audio.sample_rate)
    if not math.isfinite(level):
        return audio
    samples = audio.samples.astype(np.float64) * 10 ** ((LEVEL_DBOV - level) / 20)
    peak = float(np.abs(samples).max())
    return Audio.clip(samples / max(1.0, peak / 0.999), audio.sample_rate).quantize_16bit()


def beeps(count: int, sample_rate: int) -> Audio:
    """Make the trap that needs no language: as many beeps as the rating that is asked for."""
    t = np.arange(round(_BEEP_S * sample_rate)) / sample_rate
    beep: NDArray[np.float64] = 0.1 * np.sin(2 * np.pi * _BEEP_HZ * t) * np.hanning(t.size)
    pause = np.zeros(round(_PAUSE_S * sample_rate))
    parts = [part for _ in range(count) for part in (beep, pause)]
    return Audio.clip(np.concatenate([pause, *parts]), sample_rate).quantize_16bit()
