"""Bundles with random changes whose hashes fit: refused as bundles are, or as good as honest."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from codecbench.benchmark.reading import read_results
from codecbench.core.errors import BundleError
from codecbench.datasets.base import Clip
from codecbench.reports.boards.contents import PackedClip
from codecbench.reports.boards.run_folder import write_run
from codecbench.reports.boards.unpacking import unpack_bundle
from codecbench.reports.merging import merge_results
from codecbench.reports.summary import summarize

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2**31, 2**63, 10**400, 0.5, -1e300, 1e-300),
    *("", "x", "../x", "\x00", "\u202e", "ok", "failed", "clean", "0" * 64, "NaN", "9" * 30),
    *([], {}, [0], ["x"], {"x": 0}, [[[]]], {"a": {"b": {"c": []}}}),
)
FILES = ("run.json", "encodings.jsonl", "cells.jsonl")


def mutate(value: Any, rng: np.random.Generator) -> Any:
    """Change one thing somewhere in a JSON value."""
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = sorted(value)[rng.integers(len(value))]
        if rng.random() < 0.05:
            return {name: each for name, each in value.items() if name != key}
        return value | {key: mutate(value[key], rng)}
    if isinstance(value, list) and value and rng.random() < 0.9:
        place = int(rng.integers(len(value)))
        if rng.random() < 0.1:
            return [*value[:place], *value[place + 1 :]]
        if rng.random() < 0.1:
            return [*value, value[place]]
        return [*value[:place], mutate(value[place], rng), *value[place + 1 :]]
    return VALUES[rng.integers(len(VALUES))]


def try_changed(forger, rng: np.random.Generator, folder: Path) -> bool:
    """Unpack a changed bundle; where it is believed, see that reports can read it."""
    name = FILES[rng.integers(len(FILES))]
    kept = forger.files[name]
    changed = mutate(forger.table(name), rng)
    rows = changed if name.endswith("jsonl") and isinstance(changed, list) else [changed]
    forger.files[name] = "".join(f"{json.dumps(row)}\n" for row in rows).encode()
    path = forger.write(folder / "x.zip")
    forger.files[name] = kept
    found, said = None, ""
    try:
        found = unpack_bundle(path, folder / "into")
    except BundleError as error:
        said = str(error)
    if found is None:
        # One line for a terminal, whatever stands in the bundle.
        assert said.isprintable()
        return False
    clips = {
        clip.id: Clip(path=Path(), **{key: getattr(clip, key) for key in PackedClip.__slots__})
        for clip in found.contents.description.clips
    }
    labels = {system.codec: system.codec for system in found.contents.description.systems}
    write_run(folder / "run", found, clips, labels, "data")
    run = replace(read_results(folder / "run"), caveats=("x",))
    summarize(merge_results([run]))
    return True


def try_many(forger, count: int, seed: int, folder: Path) -> int:
    believed = 0
    for number in range(count):
        place = folder / str(number)
        place.mkdir()
        believed += try_changed(forger, np.random.default_rng([seed, number]), place)
    return believed


def test_changed_bundles_are_refused_as_bundles_or_can_be_read(forger, tmp_path: Path) -> None:
    believed = try_many(forger, 24, 1, tmp_path)
    # Times, tags and words of explanation hang on nothing that could be checked.
    assert believed < 16


@pytest.mark.soak
def test_many_changed_bundles_are_refused_as_bundles_or_can_be_read(forger, tmp_path: Path) -> None:
    assert try_many(forger, 1500, 2, tmp_path) < 1000


def test_a_broken_stream_within_the_file_is_a_damaged_bundle(forger, tmp_path: Path) -> None:
    path = forger.write(tmp_path / "x.zip")
    data = bytearray(path.read_bytes())
    at = data.index(b"cells.jsonl") + len("cells.jsonl")
    for place in range(at, at + 40):
        data[place] = 0xFF  # a block type that deflate does not have, RFC 1951 3.2.3
    path.write_bytes(bytes(data))
    with pytest.raises(BundleError, match="no bundle, or a damaged one"):
        unpack_bundle(path, tmp_path / "into")


@pytest.mark.soak
def test_bytes_changed_anywhere_are_refused_or_do_not_count(forger, tmp_path: Path) -> None:
    """A byte of the file itself: all but a few of ZIP's own fields are under a hash."""
    path = forger.write(tmp_path / "x.zip")
    data = path.read_bytes()
    rng = np.random.default_rng(3)
    honest = unpack_bundle(path, tmp_path / "honest").contents
    for number in range(1000):
        changed = bytearray(data)
        changed[rng.integers(len(data))] ^= int(rng.integers(1, 256))
        path.write_bytes(bytes(changed))
        try:
            found = unpack_bundle(path, tmp_path / str(number))
        except BundleError:
            continue
        assert found.contents == honest
