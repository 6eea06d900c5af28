"""LibriTTS and LibriTTS-R as they lie on disk."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from codecbench.datasets.corpus import CorpusSource, read_lines, sex_tag
from codecbench.datasets.folder import sound_files
from codecbench.datasets.librispeech import read_speakers
from codecbench.datasets.source import ClipEntry

Edition = Literal["original", "restored"]


class LibriTtsSource(CorpusSource):
    """English read speech, 24 kHz WAV: ``LibriTTS/<split>/<speaker>/<chapter>``.

    Source:
        Zen et al., Interspeech 2019, doi:10.21437/Interspeech.2019-2441; OpenSLR 60. LibriTTS-R:
        Koizumi et al., Interspeech 2023, doi:10.21437/Interspeech.2023-1584; OpenSLR 141.
    """

    corpus = "LibriTTS"
    folders = ("LibriTTS",)
    licence = "CC-BY-4.0"
    homepage = "https://www.openslr.org/60/"
    main_option = "split"

    def __init__(
        self,
        *,
        split: str = "test-clean",
        edition: Edition = "original",
        root: str | None = None,
    ) -> None:
        """Choose the split.

        Args:
            split: Such as ``test-clean``; several are joined by ``+``.
            edition: "restored" is LibriTTS-R, whose speech came out of a neural vocoder.
            root: The folder of the corpus, or the one that it lies in.
        """
        super().__init__(root=root)
        self.splits = split.split("+")
        if edition == "restored":
            self.corpus = "LibriTTS-R"
            self.folders = ("LibriTTS_R",)
            self.homepage = "https://www.openslr.org/141/"

    def entries(self) -> Sequence[ClipEntry]:
        """List the sentences by split, speaker, chapter and number."""
        return [entry for split in self.splits for entry in self._split(split)]

    def _split(self, split: str) -> list[ClipEntry]:
        folder = self.find(split)
        sexes = read_sexes(folder.parent)
        texts: dict[Path, dict[str, str]] = {}
        entries = []
        for path in sound_files(folder):
            speaker, chapter, *_ = (*path.stem.split("_"), "")
            if path.parent not in texts:
                texts[path.parent] = _texts(path.parent / f"{speaker}_{chapter}.trans.tsv")
            tags = self.tags(
                split=split,
                language="en",
                speaker=speaker,
                sex=sexes.get(speaker, ""),
                chapter=chapter,
                text=texts[path.parent].get(path.stem, ""),
            )
            entries.append(ClipEntry(id=path.stem, path=path, tags=tags))
        return entries


def read_sexes(folder: Path) -> dict[str, str]:
    """Return speaker to sex of ``SPEAKERS.txt``, or of ``speakers.tsv`` where that is all."""
    if (folder / "SPEAKERS.txt").is_file():
        return read_speakers(folder / "SPEAKERS.txt")
    rows = [line.split("\t") for line in read_lines(folder / "speakers.tsv")]
    return {row[0].strip(): sex_tag(row[1]) for row in rows if len(row) > 1}


def _texts(path: Path) -> dict[str, str]:
    """Return sentence to normalised text of a table of id, original, normalised."""
    rows = [line.split("\t") for line in read_lines(path)]
    return {row[0].strip(): row[2].strip() for row in rows if len(row) > 2}
