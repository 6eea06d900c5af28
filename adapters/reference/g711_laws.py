"""The two companding laws of G.711 as tables over all 16-bit inputs and all 8-bit codes."""

import functools

import numpy as np
from numpy.typing import NDArray

LAWS = ("mulaw", "alaw")


@functools.lru_cache(maxsize=4)
def encoding_table(law: str) -> NDArray[np.uint8]:
    """Return the code of each 16-bit sample, indexed by sample + 32768."""
    samples = np.arange(-32768, 32768)
    return _encode_mulaw(samples) if law == "mulaw" else _encode_alaw(samples)


@functools.lru_cache(maxsize=4)
def decoding_table(law: str) -> NDArray[np.int16]:
    """Return the 16-bit sample of each code."""
    codes = np.arange(256)
    return _decode_mulaw(codes) if law == "mulaw" else _decode_alaw(codes)


# Both laws have a sign, a segment of 3 bits and a step of 4 bits: ITU-T G.711 (11/1988), tables
# 2a/2b (mu) and 1a/1b (A). 14-bit (mu) and 13-bit (A) values are scaled to 16 bit.


def _encode_mulaw(samples: NDArray[np.int64]) -> NDArray[np.uint8]:
    biased = np.minimum(np.abs(samples), 32635) + 132
    segment = np.floor(np.log2(biased)).astype(np.int64) - 7
    step = biased >> (segment + 3) & 15
    sign = np.where(samples < 0, 0x80, 0)
    codes: NDArray[np.uint8] = (~(sign | segment << 4 | step) & 0xFF).astype(np.uint8)
    return codes


def _decode_mulaw(codes: NDArray[np.int64]) -> NDArray[np.int16]:
    plain = ~codes & 0xFF
    segment, step = plain >> 4 & 7, plain & 15
    magnitude = ((step << 3) + 132 << segment) - 132
    return np.where(plain & 0x80, -magnitude, magnitude).astype(np.int16)


def _encode_alaw(samples: NDArray[np.int64]) -> NDArray[np.uint8]:
    # Decision values are symmetrical about zero between -1 and 0: ones' complement.
    magnitude = np.where(samples < 0, ~samples, samples) >> 4
    segment = np.maximum(np.floor(np.log2(np.maximum(magnitude, 1))).astype(np.int64) - 3, 0)
    step = magnitude >> np.maximum(segment - 1, 0) & 15
    sign = np.where(samples < 0, 0, 0x80)
    # Every other bit is inverted on the line.
    codes: NDArray[np.uint8] = ((sign | segment << 4 | step) ^ 0x55).astype(np.uint8)
    return codes


def _decode_alaw(codes: NDArray[np.int64]) -> NDArray[np.int16]:
    plain = codes ^ 0x55
    segment, step = plain >> 4 & 7, plain & 15
    inside = (step << 4) + 8 + np.where(segment > 0, 256, 0)
    magnitude = inside << np.maximum(segment - 1, 0)
    samples: NDArray[np.int16] = np.where(plain & 0x80, magnitude, -magnitude).astype(np.int16)
    return samples
