"""A disk that is full or read-only stops a run, which goes on later; no codec is charged for it."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from codecbench.benchmark.results import RunResults
from codecbench.core.errors import RunError, StorageError
from codecbench.reports.export import export_frame

RunIt = Callable[..., RunResults]
Plugin = Callable[[str], str]
MakeDisk = Callable[[int], Any]
"""Returns a `Disk` of conftest."""


def exported(results: RunResults, path: Path) -> bytes:
    export_frame(results, path, kind="csv", times=False)
    return path.read_bytes()


def fill_up(
    run_it: RunIt, plugin: Plugin, tmp_path: Path, where: dict[str, object], disk: Any
) -> str:
    """Run on a small disk, then with room again; return what stopped it, "" for nothing."""
    codecs = [plugin("CoarseCodec:bits=4|8|12|16")]
    metrics = [plugin("Counting")]
    said = ""
    try:
        run_it(codecs, metrics, **where)
    except StorageError as error:
        said = str(error)
        assert "\n" not in said
    disk.resize(50_000)
    resumed = run_it(codecs, metrics, **where)
    assert set(resumed.frame["status"]) == {"ok"}
    fresh = run_it(codecs, metrics, out="fresh", cache=tmp_path / "fresh-cache")
    assert exported(resumed, tmp_path / "a.csv") == exported(fresh, tmp_path / "b.csv")
    return said


def test_a_full_disk_for_audio_stops_the_run(
    run_it: RunIt, plugin: Plugin, tmp_path: Path, make_disk: MakeDisk
) -> None:
    disk = make_disk(250)
    said = fill_up(run_it, plugin, tmp_path, {"cache": disk.path / "cache"}, disk)
    assert "the disk is full; make room, then the same command goes on from here" in said


@pytest.mark.slow
def test_a_full_disk_for_results_stops_the_run(
    run_it: RunIt, plugin: Plugin, tmp_path: Path, make_disk: MakeDisk
) -> None:
    disk = make_disk(110)
    said = fill_up(run_it, plugin, tmp_path, {"out": "disk/run"}, disk)
    assert "results.sqlite: cannot be written, the disk is full" in said


@pytest.mark.soak
@pytest.mark.parametrize("place", ["cache", "out"])
@pytest.mark.parametrize("kib", [*range(8, 200, 12), *range(200, 1000, 80)])
def test_a_disk_of_any_size_costs_nothing(
    run_it: RunIt, plugin: Plugin, tmp_path: Path, make_disk: MakeDisk, kib: int, place: str
) -> None:
    disk = make_disk(kib)
    where = {"cache": disk.path / "cache"} if place == "cache" else {"out": "disk/run"}
    fill_up(run_it, plugin, tmp_path, where, disk)


@pytest.mark.parametrize("place", ["out", "cache"])
def test_a_folder_that_cannot_be_written_is_refused(
    run_it: RunIt, plugin: Plugin, make_disk: MakeDisk, tmp_path: Path, place: str
) -> None:
    disk = make_disk(1000)
    disk.freeze()
    where = {"cache": disk.path / "cache"} if place == "cache" else {"out": "disk/run"}
    with pytest.raises(RunError, match="cannot be written") as caught:
        run_it([plugin("CoarseCodec:bits=8")], [plugin("Counting")], **where)
    assert "\n" not in str(caught.value)
    assert "choose another" in str(caught.value)


@pytest.mark.slow
def test_full_and_frozen_disks_end_in_one_line(
    clips: Path, tmp_path: Path, make_disk: MakeDisk
) -> None:
    command = [
        *(sys.executable, "-P", "-m", "codecbench", "run", "-c", "pcm:bits=8|12|16"),
        *("-d", str(clips), "-m", "si_sdr", "-q", "-j", "2", "-o"),
    ]
    outcomes = []
    disk = make_disk(200)
    runs = (
        [*command, str(tmp_path / "run"), "--cache", str(disk.path / "cache")],
        [*command, str(disk.path / "run"), "--cache", str(tmp_path / "cache")],
    )
    for each in runs:
        done = subprocess.run(each, capture_output=True, text=True, check=False)
        # What is said beforehand of too little room is not the complaint.
        lines = done.stderr.splitlines()
        foretold = sum("WARNING: only" in line for line in lines)
        outcomes.append((done.returncode, foretold, len(lines) - foretold))
        disk.freeze()
    assert outcomes == [(3, 1, 1), (2, 0, 1)]


def test_audio_that_is_lost_or_damaged_is_made_again(
    run_it: RunIt, plugin: Plugin, tmp_path: Path
) -> None:
    codecs = [plugin("CoarseCodec:bits=8")]
    run_it(codecs, [plugin("Counting")])
    kept = sorted((tmp_path / "cache/objects/audio").rglob("*.wav"))
    data = bytearray(kept[0].read_bytes())
    data[len(data) // 2] ^= 0x55
    kept[0].write_bytes(data)
    kept[1].write_bytes(b"")
    # Audio of this length is whole and of something else.
    kept[2].replace(kept[3])
    more = [plugin("Counting"), plugin("LongOnly")]
    first = run_it(codecs, more, out="second").frame
    lost = first[first["reason"].str.startswith("lost_audio")]
    assert set(lost["status"]) == {"skipped"}
    assert set(lost["metric"]) == {"long_only"}
    again = run_it(codecs, more, out="second")
    fresh = run_it(codecs, more, out="fresh", cache=tmp_path / "fresh-cache")
    assert exported(again, tmp_path / "a.csv") == exported(fresh, tmp_path / "b.csv")
    assert set(again.frame["status"]) == {"ok", "undefined"}
