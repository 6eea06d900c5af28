"""How fast packets are coded, and whether a stream that goes on needs more and more memory."""

import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import psutil
from numpy.typing import NDArray

from codecbench.adapters.base import Codec, OperatingPoint

_WARM_UP_PACKETS = 20
"""Not counted: first calls fill caches and let libraries choose their kernels."""
_WARM_UP_S = 10.0
"""Of audio, before memory is looked at: allocators have found their level by then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Compute time per packet with a number of threads, encoder and decoder each.

    Attributes:
        threads: Threads that torch may use; 1 for codecs without torch.
        packets: How many were timed.
        encode_ms: 50th, 95th and 99th percentile, in ms.
        decode_ms: The same.
        real_time_factor: Compute time of both over the time of the audio, whatever waits between.
        late_share: Share of packets that took both together longer than a packet lasts.
        first_audio_ms: From the first sample's recording to the first output, compute included.
    """

    threads: int
    packets: int
    encode_ms: tuple[float, float, float]
    decode_ms: tuple[float, float, float]
    real_time_factor: float
    late_share: float
    first_audio_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Endurance:
    """One long stream.

    Attributes:
        pace: Of its packets.
        minutes: Of audio.
        growth_mib: Resident memory at the end less that after the first 10 s of audio.
    """

    pace: Pace
    minutes: float
    growth_mib: float


def run_stream(
    codec: Codec, point: OperatingPoint, voice: NDArray[np.float32], seconds: float, threads: int
) -> Endurance:
    """Feed a stream packet by packet, as fast as it goes, and time each packet.

    Args:
        codec: Loaded; it streams.
        point: Where.
        voice: A signal that is repeated.
        seconds: Of audio.
        threads: For the record; the caller has set them.
    """
    stream = codec.open_stream(point)
    rate, size = codec.info.sample_rate, stream.packet_samples
    packet_s = size / rate
    count = max(_WARM_UP_PACKETS + 10, round(seconds / packet_s))
    encode: list[float] = []
    decode: list[float] = []
    first_audio_ms = float("nan")
    process = psutil.Process()
    settled = None
    for index, block in enumerate(_blocks(voice, size, count)):
        started = time.perf_counter()
        packets = stream.encoder.push(block)
        between = time.perf_counter()
        heard = sum(stream.decoder.push(packet).size for packet in packets)
        ended = time.perf_counter()
        encode.append(between - started)
        decode.append(ended - between)
        if heard and np.isnan(first_audio_ms):
            first_audio_ms = 1000 * ((index + 1) * packet_s + ended - started)
        if settled is None and index * packet_s >= min(_WARM_UP_S, seconds / 2):
            settled = process.memory_info().rss
    growth = process.memory_info().rss - (settled or process.memory_info().rss)
    encode, decode = encode[_WARM_UP_PACKETS:], decode[_WARM_UP_PACKETS:]
    both = [one + other for one, other in zip(encode, decode, strict=True)]
    pace = Pace(
        threads=threads,
        packets=len(both),
        encode_ms=_percentiles_ms(encode),
        decode_ms=_percentiles_ms(decode),
        real_time_factor=statistics.fmean(both) / packet_s,
        late_share=sum(each > packet_s for each in both) / len(both),
        first_audio_ms=first_audio_ms,
    )
    return Endurance(pace=pace, minutes=count * packet_s / 60, growth_mib=growth / 2**20)


def _blocks(voice: NDArray[np.float32], size: int, count: int) -> Iterator[NDArray[np.float32]]:
    at = np.arange(size)
    for index in range(count):
        yield voice[(index * size + at) % voice.size]


def _percentiles_ms(seconds: list[float]) -> tuple[float, float, float]:
    low, middle, high = 1000 * np.percentile(seconds, [50, 95, 99])
    return float(low), float(middle), float(high)
