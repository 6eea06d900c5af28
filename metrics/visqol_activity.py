"""Which patches of the reference ViSQOL compares: a regular grid, in speech only active ones.

Source: google/visqol 38d0b016, image_patch_creator.cc, vad_patch_creator.cc, rms_vad.cc.
"""

import numpy as np
from numpy.typing import NDArray

from codecbench.metrics.visqol_gammatone import FilterBank

RMS_THRESHOLD = 5000.0
"""A frame is active from this root mean square on, in 16-bit steps with the peak at full scale."""
HANGOVER_FRAMES = 2
"""Frames after an active one that count as active; the first ones of all always do."""


def speech_patches(samples: NDArray[np.float64], bank: FilterBank, width: int) -> NDArray[np.int64]:
    """Return the patches in which there is voice.

    Args:
        samples: Reference, shape ``(samples,)``.
        bank: Its filter bank, for the framing.
        width: Frames in a patch.

    Returns:
        First frame of each patch, rising; empty if the signal is too short for one.
    """
    first = width // 2 - 1
    count = max(0, (bank.count_frames(samples.size) - first) // width)
    active = voice_activity(samples, bank.hop, first, count * width)
    chosen = active.reshape(count, width).any(axis=1)
    return np.asarray(first + width * np.flatnonzero(chosen), dtype=np.int64)


def voice_activity(
    samples: NDArray[np.float64], hop: int, offset: int, frames: int
) -> NDArray[np.bool_]:
    """Tell frame by frame whether there is voice.

    Args:
        samples: Shape ``(samples,)``, at least ``offset + frames * hop`` of them.
        hop: Samples in a frame.
        offset: First sample. (ViSQOL passes the number of a frame here, which is nine samples, not
            nine frames, so its decisions come early by that much; kept, since scores depend on it.)
        frames: Number of frames.

    Returns:
        Shape ``(frames,)``.
    """
    # The largest sample, not the largest magnitude: a negative peak may exceed full scale.
    peak = float(samples.max(initial=-np.inf))
    part = samples[offset : offset + frames * hop]
    scaled = part / peak * 32768.0 if peak != 0.0 else np.zeros_like(part)
    steps = np.trunc(np.clip(scaled, -32768.0, 32767.0)).reshape(frames, hop)
    loud: NDArray[np.bool_] = np.einsum("ij,ij->i", steps, steps) >= RMS_THRESHOLD**2 * hop
    active = loud.copy()
    for late in range(1, HANGOVER_FRAMES + 1):
        active[late:] |= loud[:-late]
    active[:HANGOVER_FRAMES] = True
    return active


def grid_patches(samples: NDArray[np.float64], bank: FilterBank, width: int) -> NDArray[np.int64]:
    """Return all patches of a regular grid, as audio mode uses them; see `speech_patches`."""
    frames, first = bank.count_frames(samples.size), width // 2
    if frames < width + first:
        return np.empty(0, dtype=np.int64)
    return np.arange(first, max(frames - width, first + 1), width, dtype=np.int64) - 1
