"""Fetching corpora: what there is, getting it, and checking that it is still what it was."""

import fcntl
import logging
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from codecbench.core.audio_file import AUDIO_SUFFIXES
from codecbench.core.errors import DatasetError
from codecbench.core.fingerprint import hash_file
from codecbench.datasets.archive import UnpackedFile, unpack
from codecbench.datasets.catalogue import PACKAGES, Package, find_package
from codecbench.datasets.corpus import data_root
from codecbench.datasets.receipt import RECORDS, Receipt, Source, changed_files, receipt_path
from codecbench.datasets.transfer import Progress, download

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """Whether a corpus is still what was fetched.

    Attributes:
        name: Of the package.
        n_files: Number of files looked at.
        missing: Files that are gone.
        changed: Files with other content.
    """

    name: str
    n_files: int
    missing: tuple[str, ...]
    changed: tuple[str, ...]

    @property
    def is_intact(self) -> bool:
        """Whether nothing is missing or changed."""
        return not (self.missing or self.changed)


def available() -> tuple[Package, ...]:
    """Return everything that can be fetched, with licences, sorted by name."""
    return PACKAGES


def fetched(root: str | Path | None = None) -> list[Receipt]:
    """Return the receipts of everything that was fetched into a data root.

    Raises:
        DatasetError: A receipt is damaged.
    """
    return [Receipt.read(path) for path in sorted((_root(root) / RECORDS).glob("*.json"))]


def verify(root: str | Path | None, name: str) -> Verification:
    """Compare every file of a package with the hash that it had when it was unpacked.

    Raises:
        DatasetError: The package was not fetched into this root, or its receipt is damaged.
    """
    base = _root(root)
    path = receipt_path(base, name)
    if not path.is_file():
        msg = f"'{name}' was not fetched into {base}; what came otherwise has no receipt"
        raise DatasetError(msg)
    receipt = Receipt.read(path)
    missing, changed = changed_files(base, receipt.files)
    return Verification(
        name=name, n_files=len(receipt.files), missing=tuple(missing), changed=tuple(changed)
    )


def fetch(
    package: str | Package,
    root: str | Path | None = None,
    *,
    progress: Progress | None = None,
    keep_archives: bool = False,
    tries: int = 5,
    pause_s: float = 2.0,
) -> Receipt:
    """Download, check and unpack a corpus, unless it is there.

    The licence is logged and recorded in the receipt; nothing appears in the data root before
    every archive is whole, agrees with its published checksum, and is unpacked safely.

    Args:
        package: A name of `available`, or a package of one's own.
        root: Data root; see `codecbench.datasets.corpus.data_root`.
        progress: Told about every block that comes in.
        keep_archives: Keep the archives after unpacking.
        tries: How often to connect to a server before giving up.
        pause_s: Wait before the second try.

    Returns:
        The receipt, of this fetch or of the earlier one.

    Raises:
        UnknownNameError: No such package.
        ChecksumError: An archive is not what was published.
        DatasetError: It cannot be had, unpacked or written, other files are in its place, or
            another process is fetching it.
    """
    wanted = find_package(package) if isinstance(package, str) else package
    base = _root(root)
    with _lock(base, wanted.name):
        earlier = receipt_path(base, wanted.name)
        if earlier.is_file():
            receipt = Receipt.read(earlier)
            lost = [file.path for file in receipt.files if not (base / file.path).is_file()]
            if not lost:
                return receipt
            logger.warning("%s: %d files are gone, fetching again", wanted.name, len(lost))
        logger.info("%s: licence %s, %s", wanted.title, wanted.licence, wanted.licence_url)
        _require_room(wanted, base)
        downloads = base / RECORDS / "downloads" / earlier.stem
        sources, archives = [], []
        for archive in wanted.archives:
            got = download(archive, downloads, progress=progress, tries=tries, pause_s=pause_s)
            archives.append(got.path)
            sources.append(
                Source(url=archive.url, size=got.size, sha256=got.sha256, verified=got.verified)
            )
            if not got.verified:
                logger.warning("%s: no checksum is published for it", archive.url)
        files = _install(wanted, archives, base)
        receipt = Receipt(
            name=wanted.name,
            title=wanted.title,
            licence=wanted.licence,
            licence_url=wanted.licence_url,
            fetched=datetime.now(UTC).isoformat(timespec="seconds"),
            sources=tuple(sources),
            files=tuple(files),
        )
        receipt.write(base)
        if not keep_archives:
            shutil.rmtree(downloads, ignore_errors=True)
        return receipt


