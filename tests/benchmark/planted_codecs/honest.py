"""An honest codec, the base of those with a fault: ``honest.py:Honest`` as a plug-in."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from codecbench.adapters.base import Codec, CodecInfo, OperatingPoint
from codecbench.adapters.bitstream import Encoded
from codecbench.core.audio import Audio
from codecbench.core.errors import BitstreamError

RATE = 8000
FRAME = 160


class Honest(Codec):
    """Eight bits of each sample, one packet per frame."""

    causal: ClassVar[bool] = True

    def __init__(self) -> None:
        self.info = CodecInfo(
            name=type(self).__name__.lower(),
            version="1",
            fingerprint=type(self).__name__,
            sample_rate=RATE,
            frame_samples=FRAME,
            lookahead_samples=0,
            causal=self.causal,
            licence="MIT",
            source="tests",
        )
        self.points = (OperatingPoint(name="8", nominal_bps=8.0 * RATE),)

    def encode(self, audio: Audio, point: OperatingPoint) -> Encoded:
        self.require_codable(audio)
        return self.pack(audio.samples.astype(np.float64), audio, point)

    def pack(self, samples: NDArray[np.float64], audio: Audio, point: OperatingPoint) -> Encoded:
        levels = np.clip(np.rint(samples * 127), -127, 127).astype(np.int8).tobytes()
        packets = tuple(levels[at : at + FRAME] for at in range(0, len(levels), FRAME))
        return Encoded(
            packets=packets,
            point=point.name,
            n_samples=audio.n_samples,
            sample_rate=audio.sample_rate,
        )

    def decode(self, encoded: Encoded) -> Audio:
        return Audio.clip(self.unpack(encoded), encoded.sample_rate)

    def unpack(self, encoded: Encoded) -> NDArray[np.float64]:
        levels = np.frombuffer(b"".join(encoded.packets), np.int8)
        if levels.size != encoded.n_samples:
            msg = f"{levels.size} levels for {encoded.n_samples} samples"
            raise BitstreamError(msg)
        return levels / 127.0
