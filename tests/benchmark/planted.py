"""Codecs and metrics with planted behaviour, used by the tests as ``planted.py:Class`` plug-ins.

What they do on which clip is decided by the signal itself (its length in milliseconds), since a
codec never learns the name of a clip.
"""

import os
import signal
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import psutil

from codecbench.adapters.base import Codec, CodecInfo, OperatingPoint
from codecbench.adapters.bitstream import Encoded
from codecbench.core.audio import Audio, round_to_int16
from codecbench.core.errors import EncodeError
from codecbench.metrics.base import Metric


class CoarseCodec(Codec):
    """Keeps the upper bits of each sample; fast and well behaved."""

    rate_option = "bits"

    def __init__(self, *, bits: tuple[int, ...] = (4, 8), trace: str = "") -> None:
        self.trace = trace
        self.info = CodecInfo(
            name="coarse",
            version="1",
            fingerprint="coarse-1",
            sample_rate=16000,
            frame_samples=160,
            source="tests",
        )
        self.points = tuple(
            OperatingPoint(name=str(b), nominal_bps=16000.0 * b, settings={"bits": b}) for b in bits
        )

    def encode(self, audio: Audio, point: OperatingPoint) -> Encoded:
        if self.trace:
            with Path(self.trace).open("a") as file:
                file.write(f"{audio.n_samples} {point.name}\n")
        bits = int(str(point.settings["bits"]))
        shift = 16 - bits
        data = ((round_to_int16(audio.samples).astype(np.int32) >> shift) << shift).astype("<i2")
        return Encoded(
            packets=(data.tobytes(),),
            packet_bits=(audio.n_samples * bits,),
            point=point.name,
            n_samples=audio.n_samples,
            sample_rate=audio.sample_rate,
        )

    def decode(self, encoded: Encoded) -> Audio:
        samples = np.frombuffer(encoded.packets[0], dtype="<i2").astype(np.float32) / 32768
        return Audio(samples, encoded.sample_rate)


class FaultyCodec(CoarseCodec):
    """Misbehaves on clips of one length and is well behaved on all others."""

    def __init__(self, *, fault: str, at_ms: int = 1500, bits: tuple[int, ...] = (8,)) -> None:
        super().__init__(bits=bits)
        self.fault = fault
        self.at_ms = at_ms

    def decode(self, encoded: Encoded) -> Audio:
        audio = super().decode(encoded)
        if round(1000 * encoded.duration_s) != self.at_ms:
            return audio
        return misbehave(self.fault, audio)


def loop() -> None:
    """Never come back, and never let go of the interpreter."""
    while True:
        pass


def hoard() -> None:
    """Take 25 GB."""
    hoarded = [np.ones(2**25) for _ in range(100)]
    hoarded.clear()


DEADLY = {
    "segfault": lambda: os.kill(os.getpid(), signal.SIGSEGV),
    "abort": os.abort,
    "exit": lambda: os._exit(7),
    "hang": lambda: time.sleep(3600),
    "loop": loop,
    "memory": hoard,
}


