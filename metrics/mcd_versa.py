"""Mel-cepstral distortion with the settings of another harness, VERSA, for comparison with it.

It includes the zeroth coefficient, so it depends on the level and ranks differently from `mcd`.
"""

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from codecbench.core.audio import Audio
from codecbench.core.dependency import require
from codecbench.metrics.mcd import cepstral_distortion
from codecbench.metrics.world import (
    FFT_SIZE,
    IMPLEMENTATION,
    F0Track,
    WorldMetric,
    analyse,
    load_world,
)

# All of these are VERSA's, https://github.com/wavlab-speech/versa, commit c398480a:
# versa/sequence_metrics/mcd_f0.py and egs/separate_metrics/mcd_f0.yaml.
_SCALE = 32767.0
_TAPS = 255
_CUTOFF_HZ = 70.0
_F0_FLOOR_HZ = 40.0
_F0_CEIL_HZ = 800.0
_FRAME_MS = 5.0
_ORDER = 39
_ALPHA = 0.466


class McdVersa(WorldMetric):
    """VERSA's ``mcd`` of its ``mcd_f0``, without dynamic time warping, as its recipes run it."""

    name: ClassVar[str] = "mcd_versa"
    outputs: ClassVar[tuple[str, ...]] = ("mcd_versa",)
    unit: ClassVar[str] = "dB"
    higher_is_better: ClassVar[bool] = False
    range: ClassVar[tuple[float, float]] = (0.0, math.inf)
    source: ClassVar[str] = "Shi et al., VERSA, NAACL 2025 demonstrations, arXiv:2412.17667"
    packages: ClassVar[tuple[str, ...]] = ("numba", "numpy", "pyworld", "scipy", "soxr")
    modules: ClassVar[tuple[str, ...]] = ("numba", "pyworld", "scipy")
    formula: ClassVar[str] = (
        "mean over frames of (10 / ln 10) sqrt(2 Σ_d (c_d - c'_d)²), d from 0 to 39, c and c' "
        "mel-cepstra of WORLD envelopes after a high-pass at 70 Hz"
    )
    domain: ClassVar[str] = (
        "speech of one talker of 0.1 s or more; for comparison with values that VERSA reported"
    )
    caveats: ClassVar[str] = (
        "Not blind to level: the zeroth coefficient counts, and changes the ranking against "
        "mcd (rank correlation 0.65 over 16 pairs; 1.5 times its value). Delay costs as in "
        "mcd. Equal only to VERSA's mcd_f0 without time warping."
    )

    @property
    def definition(self) -> str:
        """Everything that determines the score."""
        return (
            f"mcd_versa: samples times {_SCALE:g}, {_TAPS}-tap Hamming FIR high-pass at "
            f"{_CUTOFF_HZ:g} Hz, WORLD harvest {_F0_FLOOR_HZ:g}-{_F0_CEIL_HZ:g} Hz, cheaptrick "
            f"(fft {FFT_SIZE}), mel-cepstra of order {_ORDER}, alpha {_ALPHA:g}, coefficients "
            f"0-{_ORDER}, frame-aligned, all frames, {_FRAME_MS:g} ms, {self.sample_rate} Hz, "
            f"10/ln(10) sqrt(2 sum of squares), {IMPLEMENTATION}"
        )

    def prepare(self, reference: Audio) -> NDArray[np.float64]:
        """Compute the mel-cepstra of the reference, shape ``(frames, 40)``."""
        return _mel_cepstra(reference)

    def score(self, prepared: NDArray[np.float64], degraded: Audio) -> Mapping[str, float]:
        """Return the mean distortion in dB."""
        return {self.name: cepstral_distortion(prepared, _mel_cepstra(degraded), first=0)}


def _mel_cepstra(audio: Audio) -> NDArray[np.float64]:
    signal = require("scipy.signal")
    scaled = audio.samples.astype(np.float64) * _SCALE
    filtered = np.ascontiguousarray(signal.lfilter(_low_cut(audio.sample_rate), 1.0, scaled))
    f0, times = load_world().harvest(
        filtered,
        audio.sample_rate,
        f0_floor=_F0_FLOOR_HZ,
        f0_ceil=_F0_CEIL_HZ,
        frame_period=_FRAME_MS,
    )
    track = F0Track(f0=f0, times=times)
    return analyse(filtered, audio.sample_rate, track, order=_ORDER, alpha=_ALPHA)


@lru_cache(maxsize=4)
def _low_cut(sample_rate: int) -> NDArray[np.float64]:
    signal = require("scipy.signal")
    taps = signal.firwin(_TAPS, _CUTOFF_HZ, pass_zero=False, fs=sample_rate)
    return np.asarray(taps, dtype=np.float64)
