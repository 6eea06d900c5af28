"""Whether the numbers of this machine are right: generated signals against independent values."""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from codecbench.adapters.registry import get_codec
from codecbench.benchmark.framing import Message
from codecbench.core.audio import Audio
from codecbench.core.errors import ConfigError
from codecbench.core.fingerprint import Json
from codecbench.core.resampling import resample
from codecbench.metrics.registry import get_metric


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One comparison with a value of independent origin.

    Attributes:
        name: What is compared.
        subject: Metric or codec spec.
        expected: The value.
        tolerance: Largest allowed difference.
        origin: Where the value comes from.
        table: The entry itself, as the child is given it.
    """

    name: str
    subject: str
    expected: float
    tolerance: float
    origin: str
    table: Message


def conformance_checks() -> list[Check]:
    """Return all checks, metrics first."""
    text = files("codecbench.golden").joinpath("conformance.json").read_text(encoding="utf-8")
    tables = json.loads(text)
    return [
        Check(
            name=table["check"],
            subject=table.get("metric") or table["codec"],
            expected=float(table["expected"]),
            tolerance=float(table["tolerance"]),
            origin=table["origin"],
            table=table,
        )
        for table in [*tables["metrics"], *tables["codecs"]]
    ]


def run_check(request: Message) -> Message:
    """Compute what a check compares, inside the child.

    Args:
        request: ``check``: an entry of the table.

    Returns:
        ``found``: the number.
    """
    table = request["check"]
    if not isinstance(table, dict):
        msg = "a conformance check must be a table"
        raise ConfigError(msg)
    if "metric" in table:
        return {"found": _score(table)}
    return {"found": _code(table)}


def _score(table: dict[str, Json]) -> float:
    metric = get_metric(str(table["metric"]))
    metric.require_modules()
    reference = make_signal(str(table["reference"]))
    degraded = make_signal(str(table["degraded"]))
    if metric.sample_rate is not None:
        reference = resample(reference, metric.sample_rate)
        degraded = resample(degraded, metric.sample_rate)
    scores = metric.score(metric.prepare(reference), degraded)
    return float(scores[metric.outputs[0]])


def _code(table: dict[str, Json]) -> float:
    codec = get_codec(str(table["codec"]))
    codec.load()
    audio = resample(make_signal(str(table.get("signal", "voice:16000"))), codec.info.sample_rate)
    encoded = codec.encode(audio, codec.points[0])
    if table["quantity"] == "bits_per_packet":
        return float(np.median(encoded.packet_bits))
    error = codec.decode(encoded).samples.astype(np.float64) - audio.samples
    if table["quantity"] == "max_error":
        return float(np.abs(error).max())
    power = float(np.square(audio.samples.astype(np.float64)).sum())
    return 10 * float(np.log10(power / np.square(error).sum()))


@cache
def make_signal(recipe: str) -> Audio:
    """Make a signal from its recipe.

    Args:
        recipe: ``lcg:rate:samples:seed:gain``, ``mix:rate:samples`` (0.7 lcg(1) + 0.3 lcg(2)),
            ``impulse:rate:samples:at`` (0.9 at one sample) or ``voice:rate`` (three seconds of
            something with pitch, syllables and pauses, on the 16-bit grid).
    """
    kind, *numbers = recipe.split(":")
    rate = int(numbers[0])
    if kind == "lcg":
        count, seed, gain = int(numbers[1]), int(numbers[2]), float(numbers[3])
        return Audio.clip(gain * lcg(count, seed), rate)
    if kind == "mix":
        count = int(numbers[1])
        return Audio.clip(0.7 * lcg(count, 1) + 0.3 * lcg(count, 2), rate)
    if kind == "impulse":
        samples = np.zeros(int(numbers[1]))
        samples[int(numbers[2])] = 0.9
        return Audio.clip(samples, rate)
    return _voice(rate).quantize_16bit()


def lcg(count: int, seed: int) -> NDArray[np.float64]:
    """Return noise in [-1, 1) from the linear congruential generator of Numerical Recipes."""
    values = np.empty(count)
    state = seed
    for index in range(count):
        state = (1664525 * state + 1013904223) & 0xFFFFFFFF
        values[index] = state / 2**31 - 1
    return values


def _voice(rate: int) -> Audio:
    t = np.arange(3 * rate) / rate
    phase = 2 * np.pi * np.cumsum(120 + 25 * np.sin(2 * np.pi * 0.6 * t)) / rate
    harmonics = [np.sin(k * phase + k) * np.exp(-k / 9) for k in range(1, 28)]
    syllables = np.clip(np.sin(2 * np.pi * 3.3 * t) + 0.5, 0, None)
    phrases = np.clip(5 * np.sin(2 * np.pi * 0.5 * t + 0.3), 0, 1)
    samples = np.sum(harmonics, axis=0) * syllables * phrases + 1e-3 * lcg(t.size, 3)
    return Audio.clip(0.4 * samples / np.abs(samples).max(), rate)
