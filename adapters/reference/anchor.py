"""Base of anchors: treatments of known effect that stand beside codecs and give metrics a scale."""

from abc import abstractmethod

import numpy as np
from numpy.typing import NDArray

from codecbench.adapters.base import CodecInfo, OperatingPoint
from codecbench.adapters.bitstream import Encoded
from codecbench.adapters.reference.pcm_packets import pack_pcm, packet_samples, unpack_pcm
from codecbench.adapters.reference.reference_codec import Packets, ReferenceCodec, Signal
from codecbench.core.audio import Audio, round_to_int16
from codecbench.core.fingerprint import package_versions

_BITS = 16


class AnchorCodec(ReferenceCodec):
    """Applies a treatment in `encode` and sends the result as 16-bit PCM.

    The bits of an anchor mean nothing, and its kind says so; all of its points have the rate of
    16-bit PCM.
    """

    @abstractmethod
    def treat(self, audio: Audio, point: OperatingPoint) -> NDArray[np.float64]:
        """Return the treated signal, as long as the input; what exceeds full scale is cut."""

    def encode_packets(self, audio: Audio, point: OperatingPoint) -> Packets:
        """Treat, round to 16 bit, and pack."""
        pcm = round_to_int16(self.treat(audio, point))
        return pack_pcm(pcm.astype(np.int64), _BITS, self.info.frame_samples)

    def decode_packets(self, encoded: Encoded, point: OperatingPoint) -> Signal:
        """Unpack."""
        levels = unpack_pcm(encoded.packets, _BITS, self.info.frame_samples, encoded.n_samples)
        return levels.astype(np.int16)


def anchor_info(
    name: str,
    sample_rate: int,
    source: str,
    *,
    packages: tuple[str, ...] = (),
    lookahead_samples: int = 0,
    causal: bool = True,
) -> CodecInfo:
    """Return the facts of an anchor.

    Args:
        name: As in the spec string.
        sample_rate: In Hz.
        source: What defines the treatment.
        packages: Packages whose version can change the samples.
        lookahead_samples: How far an output sample looks ahead.
        causal: False where it depends on the whole clip.
    """
    used = "".join(f" {key} {value}" for key, value in package_versions(packages).items())
    return CodecInfo(
        name=name,
        version=f"1{used}",
        fingerprint=f"{name} 1{used}",
        sample_rate=sample_rate,
        frame_samples=packet_samples(sample_rate),
        lookahead_samples=lookahead_samples,
        causal=causal,
        kind="anchor",
        licence="MIT",
        source=source,
    )


def pcm_rate_bps(sample_rate: int) -> float:
    """Return the rate of 16-bit PCM in bit/s."""
    return float(_BITS * sample_rate)
