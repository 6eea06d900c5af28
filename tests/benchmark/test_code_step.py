"""What a coding step does only once, and how it keeps how often indices occur."""

import base64
import zlib
from pathlib import Path

import numpy as np
import pytest

from codecbench.benchmark.code_step import CodingBench, pack_counts, unpack_counts
from codecbench.benchmark.framing import Message
from codecbench.benchmark.references import References
from codecbench.core.audio import Audio
from codecbench.core.audio_file import read_audio, write_audio


def test_conditions_of_the_channel_share_what_was_encoded(speech: Audio, tmp_path: Path) -> None:
    clip = tmp_path / "clip.wav"
    write_audio(clip, speech)
    bench = CodingBench(References())

    def encode_s(condition: str, seed: int) -> object:
        request: Message = {
            "spec": "opus:bitrate=12000",
            "point": "12000",
            "points": ["12000"],
            "path": str(clip),
            "sha256": read_audio(clip).sha256,
            "clip": "clip",
            "sample_rate": 16000,
            "condition": condition,
            "seed": seed,
            "objects": str(tmp_path / "objects"),
        }
        record = bench.run(request)
        assert record["status"] == "ok"
        return record["encode_s"]

    # The time of an encoding is that of the one that was kept; two are never equally long.
    clean = encode_s("clean", 0)
    assert encode_s("loss=10%", 0) == clean
    assert encode_s("loss=10%", 1) == clean
    noisy = encode_s("noise=white,snr=10", 0)
    assert noisy != clean
    assert encode_s("noise=white,snr=10+loss=10%", 0) == noisy
    assert encode_s("noise=white,snr=10", 1) not in (noisy, clean)


@pytest.mark.parametrize("level", [0, 1, 6, 9])
def test_counts_are_read_however_hard_they_were_packed(level: int) -> None:
    counts = np.array([0, 3, 0, 0, 70000, 1])
    assert pack_counts(counts) == pack_counts(counts.copy())
    packed = zlib.decompress(base64.b64decode(pack_counts(counts)))
    text = base64.b64encode(zlib.compress(packed, level)).decode()
    values, found = unpack_counts(text)
    assert (values.tolist(), found.tolist()) == ([1, 4, 5], [3, 70000, 1])
