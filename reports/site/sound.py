"""The sound of some clips: references and degraded versions, in scripts that pages can load.

A page that was opened from a file may not read other files, but it may run scripts; so each sound
is FLAC in a script, base64, without any loss.
"""

import base64
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from codecbench.benchmark.objects import ObjectStore
from codecbench.benchmark.references import References, UnusableReferenceError
from codecbench.benchmark.results import RunResults
from codecbench.benchmark.store import RunStore
from codecbench.core.audio import Audio
from codecbench.core.audio_file import write_audio
from codecbench.core.cell import Status
from codecbench.core.fingerprint import Json
from codecbench.reports.site.cells import script


@dataclass(frozen=True, slots=True, kw_only=True)
class Sounds:
    """Which sounds a site has.

    Attributes:
        clips: By clip: ``reference``, name of a sound, and ``tracks``, names by
            ``system,point,condition`` (numbers of the first two).
        missing: Why sounds that were asked for are not there, with counts.
    """

    clips: dict[str, Json]
    missing: dict[str, int]


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
    for run in runs:
        with RunStore(run.folder) as store:
            rate = int(str(store.facts()["sample_rate"]))
            paths = {clip.id: (str(clip.path), clip.sha256) for clip in store.clips()}
            encodings = store.encodings()
        for clip in clips:
            if clip in paths and clip not in found:
                reference = writer.reference(*paths[clip], rate)
                found[clip] = {"reference": reference, "tracks": {}}
        names = _merged_names(run, merged)
        for place, row in encodings.items():
            codec = names.get(place.codec)
            point = points.get((codec or "", place.point))
            if place.clip in found and codec is not None and point is not None:
                if row.status is not Status.OK:
                    continue
                tracks = found[place.clip]["tracks"]
                sound = writer.degraded(str(row.record["degraded"]))
                if sound is not None and isinstance(tracks, dict):
                    tracks[f"{numbers[codec]},{point},{place.condition}"] = sound
    return Sounds(clips=dict(found), missing=writer.missing)


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


class _Writer:
    """Writes each sound once, under the hash of what it holds."""

    def __init__(self, store: ObjectStore, out: Path) -> None:
        self.missing: dict[str, int] = {}
        self._store = store
        self._out = out
        self._references = References()

    def reference(self, path: str, sha256: str, rate: int) -> str | None:
        try:
            audio = self._references.at_rate(path, sha256, rate)
        except UnusableReferenceError as error:
            self._lack(f"reference: {error.reason}")
            return None
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "reference.flac"
            write_audio(file, Audio.clip(audio.samples, rate).quantize_16bit())
            return self._put(audio.sha256, file.read_bytes())

    def degraded(self, digest: str) -> str | None:
        path = self._store.audio_path(digest)
        if not path.is_file():
            self._lack("degraded audio: not in the cache any more")
            return None
        return self._put(digest, path.read_bytes())

    def _lack(self, reason: str) -> None:
        self.missing[reason] = self.missing.get(reason, 0) + 1

    def _put(self, digest: str, flac: bytes) -> str:
        name = digest[:24]
        path = self._out / f"{name}.js"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            text = script("codecbench.receiveSound", name, base64.b64encode(flac).decode())
            path.write_text(text, encoding="ascii", newline="\n")
        return name
