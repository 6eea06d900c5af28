"""The sound of some clips: references and degraded versions, in scripts that pages can load.

A page that was opened from a file may not read other files, but it may run scripts; so each sound
is FLAC in a script, base64, without any loss.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from codecbench.benchmark.conditions.spec import CLEAN
from codecbench.benchmark.framing import Message
from codecbench.benchmark.objects import ObjectStore
from codecbench.benchmark.references import References, UnusableReferenceError
from codecbench.benchmark.results import RunResults
from codecbench.core.audio import Audio
from codecbench.core.audio_file import encode_audio, read_audio
from codecbench.core.errors import NotAvailableError, SignalError
from codecbench.core.fingerprint import Json
from codecbench.reports.run_sounds import ClipSounds, locate_sounds
from codecbench.reports.site.cells import script


@dataclass(frozen=True, slots=True, kw_only=True)
class Sounds:
    """Which sounds a site has.

    Attributes:
        clips: By clip: ``references``, names of sounds by condition, and ``tracks``, names by
            ``system,point,condition`` (numbers of the first two).
        missing: Why sounds that were asked for are not there, with counts.
    """

    clips: dict[str, Json]
    missing: dict[str, int]


def write_sounds(
    runs: Sequence[RunResults],
    merged: RunResults,
    clips: Sequence[str],
    cache: Path,
    out: Path,
) -> Sounds:
    """Write the sounds of some clips.

    Args:
        runs: The runs; their folders are read.
        merged: All of them as one, whose names count.
        clips: Ids.
        cache: Where the degraded audio lies.
        out: Folder for the scripts.
    """
    writer = _Writer(ObjectStore(cache / "objects"), out)
    numbers = {system.codec: index for index, system in enumerate(merged.systems)}
    points = {
        (system.codec, point.name): place
        for system in merged.systems
        for place, point in enumerate(system.points)
    }
    found: dict[str, dict[str, Json]] = {}
    for clip in locate_sounds(runs, merged, clips):
        tracks: dict[str, Json] = {}
        for track in clip.tracks:
            sound = writer.degraded(track.digest)
            if sound is not None:
                point = points[track.codec, track.point]
                tracks[f"{numbers[track.codec]},{point},{track.condition}"] = sound
        conditions = dict.fromkeys(track.condition for track in clip.tracks)
        references: dict[str, Json] = {}
        for condition in conditions or (CLEAN,):
            sound = writer.reference(clip, condition)
            if sound is not None:
                references[condition] = sound
        found[clip.clip] = {"references": references, "tracks": tracks}
    return Sounds(clips=dict(found), missing=writer.missing)


class _Writer:
    """Writes each sound once, under the hash of what it holds."""

    def __init__(self, store: ObjectStore, out: Path) -> None:
        self.missing: dict[str, int] = {}
        self._store = store
        self._out = out
        self._references = References()

    def reference(self, clip: ClipSounds, condition: str) -> str | None:
        """Put what metrics took for the reference under a condition."""
        rate = clip.sample_rate
        request: Message = {
            "path": clip.path,
            "sha256": clip.sha256,
            "clip": clip.clip,
            "condition": condition,
            "seed": clip.seed,
        }
        try:
            audio = self._references.scored(request, rate)
        except UnusableReferenceError as error:
            self._lack(f"reference: {error.reason}")
            return None
        except NotAvailableError as error:
            self._lack(f"reference: {error}")
            return None
        return self._put(audio.sha256, Audio.clip(audio.samples, rate).quantize_16bit())

    def degraded(self, digest: str) -> str | None:
        path = self._store.find_audio(digest)
        if path is None:
            self._lack("degraded audio: not in the cache any more")
            return None
        try:
            return self._put(digest, read_audio(path))
        except SignalError:
            self._lack("degraded audio: damaged in the cache")
            return None

    def _lack(self, reason: str) -> None:
        self.missing[reason] = self.missing.get(reason, 0) + 1

    def _put(self, digest: str, audio: Audio) -> str:
        name = digest[:24]
        path = self._out / f"{name}.js"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            flac = encode_audio(audio, ".flac")
            text = script("codecbench.receiveSound", name, base64.b64encode(flac).decode())
            path.write_text(text, encoding="ascii", newline="\n")
        return name
