"""Sound files that cannot be references cost their own cells, for every system alike."""

import os
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from codecbench.benchmark.results import RunResults

RunIt = Callable[..., RunResults]
Plugin = Callable[[str], str]


def write_ten_hours(path: Path) -> None:
    """Write the header of a WAV of ten hours, and as many zeros as a file system can imagine."""
    n_bytes = 10 * 3600 * 16000 * 2
    with path.open("wb") as file:
        file.write(struct.pack("<4sI4s4sI", b"RIFF", 36 + n_bytes, b"WAVE", b"fmt ", 16))
        file.write(struct.pack("<HHIIHH", 1, 1, 16000, 32000, 2, 16))
        file.write(struct.pack("<4sI", b"data", n_bytes))
        file.truncate(44 + n_bytes)


def make_unreadable(path: Path) -> None:
    """Make a file that cannot be read; root can read all of them but those that give errors."""
    if os.geteuid() == 0:
        path.symlink_to("/proc/self/mem")  # its first bytes belong to nobody
    else:
        path.write_bytes(b"RIFF")
        path.chmod(0)


@pytest.fixture
def bad_clips(clips: Path) -> Path:
    """The four good clips, and bad ones of every kind."""
    whole = (clips / "clip0.wav").read_bytes()
    (clips / "cut.wav").write_bytes(whole[: len(whole) // 2])
    (clips / "no_bytes.wav").write_bytes(b"")
    (clips / "no_sound.wav").write_bytes(b"RIFF but nothing else")
    (clips / "garbled.flac").write_bytes(b"fLaC" + bytes(range(256)) * 40)
    soundfile.write(clips / "no_samples.wav", np.zeros(0), 16000)
    soundfile.write(clips / "one_sample.wav", np.full(1, 0.5), 16000)
    soundfile.write(clips / "nan.wav", np.full(16000, np.nan), 16000, subtype="FLOAT")
    write_ten_hours(clips / "ten_hours.wav")
    make_unreadable(clips / "unreadable.wav")
    names = sorted(path.name for path in clips.iterdir())
    (clips / "manifest.csv").write_text("\n".join(["file", *names, "gone.wav"]) + "\n")
    return clips


def test_bad_files_cost_their_own_cells(run_it: RunIt, plugin: Plugin, bad_clips: Path) -> None:
    codecs = [plugin("CoarseCodec:bits=8"), "lowpass:cutoff=4000"]
    frame = run_it(codecs, [plugin("Counting")], data=bad_clips).frame
    assert len(frame) == 2 * 14
    good = frame["clip"].str.startswith("clip")
    assert set(frame[good]["status"]) == {"ok"}
    # What the reference decides holds for every system.
    assert set(frame[~good]["status"]) == {"undefined"}
    reasons = {clip: " ".join(sorted(set(rows))) for clip, rows in frame.groupby("clip")["reason"]}
    for clip, words in {
        "cut": "unreadable_reference: .*the end is missing",
        "no_bytes": "unreadable_reference: .*not a readable sound file",
        "no_sound": "unreadable_reference: .*not a readable sound file",
        "garbled": "unreadable_reference: .*not a readable sound file",
        "no_samples": "(too_short|silent_reference|empty)",
        "one_sample": "too_short",
        "nan": "nonfinite_reference",
        "ten_hours": "unreadable_reference: .*longer than 3600 s",
        "unreadable": "unreadable_reference: ",
        "gone": "unreadable_reference: .*no such file",
    }.items():
        assert frame[frame["clip"] == clip]["reason"].str.match(words).all(), (clip, reasons[clip])


def test_a_file_that_changes_once_planned_costs_its_own_cells(
    run_it: RunIt, plugin: Plugin, clips: Path
) -> None:
    from codecbench.benchmark.events import StageStarted

    class ChangesOncePlanned(list):  # type: ignore[type-arg]  # of events
        def append(self, event: object) -> None:
            if isinstance(event, StageStarted) and event.stage == "coding":
                (clips / "clip1.wav").unlink()
                (clips / "clip2.wav").write_bytes((clips / "clip3.wav").read_bytes())

    frame = run_it(
        [plugin("CoarseCodec:bits=8")], [plugin("Counting")], events=ChangesOncePlanned()
    ).frame
    found = dict(zip(frame["clip"], frame["reason"].str.partition(":")[0], strict=True))
    assert found == {
        "clip0": "",
        "clip1": "unreadable_reference",
        "clip2": "changed_reference",
        "clip3": "",
    }
