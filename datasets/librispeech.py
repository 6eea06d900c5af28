"""LibriSpeech (and Mini LibriSpeech) as it lies on disk."""

from collections.abc import Sequence
from pathlib import Path

from codecbench.datasets.corpus import CorpusSource, read_lines, read_transcripts, sex_tag
from codecbench.datasets.folder import sound_files
from codecbench.datasets.source import ClipEntry


class LibriSpeechSource(CorpusSource):
    """English read speech, 16 kHz FLAC made from MP3: ``LibriSpeech/<split>/<speaker>/<chapter>``.

    Source:
        Panayotov et al., ICASSP 2015, doi:10.1109/ICASSP.2015.7178964; OpenSLR 12 and 31.
    """

    corpus = "LibriSpeech"
    folders = ("LibriSpeech",)
    licence = "CC-BY-4.0"
    homepage = "https://www.openslr.org/12/"
    main_option = "split"

    def __init__(self, *, split: str = "test-clean", root: str | None = None) -> None:
        """Choose the split.

        Args:
            split: Such as ``test-clean``; several are joined by ``+``.
            root: The folder of the corpus, or the one that it lies in.
        """
        super().__init__(root=root)
        self.splits = split.split("+")

    def entries(self) -> Sequence[ClipEntry]:
        """List the utterances by split, speaker, chapter and number."""
        return [entry for split in self.splits for entry in self._split(split)]

    def _split(self, split: str) -> list[ClipEntry]:
        folder = self.find(split)
        sexes = read_speakers(folder.parent / "SPEAKERS.TXT")
        texts: dict[Path, dict[str, str]] = {}
        entries = []
        for path in sound_files(folder):
            speaker, _, chapter = path.stem.rpartition("-")[0].partition("-")
            if path.parent not in texts:
                name = f"{speaker}-{chapter}.trans.txt"
                texts[path.parent] = read_transcripts(path.parent / name)
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


def read_speakers(path: Path) -> dict[str, str]:
    """Return speaker to sex of a table ``id | sex | subset | minutes | name``.

    Only the first columns are looked at: the name of one reader holds the separator itself.
    """
    sexes: dict[str, str] = {}
    for line in read_lines(path):
        if not line.startswith(";"):
            speaker, _, rest = line.partition("|")
            sexes[speaker.strip()] = sex_tag(rest.partition("|")[0])
    return sexes
