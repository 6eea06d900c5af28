"""The sounds of a site: references are what was scored against."""

import base64
import io
import json
import re
from pathlib import Path

import numpy as np
import soundfile

from codecbench.core.audio import Audio
from codecbench.core.audio_file import write_audio
from codecbench.reports.launch import run
from codecbench.reports.site.sound import write_sounds

RATE = 16000


def packed(path: Path) -> np.ndarray:
    """Return the samples of a sound that lies in a script."""
    name, text = re.fullmatch(
        r"codecbench\.receiveSound\((.*?),(.*)\);\n", path.read_text()
    ).groups()
    assert json.loads(name) == path.stem
    samples, rate = soundfile.read(io.BytesIO(base64.b64decode(json.loads(text))))
    assert rate == RATE
    return samples


def share_above(samples: np.ndarray, frequency: float) -> float:
    power = np.abs(np.fft.rfft(samples)) ** 2
    return float(power[np.fft.rfftfreq(samples.size, 1 / RATE) > frequency].sum() / power.sum())


def test_a_treated_reference_is_heard_as_it_was_scored(tmp_path):
    white = 0.1 * np.random.default_rng(0).standard_normal(RATE)
    write_audio(tmp_path / "white.wav", Audio.clip(white, RATE))
    treated = "lowpass=1000,reference=treated"
    results = run(
        "pcm:bits=16",
        [tmp_path / "white.wav"],
        out=tmp_path / "run",
        metrics="si_sdr",
        conditions=("lowpass=1000", treated),
        jobs=1,
        cache=tmp_path / "cache",
    ).results()
    sounds = write_sounds([results], results, ["white"], tmp_path / "cache", tmp_path / "sounds")
    assert sounds.missing == {}
    of_clip = sounds.clips["white"]
    references = {
        condition: share_above(packed(tmp_path / "sounds" / f"{name}.js"), 2000)
        for condition, name in of_clip["references"].items()
    }
    # White noise has three quarters of its power between 2 and 8 kHz.
    assert set(references) == {"clean", "lowpass=1000,reference=clean", treated}
    assert abs(references["clean"] - 0.75) < 0.02
    assert abs(references["lowpass=1000,reference=clean"] - 0.75) < 0.02
    assert references[treated] < 1e-3
    # Both clean ones are one file.
    assert len(set(of_clip["references"].values())) == 2
    degraded = of_clip["tracks"][f"0,0,{treated}"]
    assert share_above(packed(tmp_path / "sounds" / f"{degraded}.js"), 2000) < 1e-3
