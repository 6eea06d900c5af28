"""Multilingual LibriSpeech as it lies on disk."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from codecbench.core.errors import DatasetError
from codecbench.datasets.corpus import CorpusSource, read_lines, read_transcripts, sex_tag
from codecbench.datasets.folder import sound_files
from codecbench.datasets.source import ClipEntry

Language = Literal[
    "dutch", "english", "french", "german", "italian", "polish", "portuguese", "spanish"
]
CODES = {
    "dutch": "nl",
    "english": "en",
    "french": "fr",
    "german": "de",
    "italian": "it",
    "polish": "pl",
    "portuguese": "pt",
    "spanish": "es",
}


class MlsSource(CorpusSource):
    """Read speech of eight languages, 16 kHz FLAC: ``mls_<language>/<split>/audio``.

    The Opus edition is refused: what a codec has coded before is no reference for codecs.

    Source:
        Pratap et al., Interspeech 2020, doi:10.21437/Interspeech.2020-2826; OpenSLR 94.
    """

    corpus = "MLS"
    licence = "CC-BY-4.0"
    homepage = "https://www.openslr.org/94/"
    main_option = "language"

    def __init__(self, *, language: Language, split: str = "test", root: str | None = None) -> None:
        """Choose language and split.

        Args:
            language: In English, as in the folders' names.
            split: train, dev or test; several are joined by ``+``.
            root: The folder of the corpus, or the one that it lies in.
        """
        super().__init__(root=root)
        self.language = language
        self.folders = (f"mls_{language}",)
        self.splits = split.split("+")

    def entries(self) -> Sequence[ClipEntry]:
        """List the utterances by split, speaker, book and number.

        Raises:
            DatasetError: The corpus is not here, or only its Opus edition is.
        """
        return [entry for split in self.splits for entry in self._split(split)]

    def _split(self, split: str) -> list[ClipEntry]:
        opus = self.root / f"mls_{self.language}_opus"
        if opus.is_dir() and not (self.root / self.folders[0]).is_dir():
            msg = f"{opus}: the Opus edition is lossy and no reference; use the FLAC edition"
            raise DatasetError(msg)
        audio = self.find(f"{split}/audio")
        texts = read_transcripts(audio.parent / "transcripts.txt", "\t")
        sexes = _sexes(audio.parent.parent / "metainfo.txt")
        entries = []
        for path in sound_files(audio):
            if path.suffix.lower() == ".opus":
                msg = f"{path}: the Opus edition is lossy and no reference; use the FLAC edition"
                raise DatasetError(msg)
            speaker, book, *_ = (*path.stem.split("_"), "")
            tags = self.tags(
                split=split,
                language=CODES[self.language],
                speaker=speaker,
                sex=sexes.get(speaker, ""),
                book=book,
                text=texts.get(path.stem, ""),
            )
            entries.append(ClipEntry(id=path.stem, path=path, tags=tags))
        return entries


def _sexes(path: Path) -> dict[str, str]:
    """Return speaker to sex of a table ``speaker | gender | partition | …`` with a header."""
    rows = [line.split("|") for line in read_lines(path)]
    return {row[0].strip(): sex_tag(row[1]) for row in rows[1:] if len(row) > 1}
