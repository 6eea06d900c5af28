"""Mel distances as DAC and ESC define them; three definitions that must never be mixed.

None of them is blind to level: -6 dB cost about one unit of `mel_dac`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from codecbench.core.audio import Audio
from codecbench.core.errors import TooShortError
from codecbench.metrics.base import Metric
from codecbench.metrics.mel_filters import Scale, mel_filters
from codecbench.metrics.spectra import magnitude_spectrum

FLOOR = 1e-5
"""Smallest mel magnitude; what lies below counts as this much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _MelSpectrum:
    """One scale of one signal: mel magnitudes and log10 of the limited ones, (frames, mels)."""

    magnitudes: NDArray[np.float32]
    logarithms: NDArray[np.float32]


class _MelDistance(Metric):
    """Mean absolute difference of mel spectra, summed over scales."""

    unit: ClassVar[str] = ""
    higher_is_better: ClassVar[bool] = False
    range: ClassVar[tuple[float, float]] = (0.0, float("inf"))
    sample_rate: ClassVar[int | None] = 16000
    min_seconds: ClassVar[float] = 0.13
    packages: ClassVar[tuple[str, ...]] = ("numpy", "soxr")
    domain: ClassVar[str] = (
        "any signal at 16 kHz of 0.13 s or more; made as a training loss, not fitted to listeners"
    )

    windows: ClassVar[tuple[int, ...]] = (32, 64, 128, 256, 512, 1024, 2048)
    mels: ClassVar[tuple[int, ...]] = (5, 10, 20, 40, 80, 160, 320)
    scale: ClassVar[Scale]
    exponent: ClassVar[float]
    """Power of the magnitude inside the logarithm."""
    magnitude_weight: ClassVar[float]

    @property
    def definition(self) -> str:
        """Everything that determines the score."""
        shape = "scale, filters of equal area" if self.scale == "slaney" else "scale, equal height"
        scales = " ".join(f"{w}/{m}" for w, m in zip(self.windows, self.mels, strict=True))
        magnitude = f" + {self.magnitude_weight:g} x mean |difference of mel magnitudes|"
        return (
            f"{self.name}: sum over windows/mels {scales} of "
            f"mean |difference of log10(max(mel, {FLOOR:g})^{self.exponent:g})|"
            f"{magnitude if self.magnitude_weight else ''}; magnitude (power 1) spectrum, hop "
            f"window/4, periodic Hann, centred, mirrored ends, {self.scale} {shape}, "
            f"0-{(self.sample_rate or 0) // 2} Hz, FFT in float64, {self.sample_rate} Hz"
        )

    def prepare(self, reference: Audio) -> tuple[_MelSpectrum, ...]:
        """Compute the mel spectra of the reference.

        Raises:
            TooShortError: Not longer than half of the longest window.
        """
        if reference.n_samples <= max(self.windows) // 2:
            msg = f"{reference.n_samples} samples; {self.name} needs over {max(self.windows) // 2}"
            raise TooShortError(msg)
        return self._spectra(reference)

    def score(self, prepared: tuple[_MelSpectrum, ...], degraded: Audio) -> Mapping[str, float]:
        """Return the distance."""
        total = 0.0
        for clean, coded in zip(prepared, self._spectra(degraded), strict=True):
            total += self.exponent * _mean_difference(clean.logarithms, coded.logarithms)
            if self.magnitude_weight:
                difference = _mean_difference(clean.magnitudes, coded.magnitudes)
                total += self.magnitude_weight * difference
        return {self.name: total}

    def _spectra(self, audio: Audio) -> tuple[_MelSpectrum, ...]:
        spectra = []
        for window, n_mels in zip(self.windows, self.mels, strict=True):
            filters = mel_filters(audio.sample_rate, window, n_mels, self.scale)
            mel = filters.apply(magnitude_spectrum(audio, window))
            # One logarithm for both signs of the exponent: log10(m^p) = p log10(m).
            logarithms = np.log10(np.maximum(mel, np.float32(FLOOR)))
            spectra.append(_MelSpectrum(magnitudes=mel, logarithms=logarithms))
        return tuple(spectra)


