"""What a codec costs: parameters, operations, time, memory, and the latency that it really has."""

import os
import resource
import statistics
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

import numpy as np
import psutil

from codecbench.adapters.base import Codec, OperatingPoint
from codecbench.adapters.bitstream import Encoded
from codecbench.adapters.neural.neural_codec import NeuralCodec
from codecbench.adapters.registry import get_codec
from codecbench.benchmark.conformance import make_signal
from codecbench.benchmark.framing import Message
from codecbench.benchmark.operation_count import count_macs, count_parameters, countable_length
from codecbench.benchmark.supervisor import Limits, SupervisedChild
from codecbench.benchmark.thop_count import count_macs_as_thop
from codecbench.core.audio import Audio
from codecbench.core.dependency import require
from codecbench.core.errors import NotAvailableError, RunError
from codecbench.core.spec import Spec

PROBES = 8
"""Places within a frame where the input is changed to measure latency."""
_LATENCY_S = 1.0  # shortest signal on both sides of the change
_TIMEOUT_S = 4 * 3600.0
_MEMORY_MIB = 32768.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """How fast a codec is in one setting, at its highest operating point.

    Attributes:
        device: "cpu" or "cuda".
        threads: Threads that torch may use; 1 for codecs without torch.
        encode_s: Median seconds to encode one clip.
        decode_s: Median seconds to decode one clip.
        encode_rtf: `encode_s` for each second of audio; below 1 is faster than real time.
        decode_rtf: The same of `decode_s`.
    """

    device: str
    threads: int
    encode_s: float
    decode_s: float
    encode_rtf: float
    decode_rtf: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Macs:
    """Multiply-accumulates per second of audio at one operating point."""

    point: str
    encode: float
    decode: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Complexity:
    """What a codec costs.

    Attributes:
        spec: As asked for.
        trained: False for random weights, which cost as much.
        causal: As declared.
        parameters: Of the published model; None where there is no network.
        encoder_parameters: Of its encoder.
        decoder_parameters: Of its decoder; quantisers are the rest.
        weights_mib: Parameters as float32, in MiB.
        macs: At the lowest and the highest operating point; see `operation_count.CONVENTION`.
        thop_macs: At the highest, as papers count that used thop; see `thop_count`.
        speeds: One entry per setting.
        clips: Clips that were timed.
        clip_s: Length of each, in seconds.
        peak_memory_mib: Largest resident memory of the process while it loaded and coded.
        base_memory_mib: Its memory before it loaded the codec.
        declared_latency_ms: Frame and look-ahead that the adapter declares.
        measured_latency_ms: The longest time by which changed input changed earlier output; a
            lower bound, since influences that do not change a code are not seen.
    """

    spec: str
    trained: bool
    causal: bool
    parameters: int | None
    encoder_parameters: int | None
    decoder_parameters: int | None
    weights_mib: float | None
    macs: tuple[Macs, ...]
    thop_macs: Macs | None = None
    speeds: tuple[Speed, ...]
    clips: int
    clip_s: float
    peak_memory_mib: float
    base_memory_mib: float
    declared_latency_ms: float
    measured_latency_ms: float


def measure_complexity(spec: str, *, clips: int = 50, clip_s: float = 10.0) -> Complexity:
    """Measure a codec in a process of its own.

    Args:
        spec: Codec spec.
        clips: How many clips are timed, in each setting.
        clip_s: Length of each clip in seconds, more than 0.

    Raises:
        ConfigError: The spec cannot be right.
        NotAvailableError: A library or checkpoint is not on this machine.
        RunError: The codec failed.
    """
    get_codec(spec)  # refuses what cannot be right, with its own words
    request: Message = {"op": "complexity", "spec": spec, "clips": clips, "clip_s": clip_s}
    limits = Limits(timeout_s=_TIMEOUT_S, memory_mib=_MEMORY_MIB, retries=0)
    with SupervisedChild(limits) as child:
        reply = child.call(request)
    if reply.status == "skipped":
        raise NotAvailableError(reply.detail)
    if reply.value is None:
        msg = f"'{spec}' cannot be measured: {reply.detail or reply.reason}"
        raise RunError(msg)
    return _from_message(reply.value)


def run_complexity(request: Message) -> Message:
    """Measure a codec, inside the child.

    Args:
        request: ``spec``, ``clips`` and ``clip_s``.

    Returns:
        The fields of `Complexity`.
    """
    spec, clips = str(request["spec"]), int(str(request["clips"]))
    clip_s = float(str(request["clip_s"]))
    base = psutil.Process().memory_info().rss / 2**20
    codec = get_codec(spec)
    codec.load()
    info = codec.info
    speeds = _time_settings(spec, codec, clips, clip_s)
    peak = _peak_memory_mib()
    found = Complexity(
        spec=spec,
        trained=info.trained,
        causal=info.causal,
        parameters=None,
        encoder_parameters=None,
        decoder_parameters=None,
        weights_mib=None,
        macs=(),
        speeds=speeds,
        clips=clips,
        clip_s=clip_s,
        peak_memory_mib=peak,
        base_memory_mib=base,
        declared_latency_ms=info.latency_ms,
        measured_latency_ms=1000.0 * measure_latency(codec) / info.sample_rate,
    )
    if isinstance(codec, NeuralCodec):
        found = _with_counts(found, clip_s)
    return dict(asdict(found))


