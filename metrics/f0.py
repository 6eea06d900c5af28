"""What a codec does to pitch: the error of F0 in cents, and the share of wrong voicing.

Both use the F0 that `mcd` uses, dio and stonemask, found once for each signal. They are kept apart
because a mean over all frames with zeros for unvoiced ones, as others report it, is mostly made of
voicing errors.
"""

import math
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from codecbench.core.audio import Audio
from codecbench.core.errors import MetricError
from codecbench.metrics.world import (
    DEFAULT_FRAME_MS,
    F0_WORDS,
    IMPLEMENTATION,
    F0Track,
    WorldMetric,
    estimate_f0,
)

_ANALYSIS = (
    f"WORLD {F0_WORDS['dio']} of each signal, {DEFAULT_FRAME_MS:g} ms, 16000 Hz, {IMPLEMENTATION}"
)
_SOURCE = "definition is ours; F0: Morise, Kawahara and Katayose, AES 35th Int. Conf., 2009"


class F0RmseCents(WorldMetric):
    """Root mean square error of F0 over the frames that are voiced in both signals."""

    name: ClassVar[str] = "f0_rmse_cents"
    outputs: ClassVar[tuple[str, ...]] = ("f0_rmse_cents",)
    unit: ClassVar[str] = "cent"
    tolerance: ClassVar[float] = 1.0
    higher_is_better: ClassVar[bool] = False
    range: ClassVar[tuple[float, float]] = (0.0, math.inf)
    source: ClassVar[str] = _SOURCE
    formula: ClassVar[str] = (
        "sqrt(mean over frames voiced in both of (1200 log2(f_y / f_x))²), f the fundamental "
        "frequency of reference x and degraded y"
    )
    domain: ClassVar[str] = "voiced speech of one talker, F0 from 71 to 800 Hz"
    caveats: ClassVar[str] = (
        "Blind to gain and polarity. 1 ms of delay costs 4 cents, 5 ms 29. Octave errors of "
        "the estimator weigh 1200 cents each; a codec that unvoices every difficult frame "
        "looks good, so read it together with vuv_error."
    )

    @property
    def definition(self) -> str:
        """Everything that determines the score."""
        return (
            "f0_rmse_cents: RMS of 1200 log2(F0 of degraded / F0 of reference) over the frames "
            f"voiced in both; {_ANALYSIS}"
        )

    def prepare(self, reference: Audio) -> F0Track:
        """Estimate the reference's F0.

        Raises:
            MetricError: No frame is voiced, so there is no pitch to compare.
        """
        track = estimate_f0(reference)
        if not track.voiced.any():
            msg = "no frame of the reference is voiced; there is no pitch to compare"
            raise MetricError(msg, reason="no_voiced_frames")
        return track

    def score(self, prepared: F0Track, degraded: Audio) -> Mapping[str, float]:
        """Return the error in cents.

        Raises:
            MetricError: No frame is voiced in both signals.
        """
        track = estimate_f0(degraded)
        both = prepared.voiced & track.voiced
        if not both.any():
            msg = "no frame is voiced in both signals"
            raise MetricError(msg, reason="no_common_voiced_frames")
        cents = 1200.0 * np.log2(track.f0[both] / prepared.f0[both])
        return {self.name: float(np.sqrt(np.mean(np.square(cents))))}


class VuvError(WorldMetric):
    """Share of frames that are voiced in one signal and unvoiced in the other."""

    name: ClassVar[str] = "vuv_error"
    outputs: ClassVar[tuple[str, ...]] = ("vuv_error",)
    unit: ClassVar[str] = ""
    higher_is_better: ClassVar[bool] = False
    range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    source: ClassVar[str] = _SOURCE
    formula: ClassVar[str] = "frames voiced in exactly one of the signals / all frames"
    domain: ClassVar[str] = "speech of one talker"
    caveats: ClassVar[str] = (
        "Blind to gain and polarity. 5 ms of delay cost 0.02, 20 ms 0.08. The estimator's "
        "threshold decides at the edges of voiced stretches: two clean recordings of one "
        "talker differ too. Pauses count as unvoiced, so clips with long pauses score low."
    )

    @property
    def definition(self) -> str:
        """Everything that determines the score."""
        return f"vuv_error: share of frames voiced in exactly one of the signals; {_ANALYSIS}"

    def prepare(self, reference: Audio) -> F0Track:
        """Estimate the reference's F0."""
        return estimate_f0(reference)

    def score(self, prepared: F0Track, degraded: Audio) -> Mapping[str, float]:
        """Return the share of frames, in [0, 1]."""
        differ = prepared.voiced ^ estimate_f0(degraded).voiced
        return {self.name: float(np.mean(differ))}
