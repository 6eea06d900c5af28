"""The disk that coded audio takes is foretold and bounded, and nothing known is lost by that."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from codecbench.benchmark.cache import Cache
from codecbench.benchmark.events import AudioDropped, DiskNeeded, Event, StageStarted
from codecbench.benchmark.results import RunResults
from codecbench.core.whole_file import DRAFT

RunIt = Callable[..., RunResults]
Plugin = Callable[[str], str]


def kept(cache: Path) -> set[str]:
    """Return the names of coded audio in a cache."""
    return {path.stem for path in (cache / "objects/audio").rglob("*.wav")}


def taken(cache: Path) -> int:
    return sum(path.stat().st_size for path in (cache / "objects").rglob("*") if path.is_file())


def test_the_disk_that_audio_takes_is_foretold(
    run_it: RunIt, plugin: Plugin, tmp_path: Path
) -> None:
    events: list[Event] = []
    run_it([plugin("CoarseCodec:bits=16")], [plugin("Counting")], events=events)
    (foretold,) = [event for event in events if isinstance(event, DiskNeeded)]
    # This codec's bitstreams are as large as the audio.
    assert 0.9 * foretold.most_bytes < taken(tmp_path / "cache") <= foretold.most_bytes
    assert not foretold.is_short
    again: list[Event] = []
    run_it([plugin("CoarseCodec:bits=16")], [plugin("Counting")], events=again)
    assert not [event for event in again if isinstance(event, DiskNeeded)]


def test_nothing_stays_where_nothing_shall(run_it: RunIt, plugin: Plugin, tmp_path: Path) -> None:
    codecs, metrics = [plugin("CoarseCodec:bits=4|8")], [plugin("Counting")]
    events: list[Event] = []
    first = run_it(codecs, metrics, keep="none", events=events).frame
    assert taken(tmp_path / "cache") == 0
    (dropped,) = [event for event in events if isinstance(event, AudioDropped)]
    assert dropped.files == 16
    again: list[Event] = []
    second = run_it(codecs, metrics, keep="none", out="other", events=again).frame
    assert [event.steps for event in again if isinstance(event, StageStarted)] == [0, 0]
    assert second["value"].tolist() == first["value"].tolist()
    assert (first["status"] == "ok").all()


def test_the_worst_clips_and_failures_stay(run_it: RunIt, plugin: Plugin, tmp_path: Path) -> None:
    codecs = [plugin("CoarseCodec:bits=4|8")]
    trace = tmp_path / "trace"
    # The five clips differ in level, so that the order of the distances is that of the levels.
    import soundfile

    data = tmp_path / "levels"
    data.mkdir()
    rng = np.random.default_rng(0)
    for number, ms in enumerate((1000, 1100, 1200, 1300, 1500)):
        noise = np.clip(0.02 * 2**number * rng.standard_normal(16 * ms), -1, 1)
        soundfile.write(data / f"clip{number}.wav", noise, 16000)
    metrics = [plugin(f"Counting:trace={trace}"), plugin("Crashing:fault=raise,at_ms=1500")]
    frame = run_it(codecs, metrics, data=data, keep="worst").frame
    counting = frame[frame["metric"] == "counting"]
    stay = set()
    for point in ("4", "8"):
        rows = counting[counting["point"] == point].sort_values("value", ascending=False)
        stay |= {(point, clip) for clip in rows["clip"][:3]}
        # Crashing gives 0.5 everywhere; equal scores are taken in the order of the clips.
        stay |= {(point, clip) for clip in ("clip0", "clip1", "clip2", "clip4")}
    assert len(stay) < 10
    assert len(kept(tmp_path / "cache")) == len(stay)


def test_gc_counts_parts_of_clips_and_takes_the_oldest_first(tmp_path: Path) -> None:
    files = {"objects/audio/aa/old.wav": 1, "crops/bb/older.flac": 0, "objects/bits/cc/new.cbs": 2}
    for name, age in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.write_bytes(bytes(1000))
        os.utime(path, (1_000_000 + age, 1_000_000 + age))
    draft = tmp_path / f"objects/bits/cc/{DRAFT}x"
    draft.write_bytes(bytes(1000))
    cache = Cache(tmp_path)
    assert cache.usage().files == 3
    would = cache.collect(max_bytes=1500, only_plan=True)
    assert (would.files, would.bytes) == (2, 2000)
    assert cache.usage().files == 3
    assert cache.collect(max_bytes=1500) == would
    assert [(tmp_path / name).exists() for name in files] == [False, False, True]
    # What is being written is nobody's to take away, but what was left half written is.
    assert draft.exists()
    os.utime(draft, (1_000_000, 1_000_000))
    assert cache.collect(max_bytes=0).files == 2
    cache.close()


@pytest.mark.parametrize("used", ["read", "written"])
def test_gc_knows_what_was_used_last(tmp_path: Path, used: str) -> None:
    stamps = {"used": (3e6, 1e6) if used == "read" else (1e6, 3e6), "old": (2e6, 2e6)}
    for name, when in stamps.items():
        path = tmp_path / f"objects/bits/{name}/{name}.cbs"
        path.parent.mkdir(parents=True)
        path.write_bytes(bytes(100))
        os.utime(path, when)
    cache = Cache(tmp_path)
    cache.collect(max_bytes=100)
    cache.close()
    assert [path.stem for path in (tmp_path / "objects/bits").rglob("*.cbs")] == ["used"]
