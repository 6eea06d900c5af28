"""How a degraded signal lies in time and level against its reference: measured, never corrected."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from codecbench.core.audio import Audio
from codecbench.core.errors import SignalMismatchError, SilentSignalError

Method: TypeAlias = Literal["waveform", "envelope", "none"]

SEARCH_S = 0.2
"""Delays up to this far in either direction are looked for."""
ACCEPTED = 0.5
"""Smallest correlation at which a delay is believed."""
STEPS = 16
"""Waveform delays are found to this fraction of a sample."""
_TAPS = 32
"""Lags on either side from which the correlation is interpolated."""
_ENVELOPE_FLOOR = 1e-8
"""Power that counts as silence in the envelope, -80 dBFS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """Where a degraded signal lies.

    Attributes:
        delay_samples: Delay of the degraded signal; negative where it comes early. To 1/16 sample
            by waveform, to about 1 ms by envelope, 0 where neither correlates.
        method: What the delay was found by.
        correlation: Normalised correlation at that delay, of the waveform, its sign removed, or of
            the envelope; for "none" the waveform's best.
        gain_db: Level of the degraded signal: of its part that correlates with the reference where
            the method is "waveform", else of the whole.
        polarity: 1, or -1 where the waveform is inverted; 0 where the waveform says nothing.
        dc_offset: Mean of degraded less mean of reference, full scale is 1.
        half_delays: Delay of either half of the file, in samples; None where not both correlate.
    """

    delay_samples: float
    method: Method
    correlation: float
    gain_db: float
    polarity: int
    dc_offset: float
    half_delays: tuple[float, float] | None

    @property
    def drift_samples(self) -> float | None:
        """Delay of the second half less that of the first; None where it is not known."""
        return None if self.half_delays is None else self.half_delays[1] - self.half_delays[0]

    @property
    def has_drift(self) -> bool:
        """Whether the halves lie more than one sample apart, as with a drifting clock."""
        return self.drift_samples is not None and abs(self.drift_samples) > 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reference:
    """What depends on the reference alone; spectra are conjugated, energies of zero-mean parts."""

    n_fft: int
    max_lag: int
    mean: float
    energy: float
    spectrum: NDArray[np.complex128]
    first_half: NDArray[np.complex128]
    first_energy: float


def measure_alignment(reference: Audio, degraded: Audio) -> Alignment:
    """Measure delay, gain, polarity, offset and drift.

    Args:
        reference: Not silent.
        degraded: Same length and rate.

    Raises:
        SignalMismatchError: Lengths or rates differ.
        SilentSignalError: One of them is constant.

    Source:
        Knapp and Carter, IEEE TASSP 24(4), 1976, doi:10.1109/TASSP.1976.1162830, without weighting.
    """
    sizes = [(audio.n_samples, audio.sample_rate) for audio in (reference, degraded)]
    if sizes[0] != sizes[1]:
        msg = f"reference and degraded have {sizes[0]} and {sizes[1]} samples and Hz"
        raise SignalMismatchError(msg)
    return degraded.derive(f"alignment:{reference.sha256}", lambda: _measure(reference, degraded))


def _measure(reference: Audio, degraded: Audio) -> Alignment:
    import scipy.fft

    clean = reference.derive("alignment-reference", lambda: _analyse(reference))
    samples = degraded.samples.astype(np.float64)
    mean = float(samples.mean()) if samples.size else 0.0
    samples -= mean
    energy = float(samples @ samples)
    if energy == 0.0 or clean.energy == 0.0:
        msg = "a constant signal has no alignment"
        raise SilentSignalError(msg)
    spectrum = scipy.fft.rfft(samples, clean.n_fft)
    whole = scipy.fft.irfft(clean.spectrum * spectrum, clean.n_fft)
    delay, peak = _find_peak(whole, clean.max_lag)
    correlation = min(1.0, abs(peak) / float(np.sqrt(clean.energy * energy)))
    level_db = 10.0 * float(np.log10(energy / clean.energy))
    offset = mean - clean.mean
    if correlation > ACCEPTED:
        first = scipy.fft.irfft(clean.first_half * spectrum, clean.n_fft)
        return Alignment(
            delay_samples=delay,
            method="waveform",
            correlation=correlation,
            gain_db=20.0 * float(np.log10(abs(peak) / clean.energy)),
            polarity=1 if peak > 0 else -1,
            dc_offset=offset,
            half_delays=_half_delays(clean, samples, first, whole - first),
        )
    envelope_delay, likeness = _envelope_delay(reference, degraded)
    found = likeness > ACCEPTED
    return Alignment(
        delay_samples=envelope_delay if found else 0.0,
        method="envelope" if found else "none",
        correlation=likeness if found else correlation,
        gain_db=level_db,
        polarity=0,
        dc_offset=offset,
        half_delays=None,
    )


