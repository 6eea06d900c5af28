"""Log-spectral distance."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from codecbench.core.audio import Audio
from codecbench.core.errors import TooShortError
from codecbench.metrics.base import Metric
from codecbench.metrics.spectra import magnitude_spectrum

_WINDOW = 512
_HOP = 128
_FLOOR = 1e-10


class Lsd(Metric):
    """Log-spectral distance in dB; not blind to level."""

    name: ClassVar[str] = "lsd"
    outputs: ClassVar[tuple[str, ...]] = ("lsd",)
    unit: ClassVar[str] = "dB"
    higher_is_better: ClassVar[bool] = False
    # Powers lie between the floor and (sum of the window)^2 = 256^2 for samples in [-1, 1].
    range: ClassVar[tuple[float, float]] = (0.0, 148.2)
    sample_rate: ClassVar[int | None] = 16000
    min_seconds: ClassVar[float] = 0.13
    source: ClassVar[str] = (
        "Gray and Markel, Distance measures for speech processing, IEEE TASSP 24(5), 1976, "
        "doi:10.1109/TASSP.1976.1162849; parameters are ours"
    )
    packages: ClassVar[tuple[str, ...]] = ("numpy", "soxr")
    formula: ClassVar[str] = (
        "mean over frames of sqrt(mean over bins of (10 log10 max(|X|², 1e-10) - 10 log10 "
        "max(|Y|², 1e-10))²), X and Y the short-time spectra"
    )
    domain: ClassVar[str] = "any signal at 16 kHz of 0.13 s or more"
    caveats: ClassVar[str] = (
        "Not blind to level: -6 dB cost 1.1 dB, -20 dB 8.6 dB. 1 ms of delay costs 0.05 dB, 5 "
        "ms 0.7, 20 ms 3. Silent parts count as much as speech, so digital silence against "
        "faint noise dominates. Many definitions bear this name; compare only values of the "
        "same definition."
    )

    @property
    def definition(self) -> str:
        """Everything that determines the score."""
        return (
            f"lsd: mean over frames of RMS over bins of the difference of "
            f"10 log10(max(|STFT|^2, {_FLOOR:g})) in dB; {_WINDOW}/{_HOP} samples, periodic Hann, "
            f"whole frames only, float64, {self.sample_rate} Hz, no level normalisation"
        )

    def prepare(self, reference: Audio) -> NDArray[np.float64]:
        """Compute the log spectrum of the reference.

        Raises:
            TooShortError: Shorter than one frame.
        """
        if reference.n_samples < _WINDOW:
            msg = f"{reference.n_samples} samples; lsd needs {_WINDOW}"
            raise TooShortError(msg)
        return _log_spectrum(reference)

    def score(self, prepared: NDArray[np.float64], degraded: Audio) -> Mapping[str, float]:
        """Return the distance in dB."""
        squared = np.square(prepared - _log_spectrum(degraded))
        return {"lsd": float(np.mean(np.sqrt(np.mean(squared, axis=1))))}


def _log_spectrum(audio: Audio) -> NDArray[np.float64]:
    # The mel distances need the same spectrum with centred frames: without those that reach over
    # the ends, it is the one with whole frames from the first sample on.
    frames = (audio.n_samples - _WINDOW) // _HOP + 1
    skipped = _WINDOW // 2 // _HOP
    magnitudes = magnitude_spectrum(audio, _WINDOW)[skipped : skipped + frames]
    return np.asarray(10.0 * np.log10(np.maximum(np.square(magnitudes, dtype=np.float64), _FLOOR)))
