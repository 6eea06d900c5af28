"""EARS, expressive anechoic recordings of speech, as it lies on disk."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from codecbench.core.errors import DatasetError
from codecbench.datasets.corpus import CorpusSource, sex_tag
from codecbench.datasets.folder import sound_files
from codecbench.datasets.source import ClipEntry

Split = Literal["train", "valid", "test", "all"]
SPLITS = {"train": range(1, 100), "valid": range(100, 102), "test": range(102, 108)}
"""Speakers as the EARS benchmark divides them, https://github.com/sp-uhh/ears_benchmark."""
NO_SPEECH = ("melodic", "nonverbal", "vegetative")


class EarsSource(CorpusSource):
    """English in many styles, 48 kHz WAV: ``p001/<style>.wav`` to ``p107``.

    Source:
        Richter et al., Interspeech 2024, doi:10.21437/Interspeech.2024-153;
        https://github.com/facebookresearch/ears_dataset.
    """

    corpus = "EARS"
    folders = ("EARS", "ears", "ears_dataset")
    licence = "CC-BY-NC-4.0"
    homepage = "https://github.com/facebookresearch/ears_dataset"
    main_option = "split"

    def __init__(
        self,
        *,
        split: Split = "test",
        style: Literal["speech", "any"] = "speech",
        root: str | None = None,
    ) -> None:
        """Choose speakers and styles.

        Args:
            split: As the EARS benchmark divides the speakers.
            style: "speech" leaves out melodies, nonverbal and vegetative sounds.
            root: The folder that holds ``p001``, or the one that it lies in.
        """
        super().__init__(root=root)
        self.split = split
        self.style = style

    def entries(self) -> Sequence[ClipEntry]:
        """List the recordings by speaker and style.

        Raises:
            DatasetError: No speaker of this split is here, or a list is malformed.
        """
        base, speakers = self._speakers()
        people = _read_object(base / "speaker_statistics.json")
        texts = _read_object(base / "transcripts.json")
        entries = []
        for speaker, split in speakers.items():
            for path in sound_files(base / speaker):
                if self.style == "speech" and path.stem.startswith(NO_SPEECH):
                    continue
                person = people.get(speaker)
                gender = person.get("gender", "") if isinstance(person, Mapping) else ""
                text = texts.get(path.stem, "")
                tags = self.tags(
                    split=split,
                    language="en",
                    speaker=speaker,
                    sex=sex_tag(str(gender)),
                    style=path.stem,
                    text=text if isinstance(text, str) else "",
                )
                entries.append(ClipEntry(id=f"{speaker}/{path.stem}", path=path, tags=tags))
        return entries

    def _speakers(self) -> tuple[Path, dict[str, str]]:
        wanted = {
            f"p{number:03d}": split
            for split, numbers in SPLITS.items()
            if self.split in (split, "all")
            for number in numbers
        }
        for place in self.places():
            found = {name: split for name, split in wanted.items() if (place / name).is_dir()}
            if found:
                return place, found
            other = [path.name for path in place.glob("p[0-9][0-9][0-9]")]
            if other:
                msg = f"{self.corpus}: none of {_span(wanted)} in {place}, only {_span(other)}"
                raise DatasetError(msg)
        return self.find(next(iter(wanted))), {}


def _span(names: Sequence[str] | Mapping[str, str]) -> str:
    ordered = sorted(names)
    return ordered[0] if len(ordered) == 1 else f"{ordered[0]}–{ordered[-1]}"


def _read_object(path: Path) -> Mapping[str, object]:
    """Return the JSON object that comes with the repository, an empty one where it is absent."""
    try:
        value = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        why = re.sub(r"\s+", " ", str(error))
        msg = f"{path}: cannot be read: {why}"
        raise DatasetError(msg) from error
    if not isinstance(value, dict):
        msg = f"{path}: expected an object, found a {type(value).__name__}"
        raise DatasetError(msg)
    return value