def misbehave(fault: str, audio: Audio) -> Audio:
    """Do one of the things that codecs do."""
    samples, rate = audio.samples, audio.sample_rate
    if fault in DEADLY:
        DEADLY[fault]()
    if fault == "raise":
        msg = "planted"
        raise EncodeError(msg)
    changed = {
        "nan": lambda: np.full_like(samples, np.nan),
        "silent": lambda: np.zeros_like(samples),
        "short": lambda: samples[: samples.size // 2],
        "frame_short": lambda: samples[:-100],
        "empty": lambda: samples[:0],
        "inverted": lambda: -samples,
        "half_gain": lambda: samples * np.float32(0.5),
        "early": lambda: np.concatenate([samples[8:], np.zeros(8, np.float32)]),
    }
    if fault == "wrong_rate":
        return Audio(samples, 8000)
    if fault == "print":
        print("noise on standard output " * 1000)  # noqa: T201  (the fault)
        return audio
    return Audio(changed[fault](), rate)


class NoBytesCodec(FaultyCodec):
    """Gives nothing at all to its decoder on clips of one length."""

    def __init__(self, *, bits: tuple[int, ...] = (8,)) -> None:
        super().__init__(fault="empty", bits=bits)

    def encode(self, audio: Audio, point: OperatingPoint) -> Encoded:
        encoded = super().encode(audio, point)
        if round(1000 * encoded.duration_s) != self.at_ms:
            return encoded
        return replace(encoded, packets=(b"",), packet_bits=(0,))


class Counting(Metric):
    """Distance of means of magnitude; appends a line per call where it is told to.

    With ``halt_at`` a process stops in its so-manieth call until there is a file ``gate``, so that
    a test can kill it at a moment of which it knows what has been done before.
    """

    name: ClassVar[str] = "counting"
    outputs: ClassVar[tuple[str, ...]] = ("counting",)
    higher_is_better: ClassVar[bool] = False
    range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    min_seconds: ClassVar[float] = 0.01
    source: ClassVar[str] = "tests"

    calls: ClassVar[int] = 0

    def __init__(
        self,
        *,
        scale: float = 1.0,
        trace: str = "",
        slow_s: float = 0.0,
        halt_at: int = 0,
        gate: str = "",
    ) -> None:
        self.scale = scale
        self.trace = trace
        self.slow_s = slow_s
        self.halt_at = halt_at
        self.gate = gate

    @property
    def definition(self) -> str:
        return f"scale={self.scale:g}"

    def prepare(self, reference: Audio) -> Audio:
        return reference

    def score(self, prepared: Audio, degraded: Audio) -> Mapping[str, float]:
        if self.trace:
            with Path(self.trace).open("a") as file:
                file.write(f"{degraded.sha256}\n")
        Counting.calls += 1
        while Counting.calls == self.halt_at and not Path(self.gate).exists():
            time.sleep(0.02)
        time.sleep(self.slow_s)
        distance = float(np.abs(prepared.samples - degraded.samples).mean())
        return {"counting": self.scale * distance}


class Threads(Counting):
    """Tells by its definition how many threads its process has after some linear algebra."""

    name: ClassVar[str] = "threads"
    outputs: ClassVar[tuple[str, ...]] = ("threads",)

    @property
    def definition(self) -> str:
        square = np.ones((600, 600))
        np.matmul(square, square)
        return str(psutil.Process().num_threads())


class Crashing(Counting):
    """Dies on clips of one length."""

    name: ClassVar[str] = "crashing"
    outputs: ClassVar[tuple[str, ...]] = ("crashing",)

    def __init__(self, *, fault: str = "segfault", at_ms: int = 1500) -> None:
        super().__init__()
        self.fault = fault
        self.at_ms = at_ms

    def score(self, prepared: Audio, degraded: Audio) -> Mapping[str, float]:
        if round(1000 * degraded.duration_s) == self.at_ms:
            misbehave(self.fault, degraded)
            return {"crashing": float("nan")}
        return {"crashing": 0.5}


class Aborting(Crashing):
    """Ends its process on clips of one length."""

    name: ClassVar[str] = "aborting"
    outputs: ClassVar[tuple[str, ...]] = ("aborting",)
    fault_here = "abort"

    def __init__(self) -> None:
        super().__init__(fault=self.fault_here)

    def score(self, prepared: Audio, degraded: Audio) -> Mapping[str, float]:
        return {self.name: super().score(prepared, degraded)["crashing"]}


class Looping(Aborting):
    """Never comes back from clips of one length."""

    name: ClassVar[str] = "looping"
    outputs: ClassVar[tuple[str, ...]] = ("looping",)
    fault_here = "loop"


class Hoarding(Aborting):
    """Takes 25 GB on clips of one length."""

    name: ClassVar[str] = "hoarding"
    outputs: ClassVar[tuple[str, ...]] = ("hoarding",)
    fault_here = "memory"


class LongOnly(Counting):
    """Needs 1.3 s."""

    name: ClassVar[str] = "long_only"
    outputs: ClassVar[tuple[str, ...]] = ("long_only",)
    min_seconds: ClassVar[float] = 1.3

    def score(self, prepared: Audio, degraded: Audio) -> Mapping[str, float]:
        return {"long_only": super().score(prepared, degraded)["counting"]}


class Uninstalled(Counting):
    """Needs a package that nobody has."""

    name: ClassVar[str] = "uninstalled"
    outputs: ClassVar[tuple[str, ...]] = ("uninstalled",)
    modules: ClassVar[tuple[str, ...]] = ("a_package_that_nobody_has",)


class PlacedCodec(CoarseCodec):
    """Appends the name of its worker to a file; may kill the worker that its child belongs to."""

    def __init__(
        self,
        *,
        device: str = "cpu",
        trace: str = "",
        kills_at_ms: int = 0,
        bits: tuple[int, ...] = (8,),
    ) -> None:
        super().__init__(bits=bits)
        self.device = device
        self.placed = trace
        self.kills_at_ms = kills_at_ms

    def decode(self, encoded: Encoded) -> Audio:
        if self.placed:
            with Path(self.placed).open("a") as file:
                file.write(f"{os.environ.get('PLANTED_WORKER', 'nobody')}\n")
        if round(1000 * encoded.duration_s) == self.kills_at_ms:
            os.kill(os.getppid(), signal.SIGKILL)
        return super().decode(encoded)
