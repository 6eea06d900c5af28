"""Noise that belongs to a clip: the same wherever and whenever the clip is treated."""

import hashlib

import numpy as np
from numpy.typing import NDArray

from codecbench.core.audio import Audio


def content_noise(kind: str, audio: Audio, parameter: str) -> NDArray[np.float64]:
    """Return white Gaussian noise of unit variance that depends on the clip's content alone.

    Args:
        kind: Name of the anchor.
        audio: The clip; its samples and rate seed the noise.
        parameter: Value of the anchor's option.

    Returns:
        float64 ``(samples,)``.
    """
    digest = hashlib.sha256(f"{kind}|{audio.sha256}|{parameter}".encode()).digest()
    seed = int.from_bytes(digest[:8], "little")
    return np.random.Generator(np.random.PCG64(seed)).standard_normal(audio.n_samples)
