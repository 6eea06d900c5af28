"""Writing a file whole or not at all, and saying when the disk is to blame."""

import errno
import os
import secrets
from itertools import count
from pathlib import Path

from codecbench.core.errors import StorageError

DRAFT = ".writing-"
"""Begins the name of a file that is being written; one that is left over is of no use."""

_NUMBERS = count()
_TOKEN = secrets.token_hex(4)
"""Tells this process from one of the same number on another machine that shares the disk."""

_DISK = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the quota of disk space is used up",
    errno.EFBIG: "the file would be larger than this system allows",
    errno.EROFS: "the disk is read-only",
    errno.EIO: "the disk fails",
    errno.EACCES: "that is not permitted",
    errno.EPERM: "that is not permitted",
}


def write_whole(path: Path, data: bytes | memoryview) -> None:
    """Write a file so that it is there with all of its bytes, or as it was before.

    Args:
        path: Where to; parents are made.
        data: What to.

    Raises:
        StorageError: The disk is full, read-only or failing.
        OSError: Something else is in the way, such as a file in place of a folder.
    """
    # A name of our own costs a fraction of what the library's search for a free one does.
    draft = path.with_name(f"{DRAFT}{os.getpid()}-{_TOKEN}-{next(_NUMBERS)}")
    try:
        try:
            file = draft.open("wb", buffering=0)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = draft.open("wb", buffering=0)
        try:
            with file:
                left = memoryview(data)
                while left:
                    left = left[file.write(left) :]
            os.replace(draft, path)  # noqa: PTH105  (atomic on every platform)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise_storage_error(error, path)
        raise


def raise_storage_error(error: OSError, path: Path | str) -> None:
    """Raise where the disk is to blame for an error, and return otherwise.

    Args:
        error: What the system said.
        path: What could not be written.

    Raises:
        StorageError: It is.
    """
    if error.errno in _DISK:
        msg = f"{path}: cannot be written, {_DISK[error.errno]}"
        raise StorageError(msg) from error
