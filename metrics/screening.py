"""What both signals must be before any metric sees them, and what it is called when they are not.

Half of the published packages answer silence, NaN or a wrong length with a plausible number. So
nothing gets to a metric unscreened, and each refusal has one name.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from codecbench.core.audio import Audio
from codecbench.core.errors import (
    AudioFormatError,
    CodecBenchError,
    MetricError,
    NonFiniteError,
    OutOfRangeError,
    SignalMismatchError,
    SilentSignalError,
    TooShortError,
)
from codecbench.core.resampling import resample

SILENCE_DBFS = -70.0
"""A signal whose RMS less its mean lies below this has no content; full scale is an RMS of 1."""

SHORTEST_S = 0.01
"""Below this no metric of ours scores, and there is no level to speak of."""

_REFERENCE_REASONS: tuple[tuple[type[CodecBenchError], str], ...] = (
    (SilentSignalError, "silent_reference"),
    (NonFiniteError, "nonfinite_reference"),
    (OutOfRangeError, "reference_out_of_range"),
    (TooShortError, "too_short"),
    (AudioFormatError, "unreadable_reference"),
)
_DEGRADED_REASONS: tuple[tuple[type[CodecBenchError], str], ...] = (
    (SilentSignalError, "silent_degraded"),
    (NonFiniteError, "nonfinite_degraded"),
    (SignalMismatchError, "wrong_length"),
    (TooShortError, "degraded_too_short"),
    (AudioFormatError, "unreadable_degraded"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Screened:
    """A degraded signal that metrics can be given.

    Attributes:
        audio: Length and rate of the reference, in [-1, 1], rounded to 16 bit.
        clipped_share: Share of samples that exceeded full scale and were limited, in [0, 1].
        length_difference: Length as delivered minus length of the reference, in samples of the
            reference; what was too long has been cut, what was missing filled with zeros.
    """

    audio: Audio
    clipped_share: float
    length_difference: int


def screen_reference(samples: ArrayLike, sample_rate: int) -> Audio:
    """Check a reference.

    Args:
        samples: Floating point, shape ``(samples,)``, in [-1, 1].
        sample_rate: In Hz.

    Raises:
        AudioFormatError: Integers, or not one-dimensional.
        TooShortError: Shorter than any metric scores, see `SHORTEST_S`.
        NonFiniteError: A sample is NaN or infinite.
        OutOfRangeError: A sample lies outside [-1, 1].
        SilentSignalError: No content, see `SILENCE_DBFS`.
    """
    audio = Audio(np.asarray(samples), sample_rate)
    if audio.duration_s < SHORTEST_S:
        msg = f"the reference lasts {audio.duration_s:g} s; {SHORTEST_S:g} s is the least to score"
        raise TooShortError(msg)
    _refuse_silence(audio, "reference")
    return audio


def screen_degraded(
    samples: ArrayLike, sample_rate: int, *, reference: Audio, frame_samples: int = 1
) -> Screened:
    """Bring a degraded signal to the rate, length and resolution at which it is scored.

    Args:
        samples: Floating point, shape ``(samples,)``; may overshoot [-1, 1], which is recorded.
        sample_rate: In Hz; resampled to the reference's where it differs.
        reference: What `screen_reference` returned.
        frame_samples: Largest difference in length that is forgiven: one codec frame, in samples
            at the reference's rate.

    Raises:
        AudioFormatError: Integers, or not one-dimensional.
        NonFiniteError: A sample is NaN or infinite.
        SignalMismatchError: The length differs by more than `frame_samples`.
        SilentSignalError: No content after rounding to 16 bit.
    """
    delivered = Audio.clip(samples, sample_rate)
    resampled = resample(delivered, reference.sample_rate)
    difference = resampled.n_samples - reference.n_samples
    if abs(difference) > frame_samples:
        msg = (
            f"degraded has {resampled.n_samples} samples at {reference.sample_rate} Hz, reference "
            f"has {reference.n_samples}; at most {frame_samples} more or fewer are allowed"
        )
        raise SignalMismatchError(msg)
    audio = (resampled if difference == 0 else _fit(resampled, reference)).quantize_16bit()
    _refuse_silence(audio, "degraded")
    clipped = delivered.clipped_share
    if resampled is not delivered:
        clipped = max(clipped, resampled.clipped_share)
    return Screened(audio=audio, clipped_share=clipped, length_difference=difference)


def _fit(audio: Audio, reference: Audio) -> Audio:
    fitted = np.zeros(reference.n_samples, dtype=np.float32)
    kept = min(audio.n_samples, reference.n_samples)
    fitted[:kept] = audio.samples[:kept]
    return Audio(fitted, reference.sample_rate)


def level_dbfs(audio: Audio) -> float:
    """Return the RMS level after removing the mean, in dB re full scale; -inf for a constant."""
    samples = audio.samples.astype(np.float64)
    if samples.size:
        samples -= samples.mean()
    power = float(samples @ samples) / samples.size if samples.size else 0.0
    return 10.0 * math.log10(power) if power > 0.0 else -math.inf


def _refuse_silence(audio: Audio, which: str) -> None:
    level = level_dbfs(audio)
    if level < SILENCE_DBFS:
        msg = f"the {which} is silent: {level:.1f} dBFS, content begins at {SILENCE_DBFS:g} dBFS"
        raise SilentSignalError(msg)


def reference_reason(error: CodecBenchError) -> str:
    """Return the reason of an undefined cell: what is wrong with the reference."""
    return _reason(error, _REFERENCE_REASONS, "unusable_reference")


def degraded_reason(error: CodecBenchError) -> str:
    """Return the reason of a failed cell: what is wrong with the degraded signal."""
    return _reason(error, _DEGRADED_REASONS, "unusable_degraded")


def _reason(
    error: CodecBenchError, table: tuple[tuple[type[CodecBenchError], str], ...], default: str
) -> str:
    if isinstance(error, MetricError):
        return error.reason
    return next((reason for kind, reason in table if isinstance(error, kind)), default)
