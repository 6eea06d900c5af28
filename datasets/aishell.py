"""AISHELL-1 as it lies on disk."""

from collections.abc import Sequence
from pathlib import Path

from codecbench.core.errors import DatasetError
from codecbench.datasets.corpus import CorpusSource, read_lines, read_transcripts, sex_tag
from codecbench.datasets.folder import sound_files
from codecbench.datasets.source import ClipEntry


class AishellSource(CorpusSource):
    """Mandarin read speech, 16 kHz WAV: ``data_aishell/wav/<split>/<speaker>``.

    Source:
        Bu et al., O-COCOSDA 2017, doi:10.1109/ICSDA.2017.8384449; OpenSLR 33.
    """

    corpus = "AISHELL-1"
    folders = ("data_aishell",)
    licence = "Apache-2.0"
    homepage = "https://www.openslr.org/33/"
    main_option = "split"

    def __init__(self, *, split: str = "test", root: str | None = None) -> None:
        """Choose the split.

        Args:
            split: train, dev or test; several are joined by ``+``.
            root: The folder of the corpus, or the one that it lies in.
        """
        super().__init__(root=root)
        self.splits = split.split("+")

    def entries(self) -> Sequence[ClipEntry]:
        """List the utterances by split, speaker and number.

        Raises:
            DatasetError: The corpus is not here, or the archives of its speakers are still packed.
        """
        return [entry for split in self.splits for entry in self._split(split)]

    def _split(self, split: str) -> list[ClipEntry]:
        for place in self.places():
            packed = sorted((place / "wav").glob("*.tar.gz"))
            if packed and not (place / "wav" / split).is_dir():
                msg = (
                    f"{place / 'wav'}: the archives of the speakers, such as {packed[0].name}, "
                    "are still packed; unpack each in place with: tar xzf"
                )
                raise DatasetError(msg)
        folder = self.find(f"wav/{split}")
        base = folder.parent.parent
        texts = read_transcripts(base / "transcript" / "aishell_transcript_v0.8.txt")
        sexes = _sexes(base)
        entries = []
        for path in sound_files(folder):
            speaker = path.parent.name
            tags = self.tags(
                split=split,
                language="zh",
                speaker=speaker,
                sex=sexes.get(speaker, ""),
                # Written word by word with blanks, which Mandarin does not have.
                text=texts.get(path.stem, "").replace(" ", ""),
            )
            entries.append(ClipEntry(id=path.stem, path=path, tags=tags))
        return entries


def _sexes(base: Path) -> dict[str, str]:
    """Return speaker to sex of ``speaker.info``, which comes in an archive of its own."""
    for place in (base.parent / "resource_aishell", base / "resource_aishell", base):
        rows = [line.split() for line in read_lines(place / "speaker.info")]
        if rows:
            return {f"S{row[0].lstrip('S')}": sex_tag(row[1]) for row in rows if len(row) > 1}
    return {}
