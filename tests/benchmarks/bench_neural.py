"""What coding with networks costs: ours against a plain forward of the same layers, same run.

Ours is `encode` and `decode` as runs call them: checks, padding, packing into bytes and back
included. Plain is the published model as `load_plain` makes it, weight norm and all, in inference
mode and in PyTorch's own order, on the signal that was padded already; normalisation over channels
is torch.nn's `LayerNorm`, Snake is its formula, the nearest codeword torch's `argmax`. Both sides
code the same clip in turns. Times are CPU times of one thread, medians, in seconds for each second
of audio; real-time factors of the official code stand beside them where a folder has them.
"""

import json
import os
import statistics
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from unittest import mock

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np

from codecbench.adapters.bitstream import Encoded
from codecbench.adapters.neural.neural_codec import NeuralCodec
from codecbench.adapters.registry import get_codec
from codecbench.benchmark.conformance import make_signal
from codecbench.core.audio import Audio

SPECS = (
    "psq:bitrate=1500,checkpoint=untrained",
    "patch:causal=false",
    "patch:causal=true,checkpoint=untrained",
    "esc:variant=base,streams=6",
    "esc:variant=large,streams=6",
    "hificodec:variant=16k_320d,checkpoint=untrained",
    "hificodec:variant=24k_240d",
    "dac:variant=esc-tiny,codebooks=18",
    "dac:variant=16k,codebooks=12",
)
SECONDS = float(os.environ.get("CODECBENCH_BENCH_SECONDS", "10"))
TURNS = int(os.environ.get("CODECBENCH_BENCH_TURNS", "5"))
PARITY = os.environ.get("CODECBENCH_PARITY")
"""Folder with the timings of the official code; see `official`."""


def measure() -> dict[str, dict[str, object]]:
    """Return costs and ratios per codec."""
    import torch

    torch.set_num_threads(1)
    found: dict[str, dict[str, object]] = {}
    for spec in SPECS:
        found[spec] = {**compare(spec), **official(spec)}
        print(json.dumps({spec: found[spec]}), flush=True)
    return found


def compare(spec: str) -> dict[str, object]:
    import torch

    ours, plain = get_codec(spec), get_codec(spec)
    assert isinstance(ours, NeuralCodec)
    assert isinstance(plain, NeuralCodec)
    ours.load()
    plain.load_plain()
    point, rate = ours.points[-1], ours.info.sample_rate
    clip = Audio(np.resize(make_signal(f"voice:{rate}").samples, round(SECONDS * rate)), rate)
    padded = np.zeros(plain.padded_length(clip.n_samples), dtype=np.float32)
    padded[: clip.n_samples] = clip.samples
    given = torch.from_numpy(padded)[None]
    encoded = ours.encode(clip, point)
    data = encoded.to_bytes()
    times: dict[str, list[float]] = {key: [] for key in ("encode", "decode")}
    plain_times: dict[str, list[float]] = {key: [] for key in ("encode", "decode")}
    for turn in range(TURNS + 1):
        mine = {
            "encode": timed(lambda: ours.encode(clip, point)),
            "decode": timed(lambda: ours.decode(Encoded.from_bytes(data))),
        }
        with textbook(), torch.inference_mode():
            codes = plain.model_codes(given, point)
            theirs = {
                "encode": timed(lambda: plain.model_codes(given, point)),
                "decode": timed(lambda codes=codes: plain.model_samples(codes)),
            }
        if turn > 0:  # the first one warms caches up
            for way in ("encode", "decode"):
                times[way].append(mine[way])
                plain_times[way].append(theirs[way])
    same = float((codes.numpy() == encoded.codes).mean())
    return {
        **{f"{way}_rtf": statistics.median(times[way]) / SECONDS for way in times},
        **{f"plain_{way}_rtf": statistics.median(plain_times[way]) / SECONDS for way in times},
        **{
            f"{way}_times_faster": statistics.median(plain_times[way])
            / statistics.median(times[way])
            for way in times
        },
        "equal_codes": same,
        "encode_share": share(lambda: ours.encode(clip, point)),
        "decode_share": share(lambda: ours.decode(encoded)),
    }


def timed(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def textbook() -> AbstractContextManager[object]:
    """Undo, for as long as it lasts, what our layers do otherwise than a textbook would."""
    import torch
    from torch.nn import functional

    from codecbench.adapters.neural.dac_model import InPlaceSnake
    from codecbench.adapters.neural.layers import vector_quantizer
    from codecbench.adapters.neural.layers.channel_norm import EPSILON, ChannelNorm

    def normalise(self: ChannelNorm, x: torch.Tensor) -> torch.Tensor:
        last = x.movedim(1, -1)
        y = functional.layer_norm(last, last.shape[-1:], self.weight, self.bias, EPSILON)
        return y.movedim(-1, 1)

    def snake(self: InPlaceSnake, x: torch.Tensor) -> torch.Tensor:
        return x + torch.sin(self.alpha * x).pow(2) / (self.alpha + 1e-9)

    def first_greatest(likeness: torch.Tensor) -> torch.Tensor:
        return likeness.argmax(dim=-1)

    changes = ExitStack()
    changes.enter_context(mock.patch.object(vector_quantizer, "_first_greatest", first_greatest))
    changes.enter_context(mock.patch.object(ChannelNorm, "forward", normalise))
    changes.enter_context(mock.patch.object(InPlaceSnake, "forward", snake))
    return changes


def share(work: Callable[[], object]) -> dict[str, float]:
    """Return which operations have most of the time, as shares of the whole."""
    import torch

    work()
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        for _ in range(3):
            work()
    events = profile.key_averages()
    whole = sum(event.self_cpu_time_total for event in events)
    first = sorted(events, key=lambda event: event.self_cpu_time_total, reverse=True)[:5]
    return {event.key: round(event.self_cpu_time_total / whole, 3) for event in first}


def official(spec: str) -> dict[str, object]:
    """Return the real-time factors of the official code on another machine, where known."""
    if PARITY is None:
        return {}
    name, _, options = spec.partition(":")
    variant = dict(part.split("=") for part in options.split(",") if part).get("variant", "")
    if name == "esc":
        rtf = json.loads(Path(PARITY, "esc_bench.json").read_text())[variant]["rtf_s6"]
        return {"official_encode_rtf": rtf["enc_cpu"], "official_decode_rtf": rtf["dec_cpu"]}
    if name == "hificodec":
        speed = json.loads(Path(PARITY, "hificodec_speed.json").read_text())[variant]
        return {
            "official_encode_rtf": speed["enc_rtf_1thread"],
            "official_decode_rtf": speed["dec_rtf_1thread"],
        }
    if name == "dac":
        key = {"esc-tiny": "dac_tiny18", "16k": "dac16k"}[variant]
        rtf = json.loads(Path(PARITY, "dac_bench.json").read_text())[key]["rtf"]
        return {"official_encode_rtf": rtf["enc_cpu"], "official_decode_rtf": rtf["dec_cpu"]}
    return {}
