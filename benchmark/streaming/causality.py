"""Whether a neural codec looks ahead: encoder and decoder asked apart, where rounding hides less.

End to end, an influence that changes no code stays unseen. The decoder has no such threshold: what
it takes from later codes shows in its output, however small. The encoder is asked with the codes
themselves, which with many residual codebooks are a fine scale.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codecbench.adapters.base import OperatingPoint
from codecbench.adapters.neural.neural_codec import NeuralCodec
from codecbench.benchmark.conditions.concealment import code_frame_samples, read_codes
from codecbench.core.audio import Audio

ENCODER_PROBES = 12
DECODER_PROBES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How far the two halves of a codec look ahead, at least.

    Attributes:
        frame: Samples per frame of codes.
        encoder: Samples beyond the end of a frame that its codes depend on.
        decoder: Samples by which output comes before the frame whose codes change it.
        probes: How many changes were tried.
        whole: Whether the very first frame or sample changed: it needs the whole signal.
    """

    frame: int
    encoder: int
    decoder: int
    probes: int
    whole: bool

    @property
    def latency(self) -> int:
        """Frame and both look-aheads, in samples."""
        return self.frame + self.encoder + self.decoder


def measure_reach(codec: NeuralCodec, point: OperatingPoint, samples: NDArray[np.float32]) -> Reach:
    """Change what comes later and see what changes before.

    Args:
        codec: Loaded.
        point: Where.
        samples: A signal, long on both sides of its middle.
    """
    rate = codec.info.sample_rate
    generator = np.random.default_rng(0)
    encoded = codec.encode(Audio(samples, rate), point)
    codes = read_codes(codec, encoded)
    frame = code_frame_samples(codec, samples.size)
    encoder, first_frame = _probe_encoder(codec, point, samples, codes, frame, generator)
    decoder, first_sample = _probe_decoder(codec, point, codes, frame, samples.size, generator)
    return Reach(
        frame=round(frame),
        encoder=encoder,
        decoder=decoder,
        probes=ENCODER_PROBES + DECODER_PROBES,
        whole=first_frame == 0 or first_sample <= 0,
    )


def _probe_encoder(
    codec: NeuralCodec,
    point: OperatingPoint,
    samples: NDArray[np.float32],
    codes: NDArray[np.int64],
    frame: float,
    generator: np.random.Generator,
) -> tuple[int, int]:
    """Return the furthest look-ahead, and the earliest frame that ever changed."""
    worst, earliest = 0, codes.shape[1]
    start = int(codes.shape[1] // 2 * frame)
    for index in range(ENCODER_PROBES):
        at = start + round(index * frame / ENCODER_PROBES)
        changed = samples.copy()
        # Noise, silence and the signal upside down: each tips other codes.
        later = changed[at:]
        noise = (0.5 * generator.uniform(-1, 1, later.size)).astype(np.float32)
        changed[at:] = (noise, np.zeros_like(later), -later)[index % 3]
        other = read_codes(codec, codec.encode(Audio(changed, codec.info.sample_rate), point))
        differing = np.flatnonzero((other != codes).any(axis=0))
        if differing.size:
            first = int(differing[0])
            earliest = min(earliest, first)
            worst = max(worst, at - round((first + 1) * frame) + 1)
    return worst, earliest


def _probe_decoder(
    codec: NeuralCodec,
    point: OperatingPoint,
    codes: NDArray[np.int64],
    frame: float,
    n_samples: int,
    generator: np.random.Generator,
) -> tuple[int, int]:
    """Return the furthest look-ahead, and the earliest sample that ever changed."""
    sizes = np.asarray(codec.codebook_sizes(point))[:, None]
    late = codec.start_of(n_samples)
    before = codec.decode_codes(codes)
    worst, earliest = 0, before.size
    for index in range(DECODER_PROBES):
        at = codes.shape[1] // 2 + index
        if at >= codes.shape[1]:
            break
        changed = codes.copy()
        drawn = generator.integers(0, sizes, size=(len(codes), codes.shape[1] - at))
        changed[:, at:] = np.where(drawn == codes[:, at:], (drawn + 1) % sizes, drawn)
        differing = np.flatnonzero(codec.decode_codes(changed) != before)
        if differing.size:
            first = int(differing[0]) - late
            earliest = min(earliest, int(differing[0]))
            worst = max(worst, round(at * frame) - first)
    return worst, earliest
