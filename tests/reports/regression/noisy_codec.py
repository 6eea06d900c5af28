"""A codec whose weights are a text file: how much noise it adds, and what else it does wrong.

Used by the tests as ``noisy_codec.py:NoisyCodec:checkpoint=a.pt``.
"""

import json
import time
from pathlib import Path

import numpy as np

from codecbench.adapters.base import Codec, CodecInfo, OperatingPoint
from codecbench.adapters.bitstream import Encoded
from codecbench.core.audio import Audio, round_to_int16
from codecbench.core.errors import EncodeError
from codecbench.core.fingerprint import hash_file


class NoisyCodec(Codec):
    """Sends 16-bit samples, to which it adds noise from a fixed seed."""

    def __init__(self, *, checkpoint: str, trace: str = "") -> None:
        path = Path(checkpoint)
        self.trace = trace
        self.weights = json.loads(path.read_text())
        self.info = CodecInfo(
            name="noisy",
            version="1",
            fingerprint=hash_file(path),
            sample_rate=16000,
            frame_samples=160,
            source="tests",
        )
        point = OperatingPoint(name="only", nominal_bps=256000.0, settings={})
        self.points = (point,)

    def encode(self, audio: Audio, point: OperatingPoint) -> Encoded:
        if self.trace:
            with Path(self.trace).open("a") as file:
                file.write(f"{audio.n_samples}\n")
        if audio.n_samples == self.weights.get("fails_at"):
            msg = "planted"
            raise EncodeError(msg)
        time.sleep(self.weights.get("sleep_s", 0.0))
        rng = np.random.default_rng([audio.n_samples, self.weights.get("seed", 0)])
        noise = self.weights["noise"] * rng.standard_normal(audio.n_samples)
        samples = round_to_int16((audio.samples + noise).clip(-1, 1).astype(np.float32))
        return Encoded(
            packets=(samples.astype("<i2").tobytes(),),
            packet_bits=(16 * audio.n_samples,),
            point=point.name,
            n_samples=audio.n_samples,
            sample_rate=audio.sample_rate,
        )

    def decode(self, encoded: Encoded) -> Audio:
        samples = np.frombuffer(encoded.packets[0], dtype="<i2").astype(np.float32) / 32768
        return Audio(samples, encoded.sample_rate)
