"""Scale-invariant signal-to-distortion ratio, as it is and with the delay taken out."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from codecbench.core.audio import Audio
from codecbench.core.errors import SilentSignalError
from codecbench.metrics.alignment import ACCEPTED, SEARCH_S, STEPS, measure_alignment
from codecbench.metrics.base import Metric

LIMIT_DB = 100.0
_FORMULA = (
    "10 log10(|a x|^2 / |y - a x|^2) with a = <x,y>/<x,x>, x and y less their means, float64, no "
    f"epsilon, limited to +-{LIMIT_DB:g} dB"
)


class _SiSdr(Metric):
    """What both variants have in common."""

    unit: ClassVar[str] = "dB"
    higher_is_better: ClassVar[bool] = True
    range: ClassVar[tuple[float, float]] = (-LIMIT_DB, LIMIT_DB)
    sample_rate: ClassVar[int | None] = None
    min_seconds: ClassVar[float] = 0.01
    tolerance: ClassVar[float] = 1e-3
    source: ClassVar[str] = (
        "Le Roux et al., SDR - half-baked or well done?, ICASSP 2019, "
        "doi:10.1109/ICASSP.2019.8683855"
    )
    domain: ClassVar[str] = (
        "any signal; as a measure of quality only for codecs that keep the waveform. "
        "Parametric and generative codecs score far below 0 dB however good they sound: never "
        "rank by it across kinds"
    )


class SiSdr(_SiSdr):
    """SI-SDR of the signals as they are; a quarter of a sample of delay costs 5 dB."""

    name: ClassVar[str] = "si_sdr"
    outputs: ClassVar[tuple[str, ...]] = ("si_sdr",)
    formula: ClassVar[str] = (
        "10 log10(|a x|² / |y - a x|²), a = <x,y> / <x,x>, x the reference and y the degraded "
        "signal, each less its mean"
    )
    caveats: ClassVar[str] = (
        "Blind to gain, polarity and offset. Ruined by the smallest delay: a quarter of a "
        "sample costs 5 dB on good speech, one sample 14 dB, 1 ms 32 dB; filters that turn "
        "phases do the same (Opus in voip mode stays below 9 dB at any rate). Limited to ±100 "
        "dB; implementations with an epsilon differ at the extremes."
    )

    @property
    def definition(self) -> str:
        """Everything that determines the score."""
        return f"si_sdr: {_FORMULA}"

    def prepare(self, reference: Audio) -> "_Target":
        """Remove the mean of the reference.

        Raises:
            SilentSignalError: It is constant.
        """
        return _target(reference)

    def score(self, prepared: "_Target", degraded: Audio) -> Mapping[str, float]:
        """Return SI-SDR in dB.

        Raises:
            SilentSignalError: The degraded signal is constant.
        """
        return {"si_sdr": _score(prepared.samples, degraded)}


class SiSdrAligned(_SiSdr):
    """SI-SDR after taking out the measured delay, for codecs that move the waveform a little.

    It stands beside `SiSdr` and never in its place. Where the waveform does not correlate, or the
    delay found makes nothing better, both are equal.
    """

    name: ClassVar[str] = "si_sdr_aligned"
    outputs: ClassVar[tuple[str, ...]] = ("si_sdr_aligned",)
    packages: ClassVar[tuple[str, ...]] = ("numpy", "scipy")
    modules: ClassVar[tuple[str, ...]] = ("scipy",)
    formula: ClassVar[str] = (
        "10 log10(|a x|² / |y - a x|²) as si_sdr, after y is shifted back by its measured "
        "delay, to 1/16 sample within ±200 ms; the better of shifted and not"
    )
    caveats: ClassVar[str] = (
        "Takes out one constant delay and nothing else: clock drift and turned phases still "
        "count. Where the waveforms hardly correlate (at most 0.5) it equals si_sdr. The "
        "overlap alone is scored, so a long delay hides what it cut off."
    )

    @property
    def definition(self) -> str:
        """Everything that determines the score."""
        return (
            f"si_sdr_aligned: {_FORMULA}; degraded shifted back by the delay of largest "
            f"|cross-correlation| within +-{1000 * SEARCH_S:g} ms, to 1/{STEPS} sample, by a "
            "band-limited (Fourier) shift, scored over the overlap; not shifted where "
            f"|correlation| <= {ACCEPTED:g} or the score is not better"
        )

    def prepare(self, reference: Audio) -> "_Target":
        """Remove the mean of the reference.

        Raises:
            SilentSignalError: It is constant.
        """
        return _target(reference)

    def score(self, prepared: "_Target", degraded: Audio) -> Mapping[str, float]:
        """Return the better of SI-SDR with and without the measured delay, in dB.

        Raises:
            SilentSignalError: The degraded signal is constant.
        """
        plain = _score(prepared.samples, degraded)
        alignment = measure_alignment(prepared.audio, degraded)
        if alignment.method != "waveform" or alignment.delay_samples == 0.0:
            return {"si_sdr_aligned": plain}
        clean, shifted = _overlap(prepared.samples, degraded, alignment.delay_samples)
        return {"si_sdr_aligned": max(plain, si_sdr(clean, shifted))}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    """The reference, and its samples less their mean."""

    audio: Audio
    samples: NDArray[np.float64]


def si_sdr(reference: NDArray[np.float64], degraded: NDArray[np.float64]) -> float:
    """Compute SI-SDR in dB, limited to ±100.

    Args:
        reference: Shape ``(samples,)``.
        degraded: Same shape.

    Raises:
        SilentSignalError: One of them is constant.
    """
    x = reference - reference.mean()
    y = degraded - degraded.mean()
    x_energy, y_energy = float(x @ x), float(y @ y)
    if x_energy == 0.0 or y_energy == 0.0:
        msg = f"the {'degraded' if x_energy else 'reference'} signal is constant"
        raise SilentSignalError(msg)
    projected = (float(x @ y) / x_energy) * x
    residual = y - projected
    target, noise = float(projected @ projected), float(residual @ residual)
    if noise == 0.0:
        return LIMIT_DB
    if target == 0.0:
        return -LIMIT_DB
    return max(-LIMIT_DB, min(LIMIT_DB, 10.0 * math.log10(target / noise)))


def _target(reference: Audio) -> _Target:
    samples = reference.samples.astype(np.float64)
    samples -= samples.mean()
    if not samples.any():
        msg = "the reference signal is constant"
        raise SilentSignalError(msg)
    return _Target(audio=reference, samples=samples)


def _score(clean: NDArray[np.float64], degraded: Audio) -> float:
    return si_sdr(clean, degraded.samples.astype(np.float64))


def _overlap(
    clean: NDArray[np.float64], degraded: Audio, delay: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what both signals have in common once the degraded one is shifted back by `delay`."""
    samples = degraded.samples.astype(np.float64)
    whole = math.floor(delay)
    if delay != whole:
        samples = _advance(samples, delay - whole)
    start, end = max(0, -whole), clean.size - max(0, math.ceil(delay))
    return clean[start:end], samples[start + whole : end + whole]


def _advance(samples: NDArray[np.float64], fraction: float) -> NDArray[np.float64]:
    """Shift a signal to earlier times by a fraction of a sample."""
    import scipy.fft

    mean = samples.mean()
    # The zeros keep the end of the signal from ringing into its beginning.
    n_fft = int(scipy.fft.next_fast_len(samples.size + 256, real=True))
    spectrum = scipy.fft.rfft(samples - mean, n_fft)
    spectrum *= np.exp(2j * np.pi * fraction * np.arange(spectrum.size) / n_fft)
    return np.asarray(scipy.fft.irfft(spectrum, n_fft)[: samples.size] + mean)
