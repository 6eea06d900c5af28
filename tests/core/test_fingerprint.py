"""Content hashes: the same content, the same hash; anything else, another."""

import hashlib
import importlib.metadata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codecbench.core import fingerprint
from codecbench.core.fingerprint import (
    class_source_hash,
    hash_bytes,
    hash_file,
    hash_json,
    hash_pcm,
    package_versions,
)

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


def test_hash_of_bytes_is_sha256():
    # FIPS 180-2, appendix B.1.
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert hash_bytes(b"abc") == expected


def test_hash_of_a_file_is_that_of_its_content(tmp_path: Path):
    path = tmp_path / "x.bin"
    path.write_bytes(b"abc" * 100_000)
    assert hash_file(path) == hash_bytes(b"abc" * 100_000)


@given(st.dictionaries(st.text(max_size=4), JSON, min_size=2))
def test_the_order_of_keys_does_not_matter(value):
    assert hash_json(value) == hash_json(dict(reversed(list(value.items()))))


def test_other_json_is_another_hash():
    values = [None, 0, 1, "1", True, [], [1], {"a": 1}, {"a": [1]}, ["a", 1], "a"]
    assert len({hash_json(value) for value in values}) == len(values)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_what_is_not_json_has_no_hash(bad: float):
    with pytest.raises(ValueError, match="not JSON compliant"):
        hash_json({"a": bad})


def test_hash_of_a_signal_is_rate_and_little_endian_samples():
    by_hand = hashlib.sha256(b"8000:" + b"\x00\x00\x00\x3f" + b"\x00\x00\x80\xbe").hexdigest()
    assert hash_pcm(np.array([0.5, -0.25], dtype=np.float32), 8000) == by_hand


@pytest.mark.parametrize("dtype", [">f4", "<f4"])
def test_byte_order_and_layout_of_a_signal_do_not_matter(dtype: str):
    samples = np.linspace(-1, 1, 9, dtype=np.float32)
    other = np.zeros((9, 2), dtype=dtype)
    other[:, 1] = samples
    assert hash_pcm(other[:, 1], 8000) == hash_pcm(samples, 8000)


def test_negative_zero_is_zero():
    zeros = np.zeros(3, dtype=np.float32)
    assert hash_pcm(-zeros, 8000) == hash_pcm(zeros, 8000)


def test_versions_are_those_installed_and_absence_is_said():
    versions = package_versions(["numpy", "no-such-distribution-here"])
    assert versions == {
        "numpy": importlib.metadata.version("numpy"),
        "no-such-distribution-here": "absent",
    }


def test_a_class_stands_for_the_file_that_defines_it():
    from codecbench.core.cell import Cell

    assert class_source_hash(Cell) == hash_file(Path(fingerprint.__file__).parent / "cell.py")


def test_a_class_without_a_file_has_no_hash():
    assert class_source_hash(type("Typed", (), {"__module__": "nowhere"})) == ""
    assert class_source_hash(int) == ""