def _analyse(reference: Audio) -> _Reference:
    import scipy.fft

    samples = reference.samples.astype(np.float64)
    mean = float(samples.mean()) if samples.size else 0.0
    samples -= mean
    max_lag = min(round(SEARCH_S * reference.sample_rate), max(0, samples.size - 1))
    # Padded so that no lag of interest wraps round, nor the taps that interpolate around it.
    n_fft = int(scipy.fft.next_fast_len(samples.size + max_lag + _TAPS + 1, real=True))
    half = samples[: samples.size // 2]
    return _Reference(
        n_fft=n_fft,
        max_lag=max_lag,
        mean=mean,
        energy=float(samples @ samples),
        spectrum=np.conj(scipy.fft.rfft(samples, n_fft)),
        first_half=np.conj(scipy.fft.rfft(half, n_fft)),
        first_energy=float(half @ half),
    )


def _half_delays(
    clean: _Reference,
    degraded: NDArray[np.float64],
    first: NDArray[np.float64],
    second: NDArray[np.float64],
) -> tuple[float, float] | None:
    """Return the delay of either half of the reference within the whole degraded signal."""
    half = degraded.size // 2
    energies = (clean.first_energy, clean.energy - clean.first_energy)
    coded = (float(degraded[:half] @ degraded[:half]), float(degraded[half:] @ degraded[half:]))
    delays = []
    for correlation, energy, other in zip((first, second), energies, coded, strict=True):
        delay, peak = _find_peak(correlation, clean.max_lag)
        # Compared with squares: a silent half has no energy to divide by.
        if peak * peak <= ACCEPTED * ACCEPTED * energy * other:
            return None
        delays.append(delay)
    return delays[0], delays[1]


def _find_peak(correlation: NDArray[np.float64], max_lag: int) -> tuple[float, float]:
    """Return the lag of the largest magnitude to 1/16 sample, and the value there.

    Args:
        correlation: Circular; negative lags at the end.
        max_lag: Largest lag considered.
    """
    lags = np.concatenate([correlation[:0:-1][:max_lag][::-1], correlation[: max_lag + 1]])
    coarse = int(np.argmax(np.abs(lags))) - max_lag
    around = correlation[(coarse + np.arange(-_TAPS, _TAPS + 1)) % correlation.size]
    fine = _interpolator() @ around
    best = int(np.argmax(np.abs(fine)))
    # The middle row returns the coarse peak itself, which therefore wins ties of rounding.
    if abs(fine[best]) <= abs(around[_TAPS]) * (1.0 + 1e-12):
        return float(coarse), float(around[_TAPS])
    return coarse + (best - STEPS // 2) / STEPS, float(fine[best])


@lru_cache(maxsize=1)
def _interpolator() -> NDArray[np.float64]:
    """Return windowed-sinc rows that give a sequence at -8/16 ... 8/16 sample from its middle."""
    offsets = np.arange(-STEPS // 2, STEPS // 2 + 1)[:, None] / STEPS
    distance = offsets - np.arange(-_TAPS, _TAPS + 1)
    # Kaiser window with beta 8: 80 dB; it spans the taps around the middle.
    window = np.i0(8.0 * np.sqrt(np.clip(1.0 - (distance / (_TAPS + 1)) ** 2, 0.0, None)))
    return np.asarray(np.sinc(distance) * window / np.i0(8.0))


def _envelope_delay(reference: Audio, degraded: Audio) -> tuple[float, float]:
    """Return the delay in samples by log energy in steps of 1 ms, and the correlation there."""
    step = max(1, round(reference.sample_rate / 1000))
    clean, coded = (_log_energy(audio, step) for audio in (reference, degraded))
    scale = float(np.sqrt((clean @ clean) * (coded @ coded)))
    if scale == 0.0:
        return 0.0, 0.0
    max_lag = min(round(SEARCH_S * reference.sample_rate / step), clean.size - 1)
    correlation = np.correlate(np.pad(coded, max_lag), clean, mode="valid")
    best = int(np.argmax(correlation))
    return float((best - max_lag) * step), float(correlation[best]) / scale


def _log_energy(audio: Audio, step: int) -> NDArray[np.float64]:
    """Return the log power in steps, less its mean, shape ``(samples // step,)``."""
    count = audio.n_samples // step
    if count == 0:
        return np.zeros(1)
    samples = audio.samples[: count * step].astype(np.float64)
    power = np.mean(np.square(samples - samples.mean()).reshape(count, step), axis=1)
    level = np.log10(power + _ENVELOPE_FLOOR)
    return np.asarray(level - level.mean())
