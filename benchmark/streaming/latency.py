"""How long a receiver waits: samples are withheld until it is their time."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codecbench.adapters.base import Codec, OperatingPoint
from codecbench.core.audio import Audio

_STEPS = 8
"""Pushes per packet: no multiple of a packet is needed, and a codec may send at any of them."""
_PLACES = 5
_HEARD = 0.01
"""Share of the largest change that counts as heard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One signal through a stream.

    Attributes:
        samples: What came out, joined.
        pushed: How many samples had been pushed when each sample of the output came out,
            ``(samples,)``; those of the end, which silence pushed out, have the signal's length.
        packets: What was sent.
    """

    samples: NDArray[np.float32]
    pushed: NDArray[np.int64]
    packets: tuple[bytes, ...]

    @property
    def first_pushed(self) -> int:
        """Samples that had been pushed when the first one came out."""
        return int(self.pushed[0]) if self.pushed.size else 0


def send(codec: Codec, point: OperatingPoint, samples: NDArray[np.float32]) -> Arrival:
    """Push a signal piece by piece and note when what comes out.

    A packet is decoded as soon as it is there; nothing later has been seen by anybody.
    """
    stream = codec.open_stream(point)
    step = max(1, stream.packet_samples // _STEPS)
    packets: list[bytes] = []
    heard: list[NDArray[np.float32]] = []
    when: list[NDArray[np.int64]] = []

    def take(new: list[bytes], pushed: int) -> None:
        packets.extend(new)
        for packet in new:
            out = stream.decoder.push(packet)
            heard.append(out)
            when.append(np.full(out.size, pushed, dtype=np.int64))

    for start in range(0, samples.size, step):
        piece = samples[start : start + step]
        take(stream.encoder.push(piece), start + piece.size)
    take(stream.encoder.flush(), samples.size)
    rest = stream.decoder.flush()
    heard.append(rest)
    when.append(np.full(rest.size, samples.size, dtype=np.int64))
    return Arrival(
        samples=np.concatenate(heard), pushed=np.concatenate(when), packets=tuple(packets)
    )


def buffering_latency(arrival: Arrival, n_samples: int) -> int:
    """Return the longest time from a sample's recording to its output, in samples.

    Args:
        arrival: Of a signal of `n_samples`.
        n_samples: Its length; the last samples, which the end pushed out, do not count.
    """
    pushed = arrival.pushed[:n_samples]
    inside = pushed < n_samples
    return int((pushed - np.arange(pushed.size))[inside].max(initial=0))


def impulse_latency(codec: Codec, point: OperatingPoint, samples: NDArray[np.float32]) -> int:
    """Return the longest time from an impulse to the first output that lets it be heard.

    Several places within a packet are tried. Heard is a change of at least 1 % of the largest.

    Args:
        codec: Loaded; it streams.
        point: Where.
        samples: A signal of some packets that the impulse is added to.
    """
    before = send(codec, point, samples)
    packet = codec.open_stream(point).packet_samples
    start = samples.size // 2 // packet * packet
    worst = 0
    for place in np.unique(np.linspace(0, packet - 1, _PLACES).round().astype(int)):
        at = start + int(place)
        changed = samples.copy()
        changed[at] = -0.9 if samples[at] > 0 else 0.9
        after = send(codec, point, changed)
        difference = np.abs(after.samples - before.samples)
        if difference.size and difference.max() > 0:
            first = int(np.argmax(difference >= _HEARD * difference.max()))
            worst = max(worst, int(after.pushed[first]) - at)
    return worst


def impulse_place(codec: Codec, point: OperatingPoint, samples: NDArray[np.float32]) -> int | None:
    """Return how late the largest change of the offline output comes after an impulse.

    Args:
        codec: Loaded.
        point: Where.
        samples: A signal that the impulse is added to, in its middle.

    Returns:
        Samples, negative where it comes before; None where nothing changes.
    """
    at = samples.size // 2
    changed = samples.copy()
    changed[at] = -0.9 if samples[at] > 0 else 0.9
    rate = codec.info.sample_rate
    one, other = (
        codec.decode(codec.encode(Audio(signal, rate), point)).samples
        for signal in (samples, changed)
    )
    difference = np.abs(one - other)
    return int(np.argmax(difference)) - at if difference.max(initial=0.0) > 0 else None
