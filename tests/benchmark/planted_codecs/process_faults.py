"""Codecs that refuse too little, die, or touch more of their process than they may."""

import contextlib
import os
import signal
import socket
import time
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from codecbench.adapters.base import OperatingPoint
from codecbench.adapters.bitstream import Encoded
from codecbench.adapters.registry import CODECS
from codecbench.core.audio import Audio
from codecbench.core.errors import EncodeError

Honest = CODECS.load(f"{Path(__file__).with_name('honest.py')}:Honest")
RATE = 8000


class Unguarded(Honest):
    """Takes whatever comes, but for what a test asks it to refuse."""

    refuses: ClassVar[frozenset[str]] = frozenset()

    def encode(self, audio: Audio, point: OperatingPoint) -> Encoded:
        wrong = {
            "rate": audio.sample_rate != RATE,
            "empty": audio.n_samples == 0,
            "channels": audio.samples.ndim != 1,
            "finite": not np.isfinite(audio.samples).all(),
        }
        if any(wrong[each] for each in self.refuses):
            msg = "refused"
            raise EncodeError(msg)
        plain = np.nan_to_num(audio.samples.astype(np.float64))
        return self.pack(plain if plain.ndim == 1 else plain.mean(axis=0), audio, point)


class AcceptsNan(Unguarded):
    refuses = frozenset({"rate", "empty", "channels"})


class AcceptsAnyRate(Unguarded):
    refuses = frozenset({"finite", "empty", "channels"})


class AcceptsStereo(Unguarded):
    refuses = frozenset({"rate", "empty", "finite"})

    def pack(self, samples: NDArray[np.float64], audio: Audio, point: OperatingPoint) -> Encoded:
        return super().pack(samples, Audio(samples, audio.sample_rate), point)


class StumblesOverNothing(Unguarded):
    refuses = frozenset({"rate", "finite", "channels"})

    def pack(self, samples: NDArray[np.float64], audio: Audio, point: OperatingPoint) -> Encoded:
        return super().pack(samples - samples[0] * 0, audio, point)


class TakesAnyOption(Honest):
    def __init__(self, **options: object) -> None:
        super().__init__()
        self.options = options


class CrashesOnSilence(Honest):
    def unpack(self, encoded: Encoded) -> NDArray[np.float64]:
        if encoded.n_samples > 1000 and encoded.packets and not any(map(any, encoded.packets)):
            os.kill(os.getpid(), signal.SIGSEGV)
        return super().unpack(encoded)


class HangsOnSilence(Honest):
    def unpack(self, encoded: Encoded) -> NDArray[np.float64]:
        if encoded.n_samples > 1000 and encoded.packets and not any(map(any, encoded.packets)):
            time.sleep(3600)
        return super().unpack(encoded)


class PhonesHome(Honest):
    """Looks for a newer version of itself; closed port 9 of this machine stands for the world."""

    def encode(self, audio: Audio, point: OperatingPoint) -> Encoded:
        with contextlib.suppress(OSError), socket.socket() as connection:
            connection.settimeout(0.2)
            connection.connect(("127.0.0.1", 9))
        return super().encode(audio, point)


class DownloadsWeights(Honest):
    def load(self) -> None:
        socket.getaddrinfo("weights.invalid", 443)


class SeedsTheWorld(Honest):
    def encode(self, audio: Audio, point: OperatingPoint) -> Encoded:
        np.random.seed(audio.n_samples % 1000)  # noqa: NPY002  (the fault)
        return super().encode(audio, point)


class KeepsEveryClip(Honest):
    kept: ClassVar[list[NDArray[np.float64]]] = []

    def pack(self, samples: NDArray[np.float64], audio: Audio, point: OperatingPoint) -> Encoded:
        self.kept.append(samples.copy())
        return super().pack(samples, audio, point)


class BrokenLoad(Honest):
    def load(self) -> None:
        os.abort()
