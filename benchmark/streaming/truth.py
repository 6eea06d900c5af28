"""Everything that a codec's word on streaming is held against, measured in a child."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codecbench.adapters.base import Codec, OperatingPoint
from codecbench.adapters.neural.neural_codec import NeuralCodec
from codecbench.adapters.registry import get_codec
from codecbench.benchmark.complexity import measure_latency
from codecbench.benchmark.conformance import make_signal
from codecbench.benchmark.framing import Message
from codecbench.benchmark.streaming.agreement import Agreement, MetricGap, compare_ways
from codecbench.benchmark.streaming.causality import Reach, measure_reach
from codecbench.benchmark.streaming.latency import (
    buffering_latency,
    impulse_latency,
    impulse_place,
    send,
)
from codecbench.benchmark.streaming.pace import Endurance, Pace, run_stream
from codecbench.benchmark.supervisor import Limits, SupervisedChild
from codecbench.core.audio import Audio
from codecbench.core.dependency import require
from codecbench.core.errors import NotAvailableError, RunError, UnsupportedSettingError

_LIMITS = Limits(timeout_s=4 * 3600.0, memory_mib=32768.0, retries=0)
_PROBE_S = 1.5
"""Shortest signal that is changed to see what changes before."""
_SHORT_S = 5.0
"""Of audio, for the other numbers of threads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamTruth:
    """What was found about one codec at one point.

    Attributes:
        spec: As asked for.
        point: The highest.
        trained: False for random weights.
        neural: Whether it is a network.
        declared_causal: As the adapter says.
        sample_rate: In Hz.
        declared: Frame and look-ahead that it declares, in samples.
        perturbation: By how many samples changed input changed earlier output, at least.
        impulse_place: How late the largest change after an impulse comes; None if nothing changes.
        reach: Of encoder and decoder apart, for networks.
        packet: Samples per packet of the stream; None where it has no streaming mode.
        buffering: Longest time from a sample's recording to its output in the stream, in samples.
        impulse: Longest time from an impulse to the first output that lets it be heard.
        agreement: Of stream and offline.
        paces: One per number of threads.
        endurance: The long stream.
    """

    spec: str
    point: str
    trained: bool
    neural: bool
    declared_causal: bool
    sample_rate: int
    declared: int
    perturbation: int
    impulse_place: int | None = None
    reach: Reach | None = None
    packet: int | None = None
    buffering: int | None = None
    impulse: int | None = None
    agreement: Agreement | None = None
    paces: tuple[Pace, ...] = ()
    endurance: Endurance | None = None

    def milliseconds(self, samples: int) -> float:
        """Return samples in ms."""
        return 1000.0 * samples / self.sample_rate

    @property
    def measured(self) -> int:
        """The longest latency that changes or buffers have shown, in samples.

        An impulse is left out: a quantiser may not let it through at once.
        """
        parts = self.reach.latency if self.reach else 0
        return max(self.perturbation, parts, self.buffering or 0)

    @property
    def holds(self) -> bool:
        """Whether nothing contradicts what the adapter declares."""
        if not self.declared_causal:
            return self.agreement is None or self.agreement.holds
        agrees = self.agreement is None or self.agreement.holds
        return agrees and self.measured <= self.declared

    @property
    def verdict(self) -> str:
        """What follows, in one line."""
        declared, measured = self.milliseconds(self.declared), self.milliseconds(self.measured)
        if self.agreement is not None and not self.agreement.holds:
            return (
                f"the stream is another codec than the offline one: "
                f"{self.agreement.mismatch_rate:.2%} of {self.agreement.tokens} tokens differ, "
                f"samples by up to {self.agreement.max_difference:.2g}"
            )
        if not self.declared_causal:
            if self.reach is not None and self.reach.whole:
                return "not causal, shown: the last sample can change the first"
            frame = self.reach.frame if self.reach is not None else self.declared
            if self.measured > frame:
                ahead = self.milliseconds(self.measured - frame)
                return f"not causal, shown: it looks {ahead:.1f} ms beyond its frame"
            return f"declared not causal; nothing later than {measured:.1f} ms was found to matter"
        if self.measured > self.declared:
            return f"looks further ahead than declared: {measured:.2f} ms, declared {declared:.2f}"
        if self.agreement is not None:
            return (
                f"causal, shown: with the future withheld it gives what it gives offline; "
                f"{measured:.2f} ms, declared {declared:.2f}"
            )
        probes = self.reach.probes if self.reach else 0
        asked = f" in {probes} probes of encoder and decoder" if probes else ""
        return f"causal as declared: nothing came earlier than {declared:.2f} ms{asked}"


