"""What was fetched, from where, under which licence, and every file of it with its hash."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from codecbench.core.errors import DatasetError
from codecbench.core.fingerprint import hash_file
from codecbench.datasets.archive import UnpackedFile

RECORDS = ".codecbench"
"""Folder below the data root for receipts and unfinished downloads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """An archive as it was downloaded.

    Attributes:
        url: From where.
        size: In bytes.
        sha256: Of its content.
        verified: Whether a published checksum agreed with it.
    """

    url: str
    size: int
    sha256: str
    verified: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The record of one package.

    Attributes:
        name: Of the package.
        title: For people.
        licence: SPDX identifier.
        licence_url: Its text.
        fetched: Date and time, UTC, ISO 8601.
        sources: The archives.
        files: Everything that was unpacked, relative to the data root.
    """

    name: str
    title: str
    licence: str
    licence_url: str
    fetched: str
    sources: tuple[Source, ...]
    files: tuple[UnpackedFile, ...]

    def write(self, root: Path) -> None:
        """Keep the receipt below the data root."""
        path = receipt_path(root, self.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".writing")
        draft.write_text(json.dumps(asdict(self), indent=1, ensure_ascii=False), "utf-8")
        draft.replace(path)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a receipt.

        Raises:
            DatasetError: It is absent or damaged.
        """
        try:
            value = json.loads(path.read_text("utf-8"))
            sources = tuple(Source(**item) for item in value.pop("sources"))
            files = tuple(UnpackedFile(**item) for item in value.pop("files"))
            return cls(**value, sources=sources, files=files)
        except FileNotFoundError as error:
            msg = f"{path}: no such receipt"
            raise DatasetError(msg) from error
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            msg = f"{path}: damaged receipt; delete it and fetch again"
            raise DatasetError(msg) from error


def receipt_path(root: Path, name: str) -> Path:
    """Return where the receipt of a package lies."""
    return root / RECORDS / f"{name.replace(':', '-').replace('/', '-')}.json"


def changed_files(root: Path, files: Sequence[UnpackedFile]) -> tuple[list[str], list[str]]:
    """Compare files with what they were when they were unpacked.

    Returns:
        The missing ones and the changed ones.
    """
    missing, changed = [], []
    for file in files:
        path = root / file.path
        if not path.is_file():
            missing.append(file.path)
        elif path.stat().st_size != file.size or hash_file(path) != file.sha256:
            changed.append(file.path)
    return missing, changed