def _with_counts(found: Complexity, clip_s: float) -> Complexity:
    plain = get_codec(found.spec)
    assert isinstance(plain, NeuralCodec)  # the same spec has just made one
    plain.load_plain()
    count = count_parameters(plain)
    n_samples = countable_length(plain, clip_s)
    macs = []
    for point in dict.fromkeys(point.name for point in (plain.points[0], plain.points[-1])):
        encode, decode = count_macs(plain, plain.point(point), n_samples)
        macs.append(Macs(point=point, encode=encode, decode=decode))
    encode, decode = count_macs_as_thop(plain, plain.points[-1], n_samples)
    return replace(
        found,
        parameters=count.total,
        encoder_parameters=count.encoder,
        decoder_parameters=count.decoder,
        weights_mib=4 * count.total / 2**20,
        macs=tuple(macs),
        thop_macs=Macs(point=plain.points[-1].name, encode=encode, decode=decode),
    )


def _time_settings(spec: str, codec: Codec, clips: int, clip_s: float) -> tuple[Speed, ...]:
    if not isinstance(codec, NeuralCodec):
        return (_time(codec, "cpu", 1, clips, clip_s),)
    torch = require("torch")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    found = []
    for threads in sorted({1, cores or 1}):
        torch.set_num_threads(threads)
        found.append(_time(codec, codec.device, threads, clips, clip_s))
    torch.set_num_threads(1)
    if codec.device == "cpu" and torch.cuda.is_available():
        parsed = Spec.parse(spec)
        on_gpu = get_codec(replace(parsed, options={**parsed.options, "device": ("cuda",)}))
        on_gpu.load()
        found.append(_time(on_gpu, "cuda", 1, clips, clip_s))
    return tuple(found)


def _time(codec: Codec, device: str, threads: int, clips: int, clip_s: float) -> Speed:
    point = codec.points[-1]
    encoding, decoding = [], []
    for index in range(clips + 1):
        clip = _clip(codec, clip_s, index)
        started = time.perf_counter()
        encoded = codec.encode(clip, point)
        between = time.perf_counter()
        # The decoder gets bytes alone; what it returns is on the CPU, so no work is left over.
        codec.decode(Encoded.from_bytes(encoded.to_bytes()))
        if index > 0:  # the first one warms caches up
            encoding.append(between - started)
            decoding.append(time.perf_counter() - between)
    encode_s, decode_s = statistics.median(encoding), statistics.median(decoding)
    return Speed(
        device=device,
        threads=threads,
        encode_s=encode_s,
        decode_s=decode_s,
        encode_rtf=encode_s / clip_s,
        decode_rtf=decode_s / clip_s,
    )


def _clip(codec: Codec, clip_s: float, index: int) -> Audio:
    voice = make_signal(f"voice:{codec.info.sample_rate}").samples
    n_samples = max(1, round(clip_s * codec.info.sample_rate))
    return Audio(np.resize(np.roll(voice, 997 * index), n_samples), codec.info.sample_rate)


def measure_latency(codec: Codec, point: OperatingPoint | None = None) -> int:
    """Return by how many samples output can come before input that changes it, at least.

    The input is replaced by noise from some sample on, at several places within a frame; output
    that changes before is counted up to and with the sample that was changed first.

    Args:
        codec: Loaded.
        point: By default the highest.
    """
    info, point = codec.info, point or codec.points[-1]
    frame, rate = info.frame_samples, info.sample_rate
    reach = max(round(_LATENCY_S * rate), 2 * (frame + info.lookahead_samples))
    start = -(-reach // frame) * frame
    voice = np.resize(make_signal(f"voice:{rate}").samples, start + frame + reach)
    noise = 0.3 * np.random.default_rng(0).uniform(-1, 1, voice.size).astype(np.float32)
    before = _through(codec, voice, point)
    worst = 0
    for place in np.unique(np.linspace(0, frame - 1, PROBES).round().astype(int)):
        changed = voice.copy()
        changed[start + place :] = noise[start + place :]
        differing = np.flatnonzero(_through(codec, changed, point) != before)
        if differing.size:
            worst = max(worst, int(start + place - differing[0]) + 1)
    return worst


def _through(codec: Codec, samples: np.ndarray, point: OperatingPoint) -> np.ndarray:
    encoded = codec.encode(Audio(samples, codec.info.sample_rate), point)
    return codec.decode(Encoded.from_bytes(encoded.to_bytes())).samples


def _peak_memory_mib() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts KiB, macOS bytes: getrusage(2) of each.
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def _from_message(message: Mapping[str, object]) -> Complexity:
    content = dict(message)
    for key, cls in (("macs", Macs), ("speeds", Speed)):
        entries = content[key]
        assert isinstance(entries, list)  # written by run_complexity
        content[key] = tuple(cls(**entry) for entry in entries)
    thop = content["thop_macs"]
    if isinstance(thop, dict):
        content["thop_macs"] = Macs(**thop)
    return Complexity(**content)  # type: ignore[arg-type]  # written by run_complexity