def measure_streaming(spec: str, *, minutes: float = 10.0) -> StreamTruth:
    """Measure a codec in a process of its own.

    Args:
        spec: Codec spec.
        minutes: Of audio in the long stream, more than 0.

    Raises:
        ConfigError: The spec cannot be right.
        NotAvailableError: A library or checkpoint is not on this machine.
        RunError: The codec failed.
    """
    get_codec(spec)  # refuses what cannot be right, with its own words
    with SupervisedChild(_LIMITS) as child:
        reply = child.call({"op": "stream", "spec": spec, "minutes": minutes})
    if reply.status == "skipped":
        raise NotAvailableError(reply.detail)
    if reply.value is None:
        msg = f"'{spec}' cannot be measured: {reply.detail or reply.reason}"
        raise RunError(msg)
    return _from_message(reply.value)


def run_streaming(request: Message) -> Message:
    """Measure a codec, inside the child.

    Args:
        request: ``spec`` and ``minutes``.

    Returns:
        The fields of `StreamTruth`.
    """
    spec, seconds = str(request["spec"]), 60.0 * float(str(request["minutes"]))
    codec = get_codec(spec)
    codec.load()
    info, point = codec.info, codec.points[-1]
    voice = make_signal(f"voice:{info.sample_rate}").samples
    declared = info.frame_samples + info.lookahead_samples
    probe = np.resize(voice, max(round(_PROBE_S * info.sample_rate), 16 * declared))
    facts: dict[str, Any] = {  # Any: the fields of StreamTruth
        "spec": spec,
        "point": point.name,
        "trained": info.trained,
        "neural": isinstance(codec, NeuralCodec),
        "declared_causal": info.causal,
        "sample_rate": info.sample_rate,
        "declared": declared,
        "perturbation": measure_latency(codec, point),
        "impulse_place": impulse_place(codec, point, probe),
    }
    if isinstance(codec, NeuralCodec):
        facts["reach"] = measure_reach(codec, point, probe)
    try:
        packet = codec.open_stream(point).packet_samples
    except UnsupportedSettingError:
        return dict(asdict(StreamTruth(**facts)))
    return dict(asdict(_streamed(codec, point, voice, seconds, facts | {"packet": packet})))


def _streamed(
    codec: Codec,
    point: OperatingPoint,
    voice: NDArray[np.float32],
    seconds: float,
    facts: dict[str, Any],  # Any: the fields of StreamTruth
) -> StreamTruth:
    arrival = send(codec, point, voice)
    short = voice[: max(40 * int(facts["packet"]), codec.info.sample_rate // 2)]
    paces, endurance = _pace(codec, point, voice, seconds)
    return StreamTruth(
        **facts,
        buffering=buffering_latency(arrival, voice.size),
        impulse=impulse_latency(codec, point, short),
        agreement=compare_ways(codec, point, Audio(voice, codec.info.sample_rate), arrival),
        paces=paces,
        endurance=endurance,
    )


def _pace(
    codec: Codec, point: OperatingPoint, voice: NDArray[np.float32], seconds: float
) -> tuple[tuple[Pace, ...], Endurance]:
    long = run_stream(codec, point, voice, seconds, 1)
    paces = [long.pace]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    if isinstance(codec, NeuralCodec) and (cores or 1) > 1:
        torch = require("torch")
        torch.set_num_threads(cores)
        short = min(seconds, _SHORT_S)
        paces.append(run_stream(codec, point, voice, short, cores or 1).pace)
        torch.set_num_threads(1)
    return tuple(paces), long


def _from_message(message: Mapping[str, Any]) -> StreamTruth:
    # Any: written by run_streaming.
    content = dict(message)
    if content["reach"] is not None:
        content["reach"] = Reach(**content["reach"])
    if content["agreement"] is not None:
        gaps = tuple(MetricGap(**gap) for gap in content["agreement"]["metrics"])
        content["agreement"] = Agreement(**{**content["agreement"], "metrics": gaps})
    content["paces"] = tuple(_pace_of(pace) for pace in content["paces"])
    if content["endurance"] is not None:
        pace = _pace_of(content["endurance"]["pace"])
        content["endurance"] = Endurance(**{**content["endurance"], "pace": pace})
    return StreamTruth(**content)


def _pace_of(table: Mapping[str, Any]) -> Pace:
    times = {key: tuple(table[key]) for key in ("encode_ms", "decode_ms")}
    return Pace(**{**table, **times})
