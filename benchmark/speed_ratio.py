"""Two codecs timed in turns within one process: a ratio that other load leaves alone."""

import math
import time
from dataclasses import dataclass

import numpy as np

from codecbench.adapters.base import Codec
from codecbench.adapters.bitstream import Encoded
from codecbench.adapters.registry import get_codec
from codecbench.benchmark.conformance import make_signal
from codecbench.benchmark.framing import Message
from codecbench.benchmark.supervisor import Limits, SupervisedChild
from codecbench.core.audio import Audio

CLIP_S = 2.0
"""Length of what is coded in each round, in seconds."""
_MIN_TURN_S = 0.02
"""A turn codes the clip again and again for at least so long: below, the clock is heard."""
_LIMITS = Limits(timeout_s=1800.0, memory_mib=32768.0, retries=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedRatio:
    """Times of a codec over those of a reference, round by round.

    Attributes:
        spec: The codec.
        reference: The other.
        log_ratios: Natural logarithm of time over time, one per round; empty where it failed.
        error: Why it failed; "" where it did not.
    """

    spec: str
    reference: str
    log_ratios: tuple[float, ...] = ()
    error: str = ""


def measure_speed_ratio(spec: str, reference: str, *, rounds: int) -> SpeedRatio:
    """Time a codec against a reference, encoding and decoding at the highest operating point.

    Args:
        spec: The codec.
        reference: What it is timed against.
        rounds: How often each is timed, taking turns.
    """
    with SupervisedChild(_LIMITS) as child:
        reply = child.call(
            {"op": "speed_ratio", "spec": spec, "reference": reference, "rounds": rounds}
        )
    found = reply.value["log_ratios"] if reply.value is not None else []
    return SpeedRatio(
        spec=spec,
        reference=reference,
        log_ratios=tuple(float(str(each)) for each in (found if isinstance(found, list) else [])),
        error="" if reply.value is not None else f"{reply.reason}: {reply.detail}",
    )


def run_speed_ratio(request: Message) -> Message:
    """Time two codecs in turns, inside the child.

    Args:
        request: ``spec``, ``reference`` and ``rounds``.

    Returns:
        ``log_ratios``, one per round.
    """
    codecs = [get_codec(str(request[key])) for key in ("spec", "reference")]
    for codec in codecs:
        codec.load()
    repeats = [max(1, math.ceil(_MIN_TURN_S / _warm(codec))) for codec in codecs]
    found = []
    for number in range(int(str(request["rounds"]))):
        times = [0.0, 0.0]
        # Whoever comes first finds colder caches, so they take turns in that, too.
        for place in (0, 1) if number % 2 else (1, 0):
            times[place] = _turn(codecs[place], number, repeats[place]) / repeats[place]
        found.append(math.log(times[0] / times[1]))
    return {"log_ratios": found}


def _warm(codec: Codec) -> float:
    _turn(codec, 0, 1)
    return max(_turn(codec, 1, 1), 1e-6)


def _turn(codec: Codec, number: int, repeats: int) -> float:
    rate = codec.info.sample_rate
    voice = make_signal(f"voice:{rate}").samples
    clip = Audio(np.resize(np.roll(voice, 997 * number), round(CLIP_S * rate)), rate)
    started = time.perf_counter()
    for _ in range(repeats):
        encoded = codec.encode(clip, codec.points[-1])
        codec.decode(Encoded.from_bytes(encoded.to_bytes()))
    return time.perf_counter() - started
