"""Downloading one file: resumable, and never under its name before it is whole and checked."""

import hashlib
import http.client
import json
import logging
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from codecbench.core.errors import ChecksumError, DatasetError
from codecbench.datasets.catalogue import Archive

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called with file name, bytes so far, and bytes in all (0 where unknown)."""

logger = logging.getLogger(__name__)
_BLOCK = 2**20
_TIMEOUT_S = 60.0
_NOT_FOUND = range(400, 500)


class _InterruptedTransferError(Exception):
    """The connection ended early; what has come is kept, and another try goes on from there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Downloaded:
    """A file that is whole.

    Attributes:
        path: Where it lies.
        size: In bytes.
        sha256: Of its content.
        verified: Whether a published checksum agreed.
    """

    path: Path
    size: int
    sha256: str
    verified: bool


def download(
    archive: Archive,
    folder: Path,
    *,
    progress: Progress | None = None,
    tries: int = 5,
    pause_s: float = 2.0,
) -> Downloaded:
    """Download a file, or go on with a download that was interrupted.

    What has come so far lies beside the file as ``.part``. It is continued only where a mistake
    would show: the server confirms that its file is the same, or a published checksum follows.

    Args:
        archive: What to download.
        folder: Where to; made if need be.
        progress: Told about every block.
        tries: How often to connect before giving up.
        pause_s: Wait before the second try, doubled for each further one.

    Raises:
        ChecksumError: The content is not what was published; it is deleted.
        DatasetError: The file cannot be had or written.
    """
    if not archive.url.startswith(("https://", "http://")):
        msg = f"{archive.url}: only https and http addresses are fetched"
        raise DatasetError(msg)
    if archive.file_name in {"", ".", ".."}:
        msg = f"{archive.url}: names no file"
        raise DatasetError(msg)
    path = folder / archive.file_name
    part = path.with_name(path.name + ".part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not path.is_file():
            _with_retries(archive, part, progress, tries, pause_s)
            part.replace(path)
            _validator_file(part).unlink(missing_ok=True)
        return _checked(archive, path)
    except OSError as error:
        msg = f"{path}: cannot be written ({error.strerror or error})"
        raise DatasetError(msg) from error


def _with_retries(
    archive: Archive, part: Path, progress: Progress | None, tries: int, pause_s: float
) -> None:
    for attempt in range(1, tries + 1):
        try:
            _transfer(archive, part, progress)
            return
        except _InterruptedTransferError as error:
            have = part.stat().st_size if part.exists() else 0
            if attempt == tries:
                msg = f"{archive.url}: {error} after {have} bytes; run the same again to go on"
                raise DatasetError(msg) from error
            logger.warning("%s: %s after %d bytes, trying again", archive.url, error, have)
            time.sleep(pause_s * 2 ** (attempt - 1))


def _transfer(archive: Archive, part: Path, progress: Progress | None) -> None:
    """Connect once and append to the part, from its end or from the beginning."""
    have = _resumable_bytes(archive, part)
    request = urllib.request.Request(archive.url, headers={"User-Agent": "codecbench"})
    validator = _read_validator(part)
    if have:
        request.add_header("Range", f"bytes={have}-")
        if validator:
            request.add_header("If-Range", validator)
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:
            start = have if have and _continues(response, have) else 0
            total = start + int(response.headers.get("Content-Length") or 0)
            if start == 0:
                _write_validator(part, response)
            _receive(response, part, start, total, archive, progress)
    except urllib.error.HTTPError as error:
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            if (error.headers.get("Content-Range") or "") == f"bytes */{have}":
                return  # nothing was missing but the new name
            part.unlink(missing_ok=True)
            msg = "the server's file has changed"
            raise _InterruptedTransferError(msg) from error
        if error.code in _NOT_FOUND:
            msg = f"{archive.url}: the server answers {error.code} {error.reason}"
            raise DatasetError(msg) from error
        msg = f"the server answers {error.code} {error.reason}"
        raise _InterruptedTransferError(msg) from error
    except (
        urllib.error.URLError,
        http.client.HTTPException,
        ConnectionError,
        TimeoutError,
    ) as error:
        reason = getattr(error, "reason", None) or error
        raise _InterruptedTransferError(str(reason) or type(error).__name__) from error


def _resumable_bytes(archive: Archive, part: Path) -> int:
    have = part.stat().st_size if part.is_file() else 0
    too_long = bool(archive.size) and have > archive.size
    if too_long or not (archive.md5 or _read_validator(part)):
        part.unlink(missing_ok=True)
        return 0
    return have


def _continues(response: http.client.HTTPResponse, have: int) -> bool:
    wanted = f"bytes {have}-"
    is_partial = response.status == http.HTTPStatus.PARTIAL_CONTENT
    return is_partial and (response.headers.get("Content-Range") or "").startswith(wanted)


def _receive(
    response: http.client.HTTPResponse,
    part: Path,
    start: int,
    total: int,
    archive: Archive,
    progress: Progress | None,
) -> None:
    expected = archive.size or total
    have = start
    with part.open("ab" if start else "wb") as file:
        while block := _read(response):
            have += file.write(block)
            if progress is not None:
                progress(archive.file_name, have, expected)
    if have < expected:
        msg = f"the connection ended early, {expected} bytes expected,"
        raise _InterruptedTransferError(msg)


def _read(response: http.client.HTTPResponse) -> bytes:
    """Read a block; what goes wrong here is the network's fault, not the disk's."""
    try:
        return response.read(_BLOCK)
    except (OSError, http.client.HTTPException) as error:
        raise _InterruptedTransferError(str(error) or type(error).__name__) from error


def _validator_file(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _write_validator(part: Path, response: http.client.HTTPResponse) -> None:
    # A weak tag (W/…) does not promise equal bytes, RFC 9110, section 13.1.5.
    tag = response.headers.get("ETag") or ""
    value = tag if tag and not tag.startswith("W/") else response.headers.get("Last-Modified") or ""
    _validator_file(part).write_text(json.dumps({"validator": value}), "utf-8")


def _read_validator(part: Path) -> str:
    try:
        value = json.loads(_validator_file(part).read_text("utf-8"))["validator"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return value if isinstance(value, str) else ""


def _checked(archive: Archive, path: Path) -> Downloaded:
    md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            md5.update(block)
            sha256.update(block)
    size = path.stat().st_size
    for what, found, wanted in (
        ("size", str(size), str(archive.size or "")),
        ("MD5", md5.hexdigest(), archive.md5),
    ):
        if wanted and found != wanted:
            path.unlink()
            msg = f"{archive.url}: {what} {found}, published is {wanted}; the file was deleted"
            raise ChecksumError(msg)
    return Downloaded(path=path, size=size, sha256=sha256.hexdigest(), verified=bool(archive.md5))
