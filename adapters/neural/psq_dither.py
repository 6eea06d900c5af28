"""The dither of PSQ: noise that both ends know, since it depends on seed and frame number alone."""

import numpy as np
from numpy.typing import NDArray

_COUNTER_SHIFT = 64
"""Philox counts blocks in the low 64 bits of its counter; the frame number stands above them."""


def subtractive_dither(
    first_frame: int, frames: int, *, dimensions: int, step: float, seed: int
) -> NDArray[np.float32]:
    """Return the dither of consecutive frames, uniform in [-step/2, step/2).

    Any frame can be made without those before it, so a stream may lose packets. Philox is a
    generator of integers that NumPy keeps the same on all machines; torch does not promise that.

    Args:
        first_frame: Number of the first frame since the start of the signal.
        frames: How many.
        dimensions: Numbers per frame.
        step: Width of a cell of the quantiser.
        seed: Agreed between encoder and decoder.

    Returns:
        ``(dimensions, frames)``.
    """
    out = np.empty((frames, dimensions), dtype=np.float32)
    for index in range(frames):
        counter = (first_frame + index) << _COUNTER_SHIFT
        generator = np.random.Generator(np.random.Philox(key=seed, counter=counter))
        out[index] = (generator.random(dimensions) - 0.5) * step
    return np.ascontiguousarray(out.T)
