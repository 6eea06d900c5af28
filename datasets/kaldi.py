"""Kaldi data folders: ``wav.scp`` with its companions."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from codecbench.core.errors import DatasetError
from codecbench.datasets.corpus import read_lines, read_transcripts, sex_tag
from codecbench.datasets.source import ClipEntry, DatasetSource, Span


class KaldiSource(DatasetSource):
    """A folder with ``wav.scp``, and where they are there ``segments``, ``utt2spk``, ``spk2gender``
    and ``text``.

    Entries that are commands (``sox … |``) or places in archives (``x.ark:123``) are refused: a
    list of data must not run programs.

    Source:
        https://kaldi-asr.org/doc/data_prep.html.
    """  # noqa: D205

    main_option = "path"

    def __init__(self, *, path: str, language: str | None = None, base: str | None = None) -> None:
        """Remember the folder.

        Args:
            path: The data folder, or its ``wav.scp``.
            language: Tag for all clips.
            base: Folder that relative paths start from; Kaldi itself takes the current one.
        """
        given = Path(path).expanduser().absolute()
        self.scp = given / "wav.scp" if given.is_dir() else given
        self.language = language
        self.base = Path(base).expanduser().absolute() if base else Path.cwd()

    def entries(self) -> Sequence[ClipEntry]:
        """List the utterances in the order of ``segments`` or ``wav.scp``.

        Raises:
            DatasetError: A list is malformed or absent, an entry is a command, or a segment is
                of a recording that is not listed.
        """
        folder = self.scp.parent
        recordings = self._recordings()
        speakers = read_transcripts(folder / "utt2spk")
        sexes = read_transcripts(folder / "spk2gender")
        texts = read_transcripts(folder / "text")
        entries: dict[str, ClipEntry] = {}
        for name, path, span in _utterances(folder / "segments", recordings):
            if name in entries:
                msg = f"{folder}: utterance '{name}' stands twice"
                raise DatasetError(msg)
            speaker = speakers.get(name, "")
            known = {
                "speaker": speaker,
                "sex": sex_tag(sexes.get(speaker, "")),
                "language": self.language or "",
                "text": texts.get(name, ""),
            }
            tags = {key: value for key, value in known.items() if value}
            entries[name] = ClipEntry(id=name, path=path, tags=tags, span=span)
        return list(entries.values())

    def _recordings(self) -> dict[str, Path]:
        if not self.scp.is_file():
            msg = f"{self.scp}: no such file"
            raise DatasetError(msg)
        found: dict[str, Path] = {}
        for number, line in enumerate(read_lines(self.scp), start=1):
            name, *rest = line.split(None, 1)
            target = rest[0].strip() if rest else ""
            _refuse(f"{self.scp}, entry {number}", name, target)
            if name in found:
                msg = f"{self.scp}: recording '{name}' stands twice"
                raise DatasetError(msg)
            found[name] = self.base / target
        if not found:
            msg = f"{self.scp}: holds no entries"
            raise DatasetError(msg)
        return found


def _refuse(where: str, name: str, target: str) -> None:
    if not target:
        msg = f"{where}: '{name}' has no path"
    elif target.endswith("|") or target.startswith("|"):
        msg = f"{where}: '{name}' is a command, not a file; run it once and list what it writes"
    elif ".ark:" in target or target == "-":
        msg = f"{where}: '{name}' lies in an archive; write it as a file of its own"
    else:
        return
    raise DatasetError(msg)


def _utterances(path: Path, recordings: Mapping[str, Path]) -> list[tuple[str, Path, Span | None]]:
    """Return name, file and span of every utterance; without segments, recordings are these."""
    if not path.is_file():
        return [(name, file, None) for name, file in recordings.items()]
    found: list[tuple[str, Path, Span | None]] = []
    for number, line in enumerate(read_lines(path), start=1):
        where = f"{path}, entry {number}"
        try:
            name, recording, begin, end = line.split()
            start_s, end_s = float(begin), float(end)
        except ValueError as error:
            msg = f"{where}: expected 'utterance recording start end', found '{line.strip()}'"
            raise DatasetError(msg) from error
        if recording not in recordings:
            msg = f"{where}: recording '{recording}' is not in wav.scp"
            raise DatasetError(msg)
        if not 0 <= start_s < end_s < float("inf"):
            msg = f"{where}: '{name}' ends before it begins"
            raise DatasetError(msg)
        found.append((name, recordings[recording], Span(start_s=start_s, seconds=end_s - start_s)))
    return found