def _root(root: str | Path | None) -> Path:
    return data_root(str(root) if root is not None else None)


@contextmanager
def _lock(base: Path, name: str) -> Iterator[None]:
    path = receipt_path(base, name).with_suffix(".lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                msg = f"another process is fetching '{name}' into {base}"
                raise DatasetError(msg) from error
            yield
    except OSError as error:
        msg = f"{error.filename or base}: cannot be written ({error.strerror or error})"
        raise DatasetError(msg) from error


def _require_room(package: Package, base: Path) -> None:
    size = sum(archive.size for archive in package.archives)
    # The archive and what comes out of it, which is seldom smaller.
    needed, free = 2 * size, shutil.disk_usage(base).free
    if needed > free:
        msg = f"{base}: {needed / 1e9:.0f} GB needed for {package.name}, {free / 1e9:.0f} GB free"
        raise DatasetError(msg)


def _install(package: Package, archives: Sequence[Path], base: Path) -> list[UnpackedFile]:
    """Unpack beside the data, and move all files into place at the end."""
    draft = base / RECORDS / "unpacking" / receipt_path(base, package.name).stem
    # Left by a fetch that was killed; the lock says that nobody is at work there.
    shutil.rmtree(draft, ignore_errors=True)
    try:
        found: dict[str, tuple[Path, UnpackedFile]] = {}
        for number, archive in enumerate(archives):
            folder = draft / str(number)
            try:
                files = _unpack_all(archive, folder, package.nested)
            except DatasetError:
                # Kept, it would be taken for a whole download the next time.
                archive.unlink(missing_ok=True)
                raise
            for file in files:
                place = f"{package.into}/{file.path}" if package.into else file.path
                found[place] = (folder / file.path, replace(file, path=place))
        for place in [name for name, (_, file) in found.items() if _is_taken(base / name, file)]:
            del found[place]
        _move({base / place: source for place, (source, _) in found.items()})
        return [file for _, file in found.values()]
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _move(sources: Mapping[Path, Path]) -> None:
    """Move files to their targets, or leave no target behind; what is there already is equal."""
    moved: list[Path] = []
    try:
        for target, source in sources.items():
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                moved.append(target)
                shutil.move(source, target)
    except BaseException:
        for target in moved:
            target.unlink(missing_ok=True)
        raise


def _unpack_all(archive: Path, folder: Path, nested: str) -> list[UnpackedFile]:
    files = {file.path: file for file in unpack(archive, folder)}
    for inner in sorted(folder.glob(nested)) if nested else []:
        place = inner.with_name(f"unpacking-{inner.name}")
        for file in unpack(inner, place):
            target = inner.parent / file.path
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.exists():
                msg = f"{inner.name}: refused, '{file.path}' is in another archive too"
                raise DatasetError(msg)
            (place / file.path).rename(target)
            name = target.relative_to(folder).as_posix()
            files[name] = replace(file, path=name)
        shutil.rmtree(place)
        del files[inner.relative_to(folder).as_posix()]
        inner.unlink()
    return list(files.values())


def _is_taken(target: Path, file: UnpackedFile) -> bool:
    """Return whether another list of this name is there already and stays.

    Splits of a corpus bring the same lists of speakers; one that differs is no reason to lose
    either split. A sound that differs is.

    Raises:
        DatasetError: Something else is in the way.
    """
    if not target.exists() or (target.is_file() and hash_file(target) == file.sha256):
        return False
    if target.is_dir() or target.name.lower().endswith(AUDIO_SUFFIXES):
        msg = f"{target}: another file is in the way; move it, or choose another root"
        raise DatasetError(msg)
    logger.warning("%s: another version is there and stays", target)
    return True
