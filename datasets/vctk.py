"""VCTK 0.92 and 0.80 as they lie on disk."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from codecbench.core.errors import DatasetError
from codecbench.datasets.corpus import CorpusSource, read_lines, sex_tag
from codecbench.datasets.folder import sound_files
from codecbench.datasets.source import ClipEntry

Microphone = Literal["mic1", "mic2"]
WITHOUT_MIC2 = ("p280", "p315")
"""Speakers whose second microphone failed; speaker-info.txt of version 0.92 says so."""


class VctkSource(CorpusSource):
    """English of many accents, 48 kHz, one sentence per file, without an official split.

    Version 0.92 (FLAC, two microphones) lies in ``wav48_silence_trimmed/<speaker>``, version 0.80
    (WAV, one microphone) in ``wav48/<speaker>``; where both are there, 0.92 is taken.

    Source:
        Yamagishi, Veaux, MacDonald, 2019, doi:10.7488/ds/2645 (0.92) and doi:10.7488/ds/1994.
    """

    corpus = "VCTK"
    folders = ("VCTK-Corpus-0.92", "VCTK-Corpus")
    licence = "CC-BY-4.0"
    homepage = "https://doi.org/10.7488/ds/2645"

    def __init__(self, *, mic: Microphone = "mic2", root: str | None = None) -> None:
        """Choose the microphone.

        Args:
            mic: Of version 0.92. The two speakers whose second microphone failed are taken from
                the first; any other file without this microphone is left out.
            root: The folder of the corpus, or the one that it lies in.
        """
        super().__init__(root=root)
        self.mic = mic

    def entries(self) -> Sequence[ClipEntry]:
        """List the sentences by speaker and number.

        Raises:
            DatasetError: There is no VCTK here, or no sound in it.
        """
        base, trimmed = self._version()
        licence = self.licence if trimmed else "ODC-By-1.0"
        people = read_people(base / "speaker-info.txt")
        entries = []
        for path in sound_files(base / ("wav48_silence_trimmed" if trimmed else "wav48")):
            speaker = path.parent.name
            name, mic = path.stem, ""
            if trimmed:
                name, _, mic = path.stem.rpartition("_")
                if mic != ("mic1" if speaker in WITHOUT_MIC2 else self.mic):
                    continue
            sex, accent = people.get(speaker, ("", ""))
            text = " ".join(read_lines(base / "txt" / speaker / f"{name}.txt"))
            tags = self.tags(language="en", speaker=speaker, sex=sex, accent=accent, text=text)
            tags |= {"licence": licence} | ({"microphone": mic} if mic else {})
            entries.append(ClipEntry(id=name, path=path, tags=tags))
        if not entries:
            msg = f"{base}: holds no sound of {self.mic}"
            raise DatasetError(msg)
        return entries

    def _version(self) -> tuple[Path, bool]:
        for inside in ("wav48_silence_trimmed", "wav48"):
            for place in self.places():
                if (place / inside).is_dir():
                    return place, inside == "wav48_silence_trimmed"
        return self.find("wav48_silence_trimmed"), True


def read_people(path: Path) -> dict[str, tuple[str, str]]:
    """Return speaker to sex and accent of ``id age sex accent region``, columns set by blanks.

    Version 0.80 writes the ids without their ``p``; a missing age moves the other columns.
    """
    people: dict[str, tuple[str, str]] = {}
    for line in read_lines(path):
        speaker, *rest = line.split()
        at = next((n for n, word in enumerate(rest[:2]) if word in {"F", "M"}), None)
        if at is not None:
            accent = rest[at + 1] if len(rest) > at + 1 else ""
            people[f"p{speaker}" if speaker.isdigit() else speaker] = (sex_tag(rest[at]), accent)
    return people