def _mean_difference(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    difference = a - b
    return float(np.mean(np.abs(difference, out=difference), dtype=np.float64))


class MelDac(_MelDistance):
    """The mel loss with which DAC is trained and validated: seven scales, logarithm only."""

    name: ClassVar[str] = "mel_dac"
    outputs: ClassVar[tuple[str, ...]] = ("mel_dac",)
    source: ClassVar[str] = (
        "Kumar et al., High-Fidelity Audio Compression with Improved RVQGAN, NeurIPS 2023, "
        "arXiv:2306.06546; configuration of its released training"
    )
    scale: ClassVar[Scale] = "slaney"
    exponent: ClassVar[float] = 1.0
    magnitude_weight: ClassVar[float] = 0.0
    formula: ClassVar[str] = (
        "Σ over 7 scales of mean over bins and frames of |log10 max(M_x, 1e-5) - log10 "
        "max(M_y, 1e-5)|, M mel magnitudes by Slaney's scale"
    )
    caveats: ClassVar[str] = (
        "Not blind to level: on good speech -6 dB cost 1.0, as much as a codec does, +3 dB "
        "0.65; this is as its authors report it. 1 ms of delay costs 0.3, 5 ms 0.8, 20 ms "
        "1.6. Blind to polarity. Never to be mixed with mel_dac_eval or mel_esc: on one pair "
        "they give 3.2, 2.0 and 8.2."
    )


class MelDacEval(_MelDistance):
    """The mel distance of DAC's evaluation script: two scales, power 2, magnitudes added."""

    name: ClassVar[str] = "mel_dac_eval"
    outputs: ClassVar[tuple[str, ...]] = ("mel_dac_eval",)
    source: ClassVar[str] = (
        "Kumar et al., High-Fidelity Audio Compression with Improved RVQGAN, NeurIPS 2023, "
        "arXiv:2306.06546; defaults of its evaluation script"
    )
    windows: ClassVar[tuple[int, ...]] = (2048, 512)
    mels: ClassVar[tuple[int, ...]] = (150, 80)
    scale: ClassVar[Scale] = "slaney"
    exponent: ClassVar[float] = 2.0
    magnitude_weight: ClassVar[float] = 1.0
    formula: ClassVar[str] = (
        "Σ over 2 scales of mean |log10 max(M_x, 1e-5)² - log10 max(M_y, 1e-5)²| + mean |M_x "
        "- M_y|, M mel magnitudes by Slaney's scale"
    )
    caveats: ClassVar[str] = (
        "Not blind to level, nor to delay; blind to polarity. DAC's authors compute it at "
        "44.1 kHz, here it is at the rate of evaluation: their figures are not comparable. "
        "Never to be mixed with mel_dac or mel_esc."
    )


class MelEsc(_MelDistance):
    """The mel distance of ESC: HTK filters of equal height, power 2, logarithm only."""

    name: ClassVar[str] = "mel_esc"
    outputs: ClassVar[tuple[str, ...]] = ("mel_esc",)
    source: ClassVar[str] = (
        "Gu and Diao, ESC: Efficient Speech Coding with Cross-Scale Residual Vector Quantized "
        "Transformers, EMNLP 2024, arXiv:2404.19441; its evaluation script"
    )
    scale: ClassVar[Scale] = "htk"
    exponent: ClassVar[float] = 2.0
    magnitude_weight: ClassVar[float] = 0.0
    formula: ClassVar[str] = (
        "Σ over 7 scales of mean over bins and frames of |log10 max(M_x, 1e-5)² - log10 "
        "max(M_y, 1e-5)²|, M mel magnitudes by the HTK scale, filters of equal height"
    )
    caveats: ClassVar[str] = (
        "Not blind to level, nor to delay; blind to polarity. From 2.0 to 5.3 times mel_dac, "
        "not by a constant: never to be mixed. Tones and digital silence are dominated by "
        "rounding: float32 implementations differ there by 0.01."
    )
