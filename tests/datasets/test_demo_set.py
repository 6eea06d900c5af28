"""The demo set as it is shipped."""

import csv
import hashlib
import json

import numpy as np
import pytest
import soundfile

from codecbench.datasets.demo_set import DEMO_FOLDER
from codecbench.datasets.registry import get_dataset

CREDIT = (
    "Speech synthesised with Kokoro-82M by hexgrad (Apache-2.0), whose training data includes "
    "Koniwa (CC BY 3.0) and SIWIS (CC BY 4.0)."
)


@pytest.fixture(scope="module")
def rows():
    with (DEMO_FOLDER / "manifest.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_holds_twelve_voices_of_five_languages():
    clips = get_dataset("demo").clips
    assert len(clips) == 12
    assert len({clip.tags["speaker"] for clip in clips}) == 12
    assert sorted(clip.tags["sex"] for clip in clips) == ["F"] * 6 + ["M"] * 6
    assert {clip.tags["language"].partition("-")[0] for clip in clips} == {
        "en", "es", "it", "ja", "pt",
    }  # fmt: skip
    assert {clip.tags["clip_licence"] for clip in clips} == {"CC0-1.0"}


def test_clips_are_mono_16_khz_16_bit_flac_of_four_to_six_seconds(rows):
    for row in rows:
        info = soundfile.info(DEMO_FOLDER / row["file"])
        assert (info.format, info.subtype) == ("FLAC", "PCM_16")
        assert (info.samplerate, info.channels) == (16000, 1)
        assert 4.0 <= info.duration <= 5.75
        assert info.duration == pytest.approx(float(row["seconds"]), abs=5e-4)


def test_content_is_what_the_manifest_says(rows):
    for row in rows:
        samples, _ = soundfile.read(DEMO_FOLDER / row["file"], dtype="int16")
        assert hashlib.sha256(samples.astype("<i2").tobytes()).hexdigest() == row["sha256_pcm"]


def test_levels_are_those_of_speech_material(rows):
    for row in rows:
        samples, _ = soundfile.read(DEMO_FOLDER / row["file"])
        assert np.abs(samples).max() < 0.6
        # The whole clip, pauses included, lies a little below the active level of -26 dBFS.
        assert -28.5 < 10 * np.log10((samples**2).mean()) < -25.5


def test_is_small_and_complete(rows):
    sounds = {path.name for path in DEMO_FOLDER.glob("*.flac")}
    assert sounds == {row["file"] for row in rows}
    assert sum(path.stat().st_size for path in DEMO_FOLDER.iterdir()) <= 1_500_000
    plan = json.loads((DEMO_FOLDER / "plan.json").read_text("utf-8"))["clips"]
    assert [(line["file"], line["text"]) for line in plan] == [
        (row["file"], row["text"]) for row in rows
    ]


def test_credit_stands_in_every_row_and_in_the_notice(rows, root):
    assert {row["credit"] for row in rows} == {CREDIT}
    assert CREDIT in (root / "NOTICE").read_text("utf-8")
    assert "smoke demo, not a benchmark" in (DEMO_FOLDER / "README.md").read_text("utf-8")
