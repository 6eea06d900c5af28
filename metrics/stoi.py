"""STOI and ESTOI; what both need is computed once for each signal."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from codecbench.core.audio import Audio
from codecbench.metrics.base import Metric
from codecbench.metrics.stoi_bands import (
    MIN_SECONDS,
    SEGMENT_FRAMES,
    StoiReference,
    analyse_degraded,
    analyse_reference,
    segments,
)

CLIP = 1.0 + 10.0 ** (15.0 / 20.0)
"""Lower SDR bound of -15 dB, Taal et al. 2011, eq. 3."""
_EPS = float(np.finfo(np.float64).eps)
FLAT = 1e-12
"""A band with less relative variation within a segment is constant but for rounding."""

_FRAMES = (
    "both signals resampled to 10000 Hz by the method's own resampler (Kaiser, 60 dB), frames "
    "40 dB below the loudest of the reference removed, 256/128 samples, FFT 512, 15 third-octave "
    "bands from 150 Hz, segments of 30 frames"
)

Segments = NDArray[np.float64]
"""Band envelopes, shape ``(bands, segments, SEGMENT_FRAMES)``."""


class _Intelligibility(Metric):
    """What STOI and ESTOI have in common."""

    unit: ClassVar[str] = ""
    higher_is_better: ClassVar[bool] = True
    range: ClassVar[tuple[float, float]] = (-1.0, 1.0)
    sample_rate: ClassVar[int | None] = None
    min_seconds: ClassVar[float] = MIN_SECONDS
    packages: ClassVar[tuple[str, ...]] = ("numpy", "scipy")
    modules: ClassVar[tuple[str, ...]] = ("scipy",)
    domain: ClassVar[str] = (
        "speech with at least 30 frames (0.41 s) left when silence is taken out; fitted to "
        "the intelligibility of noisy and enhanced speech, so near transparency it says "
        "little"
    )

    def _degraded(self, clean: StoiReference, key: str, audio: Audio) -> NDArray[np.float64]:
        # Which frames are silent is for the reference to say, so the key holds its hash.
        return audio.derive(
            f"stoi-degraded:{key}",
            lambda: analyse_degraded(clean, audio.samples.astype(np.float64), audio.sample_rate),
        )


class Stoi(_Intelligibility):
    """Short-time objective intelligibility."""

    name: ClassVar[str] = "stoi"
    outputs: ClassVar[tuple[str, ...]] = ("stoi",)
    source: ClassVar[str] = "Taal et al., IEEE TASLP 19(7), 2011, doi:10.1109/TASL.2011.2114881"
    formula: ClassVar[str] = (
        "mean over bands and segments of 384 ms of the correlation between the envelopes of "
        "reference and degraded, the latter scaled to the former's energy and clipped at an "
        "SDR of -15 dB"
    )
    caveats: ClassVar[str] = (
        "Blind to gain and polarity; a constant offset of 0.05 costs 0.001. Not to delay: 1 "
        "ms costs 0.003, 5 ms 0.05, 20 ms 0.3. Heard up to 4.3 kHz only. Noise without any "
        "speech still scores about 0.4, so no zero should be expected at the low end; estoi "
        "has one."
    )

    @property
    def definition(self) -> str:
        """Everything that determines the score."""
        return f"stoi: Taal et al. 2011; {_FRAMES}, lower SDR bound -15 dB"

    def prepare(self, reference: Audio) -> tuple[StoiReference, str, "StoiSegments"]:
        """Compute bands and normalised segments of the reference.

        Raises:
            TooShortError: Fewer than 30 frames remain after silence removal.
        """
        clean = analysed_reference(reference)
        return clean, reference.sha256, StoiSegments(clean.bands)

    def score(
        self, prepared: tuple[StoiReference, str, "StoiSegments"], degraded: Audio
    ) -> Mapping[str, float]:
        """Return STOI."""
        clean, key, reference = prepared
        return {"stoi": reference.correlate(self._degraded(clean, key, degraded))}


class Estoi(_Intelligibility):
    """Extended short-time objective intelligibility."""

    name: ClassVar[str] = "estoi"
    outputs: ClassVar[tuple[str, ...]] = ("estoi",)
    source: ClassVar[str] = (
        "Jensen and Taal, IEEE/ACM TASLP 24(11), 2016, doi:10.1109/TASLP.2016.2585878"
    )
    formula: ClassVar[str] = (
        "mean over segments of 384 ms of the inner product of the band envelopes of reference "
        "and degraded, each normalised to zero mean and unit length over time in every band "
        "and then over bands in every frame"
    )
    caveats: ClassVar[str] = (
        "Blind to gain and polarity; a constant offset of 0.05 costs 0.002. Not to delay: 1 "
        "ms costs 0.005, 5 ms 0.09, 20 ms 0.4. Heard up to 4.3 kHz only. Noise without speech "
        "scores about 0. The published code adds random noise of the size of rounding; here "
        "nothing is random."
    )

    @property
    def definition(self) -> str:
        """Everything that determines the score."""
        return (
            f"estoi: Jensen and Taal 2016; {_FRAMES}, rows and columns normalised without added "
            "noise, constant ones count as 0"
        )

    def prepare(self, reference: Audio) -> tuple[StoiReference, str, Segments]:
        """Compute bands and normalised segments of the reference.

        Raises:
            TooShortError: Fewer than 30 frames remain after silence removal.
        """
        clean = analysed_reference(reference)
        return clean, reference.sha256, normalise_rows_and_columns(clean.bands)

    def score(
        self, prepared: tuple[StoiReference, str, Segments], degraded: Audio
    ) -> Mapping[str, float]:
        """Return ESTOI."""
        clean, key, reference = prepared
        coded = normalise_rows_and_columns(self._degraded(clean, key, degraded))
        total = float(np.dot(reference.ravel(), coded.ravel()))
        return {"estoi": total / (SEGMENT_FRAMES * reference.shape[1])}


def analysed_reference(audio: Audio) -> StoiReference:
    """Analyse a reference, once for all who ask.

    Raises:
        TooShortError: Fewer than 30 frames remain after silence removal.
    """
    return audio.derive(
        "stoi-reference",
        lambda: analyse_reference(audio.samples.astype(np.float64), audio.sample_rate),
    )


class StoiSegments:
    """The reference's segments in the forms in which STOI compares with them."""

    def __init__(self, bands: NDArray[np.float64]) -> None:
        """Compute them.

        Args:
            bands: Band envelopes, shape ``(bands, frames)``.
        """
        clean = segments(bands)
        self.norms = _norms(clean)
        self.limits = np.ascontiguousarray(clean) * CLIP
        self.normalised = clean - clean.mean(axis=2, keepdims=True)
        self.normalised /= _norms(self.normalised) + _EPS

    def correlate(self, bands: NDArray[np.float64]) -> float:
        """Return the mean correlation with a degraded signal's segments (eq. 3 to 6)."""
        coded = segments(bands)
        scaled = coded * (self.norms / (_norms(coded) + _EPS))
        np.minimum(scaled, self.limits, out=scaled)
        scaled -= scaled.mean(axis=2, keepdims=True)
        products = np.einsum("bsf,bsf->bs", scaled, self.normalised)
        return float(np.mean(products / (_norms(scaled)[..., 0] + _EPS)))


