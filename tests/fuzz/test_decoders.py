"""Every codec's decoder on damaged streams, in the supervised child that a run would use.

A stream that cannot be decoded is refused with an error of ours; nothing dies, hangs or runs out of
memory, and no other exception comes out.
"""

import base64
import random
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from codecbench.adapters.bitstream import Encoded
from codecbench.adapters.registry import get_codec
from codecbench.benchmark.supervisor import Limits, SupervisedChild
from codecbench.core import errors
from codecbench.core.audio import Audio
from codecbench.core.errors import NotAvailableError

sys.path.insert(0, str(Path(__file__).parent))
from mutation import change_bytes

CODECS = (
    "aac", "amrnb", "amrwb", "clip:level=-6", "codec2:mode=700|3200", "g711", "g722", "g726",
    "gsm", "lc3", "lowpass:cutoff=3400", "mnru:q=15", "mp3", "noise:snr=20", "noise_floor", "opus",
    "pcm", "resample:rate=8000", "shift", "speex",
)  # fmt: skip
NEURAL = (
    "dac:variant=esc-tiny,codebooks=3|18", "encodec", "esc", "freqcodec", "hificodec", "mimi",
    "patch", "psq", "xcodec",
)  # fmt: skip
FAST, FULL = 12, 1200
OURS = {name for name, cls in vars(errors).items() if isinstance(cls, type)}
LENGTHS = (0, 1, 159, 4001, 10**6, 2**31)


def change_stream(chance: random.Random, encoded: Encoded) -> bytes:
    """Return a stream with something changed in it, whole or not."""
    packets = list(encoded.packets)
    for _ in range(chance.randint(0, 3)):
        if not packets:
            break
        place = chance.randrange(len(packets))
        packets[place] = change_bytes(chance, packets[place])
    if chance.random() < 0.2:
        packets = packets[: chance.randint(0, len(packets))]
    if chance.random() < 0.1:
        packets += packets[: chance.randint(0, 3)]
    changed = replace(
        encoded,
        packets=tuple(packets),
        packet_bits=tuple(8 * len(packet) for packet in packets),
        header=change_bytes(chance, encoded.header) if chance.random() < 0.2 else encoded.header,
        header_bits=-1,
        n_samples=chance.choice(LENGTHS) if chance.random() < 0.2 else encoded.n_samples,
        sample_rate=chance.choice([8000, 1, 10**6, encoded.sample_rate]),
        point=chance.choice([encoded.point] * 9 + ["none"]),
    )
    data = changed.to_bytes()
    return change_bytes(chance, data) if chance.random() < 0.1 else data


def damaged(spec: str, count: int) -> Iterator[bytes]:
    codec = get_codec(spec)
    codec.load()
    rng = np.random.default_rng(0)
    samples = 0.1 * rng.standard_normal(codec.info.sample_rate // 4).clip(-4, 4)
    audio = Audio(samples.astype(np.float32), codec.info.sample_rate)
    seeds = [codec.encode(audio, point) for point in (codec.points[0], codec.points[-1])]
    chance = random.Random(spec)
    for _ in range(count):
        yield change_stream(chance, chance.choice(seeds))


def try_decoder(spec: str, count: int) -> int:
    """Have so many damaged streams decoded; return how many."""
    try:
        streams = list(damaged(spec, count))
    except NotAvailableError as error:
        pytest.skip(f"not here: {error}")
    requests = [
        {
            "op": "check_decode",
            "spec": spec,
            "thorough": False,
            "stream": base64.b64encode(stream).decode(),
        }
        for stream in streams
    ]
    defects: dict[str, str] = {}
    with SupervisedChild(Limits(timeout_s=60.0, memory_mib=4096.0, retries=0)) as child:
        for stream, reply in zip(streams, child.stream(requests), strict=True):
            if reply.status != "ok" and reply.error_type not in OURS:
                defects.setdefault(f"{reply.reason}: {reply.detail}", stream.hex())
    assert not defects
    return len(streams)


@pytest.mark.parametrize("spec", ["codec2:mode=700|3200", "lc3", "opus"])
def test_a_damaged_stream_is_refused_or_decoded(spec: str) -> None:
    assert try_decoder(spec, FAST) == FAST


@pytest.mark.soak
@pytest.mark.parametrize("spec", [*CODECS, *NEURAL])
def test_no_damaged_stream_of_many_hurts(spec: str) -> None:
    print(f"fuzzed decoder of {spec}: {try_decoder(spec, FULL)} streams")  # noqa: T201
