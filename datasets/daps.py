"""DAPS, the device and produced speech dataset, as it lies on disk."""

from collections.abc import Sequence

from codecbench.core.errors import DatasetError
from codecbench.datasets.corpus import CorpusSource
from codecbench.datasets.folder import sound_files
from codecbench.datasets.source import ClipEntry


class DapsSource(CorpusSource):
    """English scripts, 44.1 kHz WAV of minutes each: ``daps/<version>``; use it with ``crop_s``.

    The archive holds ``._*`` companions made by macOS, which are no sound and left out.

    Source:
        Mysore, IEEE Signal Processing Letters 2015, doi:10.1109/LSP.2014.2379648;
        doi:10.5281/zenodo.4660670.
    """

    corpus = "DAPS"
    folders = ("daps",)
    licence = "CC-BY-NC-4.0"
    homepage = "https://zenodo.org/records/4660670"
    main_option = "version"

    def __init__(self, *, version: str = "clean", root: str | None = None) -> None:
        """Choose the version.

        Args:
            version: clean, cleanraw, produced, or a device and room such as ``ipad_balcony1``.
            root: The folder of the corpus, or the one that it lies in.
        """
        super().__init__(root=root)
        self.version = version

    def entries(self) -> Sequence[ClipEntry]:
        """List the scripts by name.

        Raises:
            DatasetError: The corpus or this version of it is not here, or a file is of another.
        """
        entries = []
        for path in sound_files(self.find(self.version)):
            speaker, _, rest = path.stem.partition("_")
            script, _, version = rest.partition("_")
            if version != self.version or not script.startswith("script"):
                msg = f"{path}: expected <speaker>_script<n>_{self.version}.wav"
                raise DatasetError(msg)
            tags = self.tags(
                language="en",
                speaker=speaker,
                sex={"f": "F", "m": "M"}.get(speaker[:1], ""),
                script=script.removeprefix("script"),
                version=version,
            )
            entries.append(ClipEntry(id=path.stem, path=path, tags=tags))
        return entries
