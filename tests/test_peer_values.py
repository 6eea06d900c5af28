"""What VERSA, Codec-SUPERB and a plain script found on twenty named pairs is what we find.

The pairs are made again here with the codec settings that peer_runs.md names, and recognised by
the hash of their samples; where another library version makes other samples the test says so.
"""

import csv
import hashlib
from collections import defaultdict
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from codecbench.core.audio import Audio, round_to_int16
from codecbench.core.audio_file import read_audio
from codecbench.metrics.evaluation import evaluate_pair
from codecbench.metrics.registry import get_metric

TOLERANCES = {"pesq_wb": 1e-3, "stoi": 1e-6, "estoi": 1e-6, "si_sdr": 1e-3}
PEER_NAMES = {
    ("pesq_wb", "script"): "pesq_wb",
    ("pesq_wb", "versa@c398480a"): "pesq",
    ("pesq_wb", "codec_superb@cfccafce"): "pesq",
    ("stoi", "script"): "stoi",
    ("stoi", "versa@c398480a"): "stoi",
    ("estoi", "script"): "estoi",
    ("estoi", "versa@c398480a"): "estoi",
    ("si_sdr", "script"): "si_sdr",
}
CODERS = {
    "opus": ("libopus", {"vbr": "off", "application": "voip", "compression_level": "10",
                         "frame_duration": "20"}),
    "mp3_": ("libmp3lame", {}),
}  # fmt: skip


def code_with_ffmpeg(samples: NDArray[np.int16], condition: str) -> NDArray[np.int16]:
    """Code and decode with FFmpeg's libraries, trimmed by the codec's own declared delay."""
    import av
    import soxr

    name, options = CODERS[condition[:4]]
    encoder = av.CodecContext.create(name, "w")
    encoder.sample_rate, encoder.layout = 16000, "mono"
    encoder.format = "s16" if name == "libopus" else "s16p"
    encoder.bit_rate = 1000 * int(condition[4:])
    encoder.time_base = Fraction(1, 16000)
    encoder.options = dict(options)
    encoder.open()
    packets = []
    for start in range(0, samples.size, encoder.frame_size):
        block = samples[None, start : start + encoder.frame_size]
        frame = av.AudioFrame.from_ndarray(block, format=encoder.format.name, layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 16000, start, encoder.time_base
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    decoder = av.CodecContext.create(name if name == "libopus" else "mp3", "r")
    decoder.sample_rate, decoder.layout = 16000, "mono"
    decoder.extradata = encoder.extradata
    frames = [frame for packet in packets for frame in decoder.decode(packet)]
    frames += decoder.decode(None)
    decoded = np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames])
    scale = 32768.0 if decoded.dtype.kind == "i" else 1.0
    signal = decoded.astype(np.float64) / scale
    if frames[0].sample_rate != 16000:
        signal = soxr.resample(signal, frames[0].sample_rate, 16000, quality="VHQ")
    fitted = np.zeros(samples.size)
    kept = min(samples.size, signal.size)
    fitted[:kept] = signal[:kept]
    return round_to_int16(fitted)


@pytest.fixture(scope="module")
def peer_values(shared: Path) -> dict[str, dict[tuple[str, str], float]]:
    found: dict[str, dict[tuple[str, str], float]] = defaultdict(dict)
    with (shared / "peers" / "peer_values.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            found[row["pair"]][row["metric"], row["peer"]] = float(row["value"])
    return found


@pytest.fixture(scope="module")
def pair_hashes(shared: Path) -> dict[tuple[str, str], str]:
    with (shared / "peers" / "peer_pairs.csv").open(newline="") as file:
        return {(row["clip"], row["cond"]): row["sha16"] for row in csv.DictReader(file)}


def test_values_agree_with_those_of_the_peers(
    shared: Path,
    peer_values: dict[str, dict[tuple[str, str], float]],
    pair_hashes: dict[tuple[str, str], str],
) -> None:
    compared = 0
    for pair, values in peer_values.items():
        condition, clip = pair.split("__", 1)
        reference = read_audio(shared / "speech" / "eval" / f"{clip}.flac")
        degraded = code_with_ffmpeg(round_to_int16(reference.samples), condition)
        digest = hashlib.sha256(degraded.astype("<i2").tobytes()).hexdigest()[:16]
        assert digest == pair_hashes[clip, condition], f"{pair}: another library version?"
        coded = Audio(degraded / np.float64(32768), 16000)
        for name, tolerance in TOLERANCES.items():
            cells = evaluate_pair(get_metric(name), reference.samples, coded.samples, 16000)
            for (metric, peer), theirs in PEER_NAMES.items():
                if metric == name:
                    expected = values[theirs, peer]
                    assert cells[name].value == pytest.approx(expected, abs=tolerance), (pair, peer)
                    compared += 1
    assert compared == 20 * len(PEER_NAMES)
