"""Whether a stream gives what the codec gives offline: tokens, samples, scores."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codecbench.adapters.base import Codec, OperatingPoint
from codecbench.adapters.bit_packer import unpack_codes
from codecbench.adapters.bitstream import Encoded
from codecbench.adapters.neural.neural_codec import NeuralCodec
from codecbench.benchmark.streaming.latency import Arrival
from codecbench.core.audio import Audio
from codecbench.core.cell import Status
from codecbench.metrics.evaluation import evaluate, prepare_reference
from codecbench.metrics.registry import get_metric

METRICS = ("estoi", "mel_dac", "si_sdr")
"""Compared on both outputs: quick, and each of another kind."""
TOLERANCE = 1e-5
"""Largest difference of a sample, full scale 1, that rounding may make."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricGap:
    """One metric of the offline and of the streamed output, against the same input.

    Attributes:
        name: Of the metric.
        offline: None where it could not be computed.
        stream: The same.
    """

    name: str
    offline: float | None
    stream: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How the two ways compare on one signal.

    Attributes:
        tokens: Codes compared, or packets where the payload is no codes.
        mismatch_rate: Share of them that differ; a packet that is missing differs.
        max_difference: Of samples, full scale 1.
        metrics: Scores of both.
    """

    tokens: int
    mismatch_rate: float
    max_difference: float
    metrics: tuple[MetricGap, ...]

    @property
    def holds(self) -> bool:
        """Whether both are the same up to rounding."""
        return self.mismatch_rate == 0.0 and self.max_difference <= TOLERANCE


def compare_ways(codec: Codec, point: OperatingPoint, audio: Audio, arrival: Arrival) -> Agreement:
    """Compare what came out of a stream with the offline codec on the same signal."""
    encoded = codec.encode(audio, point)
    offline = codec.decode(Encoded.from_bytes(encoded.to_bytes())).samples
    streamed = np.zeros(offline.size, dtype=np.float32)
    heard = arrival.samples[: offline.size]
    streamed[: heard.size] = heard
    tokens, differing = _count_tokens(codec, point, encoded.packets, arrival.packets)
    return Agreement(
        tokens=tokens,
        mismatch_rate=differing / tokens if tokens else 0.0,
        max_difference=float(np.abs(streamed - offline).max(initial=0.0)),
        metrics=_score(audio, offline, streamed),
    )


def _count_tokens(
    codec: Codec, point: OperatingPoint, offline: tuple[bytes, ...], stream: tuple[bytes, ...]
) -> tuple[int, int]:
    if not isinstance(codec, NeuralCodec) or codec.packet_frames is None:
        pairs = [
            (packet, stream[i] if i < len(stream) else None) for i, packet in enumerate(offline)
        ]
        return len(offline), sum(one != other for one, other in pairs)
    sizes, frames = codec.codebook_sizes(point), codec.packet_frames
    per_packet = len(sizes) * frames
    total = differing = 0
    for index, packet in enumerate(offline):
        other = stream[index] if index < len(stream) else b""
        total += per_packet
        if len(other) != len(packet):
            differing += per_packet
        elif other != packet:
            one, two = (unpack_codes(data, sizes, frames) for data in (packet, other))
            differing += int((one != two).sum())
    return total, differing


def _score(
    audio: Audio, offline: NDArray[np.float32], streamed: NDArray[np.float32]
) -> tuple[MetricGap, ...]:
    gaps = []
    for name in METRICS:
        metric = get_metric(name)
        prepared = prepare_reference(metric, audio)
        values: list[float | None] = []
        for samples in (offline, streamed):
            degraded = Audio.clip(samples, audio.sample_rate)
            cell = evaluate(metric, prepared, degraded)[metric.outputs[0]]
            values.append(cell.value if cell.status is Status.OK else None)
        gaps.append(MetricGap(name=name, offline=values[0], stream=values[1]))
    return tuple(gaps)
