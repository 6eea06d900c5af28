"""Codecs for an environment of their own: one that works, and some that do not."""

import os
import sys
import time

import numpy as np

from codecbench import Audio, Codec, CodecInfo, Encoded, OperatingPoint, pack_codes, unpack_codes

SIZES = (256,)


class Eight(Codec):
    """Eight bits for each sample, as codes; does something else for a clip that begins with 1."""

    rate_option = None

    def __init__(self, *, fault: str = "none") -> None:
        self.fault = fault
        self.info = CodecInfo(
            name="eight",
            version="1",
            fingerprint="eight 1",
            sample_rate=16000,
            frame_samples=1,
            licence="MIT",
            source="test",
        )
        self.points = (OperatingPoint(name="128000", nominal_bps=128000.0),)

    def load(self) -> None:
        print("printed to standard output")  # noqa: T201  (must do no harm)
        self.table = np.linspace(-1, 1, 256, dtype=np.float32)

    def encode(self, audio: Audio, point: OperatingPoint) -> Encoded:
        if audio.samples[0] == 1:
            misbehave(self.fault)
        codes = np.abs(audio.samples[:, None] - self.table).argmin(1)[None].astype(np.int64)
        data, bits = pack_codes(codes, SIZES)
        return Encoded(
            packets=(data,),
            packet_bits=(bits,),
            point=point.name,
            n_samples=audio.n_samples,
            sample_rate=16000,
            codes=codes,
            codebook_sizes=SIZES,
        )

    def decode(self, encoded: Encoded) -> Audio:
        codes = unpack_codes(encoded.packets[0], SIZES, encoded.n_samples)
        return Audio(self.table[codes[0]], 16000)


def misbehave(fault: str) -> None:
    if fault == "hang":
        time.sleep(60)
    elif fault == "killed":
        os.kill(os.getpid(), 9)
    elif fault == "exit":
        sys.stderr.write("goodbye\n")
        os._exit(7)
    elif fault == "hog":
        kept = []
        while True:
            kept.append(np.ones(2**21))
            time.sleep(0.01)
    elif fault == "raise":
        raise ZeroDivisionError("by nothing")
    elif fault == "nan":
        Audio(np.array([np.nan], dtype=np.float32), 16000)
    elif fault == "babble":
        os.write(1, b"x" * 100)


class OtherSoxr(Eight):
    """Needs a soxr that codecbench itself could not use."""

    def __init__(self) -> None:
        super().__init__()
        import soxr

        self.info = CodecInfo(
            name="other_soxr",
            version=soxr.__version__,
            fingerprint=f"soxr {soxr.__version__}",
            sample_rate=16000,
            frame_samples=1,
            licence="MIT",
            source="test",
        )
