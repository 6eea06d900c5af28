"""Mel-cepstral distortion between WORLD envelopes, frame by frame without time warping.

Codecs keep time, so warping would only hide their timing errors. The zeroth coefficient is left
out, so the level does not matter. What differs between published definitions, chiefly the zeroth
coefficient and the spectral estimator, moves the value by up to a half, so the definition names
every parameter.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from codecbench.core.audio import Audio
from codecbench.core.errors import ConfigError
from codecbench.metrics.world import (
    DEFAULT_FRAME_MS,
    F0_WORDS,
    FFT_SIZE,
    IMPLEMENTATION,
    F0Method,
    F0Track,
    WorldMetric,
    analyse,
    estimate_f0,
    mel_cepstra,
    world_samples,
)

MCD_SCALE = 10.0 / math.log(10.0) * math.sqrt(2.0)
"""From a Euclidean distance of cepstra to dB, Kubichek, IEEE PACRIM 1993,
doi:10.1109/PACRIM.1993.407206."""
MAX_ORDER = 512
"""An envelope of 513 bins has no more to say."""

MelCepstra = NDArray[np.float64]
"""Shape ``(frames, order + 1)``."""


class _MelCepstralDistortion(WorldMetric):
    """What the definitions have in common: options, range, formula."""

    unit: ClassVar[str] = "dB"
    higher_is_better: ClassVar[bool] = False
    range: ClassVar[tuple[float, float]] = (0.0, math.inf)
    source: ClassVar[str] = (
        "Kubichek, IEEE PACRIM 1993, doi:10.1109/PACRIM.1993.407206; envelope: Morise, CheapTrick, "
        "Speech Communication 67, 2015, doi:10.1016/j.specom.2014.09.003"
    )
    f0_method: F0Method
    formula: ClassVar[str] = (
        "mean over frames of (10 / ln 10) sqrt(2 Σ_d (c_d - c'_d)²), d from 1 to the order, c "
        "and c' mel-cepstra of the WORLD envelopes of reference and degraded"
    )
    domain: ClassVar[str] = (
        "speech of one talker of 0.1 s or more; envelopes of music and noise are of little use"
    )

    def __init__(
        self, *, order: int = 24, alpha: float = 0.42, frame_ms: float = DEFAULT_FRAME_MS
    ) -> None:
        """Check the options.

        Args:
            order: Highest coefficient compared, 1 to 512.
            alpha: All-pass constant, at least 0 and below 1; 0.42 is the mel scale at 16 kHz.
            frame_ms: Frame period in ms, 1 to 50.

        Raises:
            ConfigError: An option out of range.
        """
        if not 1 <= order <= MAX_ORDER:
            msg = f"{self.name}: order must be 1 to {MAX_ORDER}, found {order}"
            raise ConfigError(msg)
        if not 0.0 <= alpha < 1.0:
            msg = f"{self.name}: alpha must be at least 0 and below 1, found {alpha:g}"
            raise ConfigError(msg)
        if not 1.0 <= frame_ms <= 50.0:
            msg = f"{self.name}: frame_ms must be 1 to 50, found {frame_ms:g}"
            raise ConfigError(msg)
        self.order = order
        self.alpha = float(alpha)
        self.frame_ms = float(frame_ms)

    @property
    def definition(self) -> str:
        """Everything that determines the score."""
        return (
            f"{self.name}: WORLD {F0_WORDS[self.f0_method]} {self._f0_of}, cheaptrick "
            f"(fft {FFT_SIZE}), mel-cepstra of order {self.order}, alpha {self.alpha!r}, "
            f"coefficients 1-{self.order}, frame-aligned, all frames, {self.frame_ms!r} ms, "
            f"{self.sample_rate} Hz, 10/ln(10) sqrt(2 sum of squares), {IMPLEMENTATION}"
        )

    @property
    def _f0_of(self) -> str:
        return "of each signal"

    def _cepstra(self, audio: Audio) -> MelCepstra:
        return mel_cepstra(
            audio,
            method=self.f0_method,
            frame_ms=self.frame_ms,
            order=self.order,
            alpha=self.alpha,
        )


class _OwnF0(_MelCepstralDistortion):
    """Each signal is analysed with its own F0."""

    def prepare(self, reference: Audio) -> MelCepstra:
        """Compute the mel-cepstra of the reference."""
        return self._cepstra(reference)

    def score(self, prepared: MelCepstra, degraded: Audio) -> Mapping[str, float]:
        """Return the mean distortion in dB."""
        return {self.name: cepstral_distortion(prepared, self._cepstra(degraded), first=1)}


class Mcd(_OwnF0):
    """The default: F0 by dio and stonemask."""

    name: ClassVar[str] = "mcd"
    outputs: ClassVar[tuple[str, ...]] = ("mcd",)
    caveats: ClassVar[str] = (
        "Blind to gain, polarity and offset, as the zeroth coefficient is left out. Frames "
        "are compared in place, without warping: 1 ms of delay costs 0.2 dB, 5 ms 0.8, 20 ms "
        "2.3. A lost band costs more than it is heard: 3.5 kHz low-pass gives 17 dB. "
        "Published values under this name differ by a half with the spectral estimator and "
        "the zeroth coefficient, and rank differently: compare only equal definitions."
    )
    f0_method: F0Method = "dio"


class McdHarvest(_OwnF0):
    """F0 by harvest: within 2 % of `Mcd` on average, and several times slower."""

    name: ClassVar[str] = "mcd_harvest"
    outputs: ClassVar[tuple[str, ...]] = ("mcd_harvest",)
    caveats: ClassVar[str] = (
        "Blind to gain, polarity and offset, as the zeroth coefficient is left out. Frames "
        "are compared in place, without warping: 1 ms of delay costs 0.2 dB, 5 ms 0.8, 20 ms "
        "2.3. A lost band costs more than it is heard: 3.5 kHz low-pass gives 17 dB. "
        "Published values under this name differ by a half with the spectral estimator and "
        "the zeroth coefficient, and rank differently: compare only equal definitions. Within "
        "2 % of mcd on average, several times slower."
    )
    f0_method: F0Method = "harvest"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class McdReference:
    """What `McdRefF0` keeps of a reference."""

    track: F0Track
    cepstra: MelCepstra


class McdRefF0(_MelCepstralDistortion):
    """Both envelopes by the reference's F0, so errors of the F0 estimator do not count twice."""

    name: ClassVar[str] = "mcd_ref_f0"
    outputs: ClassVar[tuple[str, ...]] = ("mcd_ref_f0",)
    caveats: ClassVar[str] = (
        "Blind to gain, polarity and offset, as the zeroth coefficient is left out. Frames "
        "are compared in place, without warping: 1 ms of delay costs 0.2 dB, 5 ms 0.8, 20 ms "
        "2.3. A lost band costs more than it is heard: 3.5 kHz low-pass gives 17 dB. "
        "Published values under this name differ by a half with the spectral estimator and "
        "the zeroth coefficient, and rank differently: compare only equal definitions. The "
        "degraded envelope is analysed at the reference's F0, so that errors in F0 show in "
        "f0_rmse_cents and vuv_error alone."
    )

    def __init__(
        self,
        *,
        order: int = 24,
        alpha: float = 0.42,
        frame_ms: float = DEFAULT_FRAME_MS,
        f0: F0Method = "dio",
    ) -> None:
        """Check the options.

        Args:
            order: Highest coefficient compared, 1 to 512.
            alpha: All-pass constant, at least 0 and below 1.
            frame_ms: Frame period in ms, 1 to 50.
            f0: How the reference's F0 is found.

        Raises:
            ConfigError: An option out of range.
        """
        super().__init__(order=order, alpha=alpha, frame_ms=frame_ms)
        if f0 not in F0_WORDS:
            msg = f"{self.name}: f0 must be one of {', '.join(F0_WORDS)}; found {f0}"
            raise ConfigError(msg)
        self.f0_method = f0

    @property
    def _f0_of(self) -> str:
        return "of the reference for both signals"

    def prepare(self, reference: Audio) -> McdReference:
        """Compute F0 and mel-cepstra of the reference."""
        track = estimate_f0(reference, method=self.f0_method, frame_ms=self.frame_ms)
        return McdReference(track=track, cepstra=self._cepstra(reference))

    def score(self, prepared: McdReference, degraded: Audio) -> Mapping[str, float]:
        """Return the mean distortion in dB."""
        cepstra = analyse(
            world_samples(degraded),
            degraded.sample_rate,
            prepared.track,
            order=self.order,
            alpha=self.alpha,
        )
        return {self.name: cepstral_distortion(prepared.cepstra, cepstra, first=1)}


def cepstral_distortion(reference: MelCepstra, degraded: MelCepstra, *, first: int) -> float:
    """Return the mean over frames of the cepstral distortion.

    Args:
        reference: Mel-cepstra, shape ``(frames, order + 1)``.
        degraded: The same of the other signal.
        first: First coefficient that counts.

    Returns:
        In dB.
    """
    squares = np.square(reference[:, first:] - degraded[:, first:]).sum(axis=1)
    return float(MCD_SCALE * np.mean(np.sqrt(squares)))
