"""A file is written whole or not at all."""

import subprocess
import sys
from pathlib import Path

import pytest

from codecbench.core.errors import StorageError
from codecbench.core.whole_file import DRAFT, write_whole

LIMITED = """
import resource, sys
from pathlib import Path
from codecbench.core.errors import StorageError
from codecbench.core.whole_file import write_whole
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_whole(Path(sys.argv[1]), bytes(100_000))
except StorageError as error:
    print(error)
"""
"""The limit holds for a whole process; Python ignores the signal that comes with it."""


def test_replaces_a_file_and_makes_its_folders(tmp_path: Path):
    path = tmp_path / "a/b/c"
    for data in (b"first", b"second and longer"):
        write_whole(path, data)
        assert path.read_bytes() == data
    assert [each.name for each in path.parent.iterdir()] == ["c"]


def test_what_cannot_be_written_leaves_the_old_file_and_no_draft(tmp_path: Path):
    path = tmp_path / "kept"
    write_whole(path, b"old")
    said = subprocess.run(
        [sys.executable, "-P", "-c", LIMITED, str(path)], capture_output=True, text=True, check=True
    ).stdout
    assert "cannot be written, the file would be larger than this system allows" in said
    assert path.read_bytes() == b"old"
    assert not [each for each in tmp_path.iterdir() if each.name.startswith(DRAFT)]


def test_a_file_in_place_of_a_folder_is_no_fault_of_the_disk(tmp_path: Path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OSError, match="file") as caught:
        write_whole(tmp_path / "file/below", b"x")
    assert not isinstance(caught.value, StorageError)
