"""Text files are bounded, and fail with one kind of error each."""

from pathlib import Path

import pytest

from codecbench.core.errors import ConfigError, DatasetError
from codecbench.core.small_file import parse_json, read_small_text, read_toml


def test_a_file_has_a_bound(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("12345")
    assert read_small_text(path, limit=5) == "12345"
    with pytest.raises(OSError, match="larger than 4 bytes"):
        read_small_text(path, limit=4)


def test_a_device_is_not_read_to_its_end() -> None:
    with pytest.raises(OSError, match="larger than 100 bytes"):
        read_small_text(Path("/dev/zero"), limit=100)


def test_json_that_is_nested_without_end_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        parse_json("[" * 100_000)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a = ", "not valid TOML"),
        ("a = " + "[" * 10_000, "not valid TOML"),
        ("a = " + "9" * 5000, "not valid TOML"),
        ("a = '\xff'", "cannot be read"),
    ],
)
def test_toml_has_one_kind_of_error(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError, match=words):
        read_toml(path)
    with pytest.raises(DatasetError, match=words):
        read_toml(path, DatasetError)
