"""How alike two spectrograms are to ViSQOL: common noise floor, then NSIM.

Source: A. Hines and N. Harte, "Speech intelligibility prediction using a neurogram similarity index
measure", Speech Communication 54 (2012); details as in google/visqol 38d0b016, misc_audio.cc and
neurogram_similiarity_index_measure.cc.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RANGE_DB = 45.0
"""Range of a frame: what lies further below its loudest band in either signal is lifted."""


def apply_common_floor(
    reference: NDArray[np.float64], degraded: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Limit the range of two spectrograms frame by frame and shift their minimum to 0 dB.

    Args:
        reference: In dB, shape ``(…, bands, frames)``.
        degraded: The same of the other signal; the number of frames may differ, and frames that
            only one of them has keep their range. Leading axes are independent pairs.

    Returns:
        Both, as new arrays.
    """
    common = min(reference.shape[-1], degraded.shape[-1])
    peaks = np.maximum(
        reference[..., :common].max(axis=-2, keepdims=True),
        degraded[..., :common].max(axis=-2, keepdims=True),
    )
    floor = peaks - RANGE_DB
    lifted = []
    for side in (reference, degraded):
        copy = side.copy()
        np.maximum(copy[..., :common], floor, out=copy[..., :common])
        lifted.append(copy)
    lowest = np.minimum(*(side.min(axis=(-2, -1), keepdims=True) for side in lifted))
    return lifted[0] - lowest, lifted[1] - lowest


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchSimilarity:
    """NSIM of some pairs of patches, band by band.

    Attributes:
        means: Mean over the frames of a patch, shape ``(patches, bands)``.
        deviations: Standard deviation over the frames (divided by frames - 1), same shape.
        energies: Mean level of the degraded patch in dB, same shape.
    """

    means: NDArray[np.float64]
    deviations: NDArray[np.float64]
    energies: NDArray[np.float64]

    @property
    def scores(self) -> NDArray[np.float64]:
        """Mean over bands, shape ``(patches,)``."""
        # One band after the other, as the patch search sums; see visqol_kernels.
        total = np.add.accumulate(self.means, axis=1)[:, -1]
        return np.asarray(total / self.means.shape[1], dtype=np.float64)


def compare_patches(
    reference: NDArray[np.float64], degraded: NDArray[np.float64]
) -> PatchSimilarity:
    """Compute NSIM.

    Args:
        reference: In dB above the common floor, shape ``(patches, bands, frames)``, at least two
            frames.
        degraded: Same shape.
    """
    from codecbench.metrics.visqol_kernels import patch_similarity

    means, deviations, energies = patch_similarity(
        np.ascontiguousarray(reference), np.ascontiguousarray(degraded)
    )
    return PatchSimilarity(means=means, deviations=deviations, energies=energies)