def normalise_rows_and_columns(bands: NDArray[np.float64]) -> Segments:
    """Normalise the segments over time within each band, then over bands within each frame.

    The published code adds noise of the size of the rounding error instead of asking whether a
    band is constant, which makes the score of digital silence random and moves the caller's random
    numbers on. Here a constant band or frame counts as zero, the mean of that random value.

    Args:
        bands: Band envelopes, shape ``(bands, frames)``.

    Returns:
        Shape ``(bands, segments, SEGMENT_FRAMES)``.
    """
    raw = segments(bands)
    level = _norms(raw)
    rows: Segments = raw - raw.mean(axis=2, keepdims=True)
    spread = _norms(rows)
    rows *= _inverse(spread, spread > FLAT * level)
    rows -= rows.mean(axis=0, keepdims=True)
    spread = np.sqrt(np.einsum("bsf,bsf->sf", rows, rows))
    rows *= _inverse(spread, spread > FLAT)
    return rows


def _norms(values: Segments) -> NDArray[np.float64]:
    """Return the norms over the last axis, which is kept."""
    squares: NDArray[np.float64] = np.einsum("bsf,bsf->bs", values, values)
    return np.asarray(np.sqrt(squares))[..., None]


def _inverse(values: NDArray[np.float64], where: NDArray[np.bool_]) -> NDArray[np.float64]:
    return np.asarray(np.divide(1.0, values, out=np.zeros_like(values), where=where))
