"""The one signal type: mono float32 samples with their rate."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from codecbench.core.errors import AudioFormatError, NonFiniteError, OutOfRangeError
from codecbench.core.fingerprint import hash_pcm

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Audio:
    """A mono signal, shape ``(samples,)``, float32, finite, in [-1, 1], read-only.

    Two signals are equal when rate and samples are.

    Attributes:
        samples: The signal.
        sample_rate: Samples per second in Hz.
        clipped_share: Share of samples that `Audio.clip` had to limit, in [0, 1].

    Raises:
        AudioFormatError: The array is of integers, not one-dimensional, or the rate not positive.
        NonFiniteError: A sample is NaN or infinite.
        OutOfRangeError: A sample lies outside [-1, 1].
    """

    samples: NDArray[np.float32]
    sample_rate: int
    clipped_share: float = 0.0
    # Any: each derived quantity has a type of its own, known to the function that made it.
    _derived: dict[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Check the samples and make a read-only float32 copy where needed."""
        samples = np.asarray(self.samples)
        if samples.ndim != 1:
            msg = (
                f"audio must be mono with shape (samples,), found shape {samples.shape}; "
                "mix down first, e.g. samples.mean(axis=<channel axis>)"
            )
            raise AudioFormatError(msg)
        if samples.dtype.kind != "f":
            msg = (
                f"audio must be floating point in [-1, 1], found {samples.dtype}; "
                "divide integers by their full scale, e.g. samples / 32768 for int16"
            )
            raise AudioFormatError(msg)
        sample_rate = check_sample_rate(self.sample_rate)
        peak = _peak(samples)
        if not peak <= 1.0:
            if not np.isfinite(samples).all():
                bad = int(np.flatnonzero(~np.isfinite(samples))[0])
                msg = f"sample {bad} is {samples[bad]}; audio must be finite"
                raise NonFiniteError(msg)
            msg = (
                f"peak {peak:g} lies outside [-1, 1]; scale the signal, "
                "or use Audio.clip(samples, sample_rate), which records what it cut"
            )
            raise OutOfRangeError(msg)
        self._take(np.array(samples, dtype=np.float32, copy=True, order="C"), sample_rate)

    def _take(self, owned: NDArray[np.float32], sample_rate: int) -> None:
        """Hold samples that were checked and are nobody else's."""
        owned.setflags(write=False)
        object.__setattr__(self, "samples", owned)
        object.__setattr__(self, "sample_rate", sample_rate)

    @classmethod
    def clip(cls, samples: ArrayLike, sample_rate: int) -> Self:
        """Make audio from a decoder's output that may overshoot; the share cut is recorded."""
        raw = np.asarray(samples)
        if raw.dtype.kind != "f" or raw.ndim != 1:
            return cls(raw, sample_rate)
        if _peak(raw) <= 1.0:
            return cls(raw, sample_rate)
        over = np.abs(raw) > 1.0
        share = float(over.mean())
        # NaN must reach the constructor, which refuses it; np.clip lets it pass.
        limited = raw if share == 0.0 else np.where(np.isinf(raw), raw, np.clip(raw, -1.0, 1.0))
        return cls(limited, sample_rate, share)

    @property
    def n_samples(self) -> int:
        """Length in samples."""
        return int(self.samples.size)

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.n_samples / self.sample_rate

    @property
    def sha256(self) -> str:
        """Content hash of rate and samples."""
        return self.derive("sha256", lambda: hash_pcm(self.samples, self.sample_rate))

    def derive(self, key: str, compute: Callable[[], T]) -> T:
        """Return a quantity derived from these samples, computed once and kept with them.

        Args:
            key: Name of the quantity with every parameter that it depends on.
            compute: Makes it; what it returns must not be changed by anybody.
        """
        if key not in self._derived:
            self._derived[key] = compute()
        value: T = self._derived[key]
        return value

    def quantize_16bit(self) -> Self:
        """Round to 16 bit, as every degraded signal is once before scoring."""
        rounded = round_to_int16(self.samples).astype(np.float32)
        rounded *= np.float32(1 / 32768)
        # Finite and in [-1, 1] by what rounding does, so there is nothing to check.
        made = object.__new__(type(self))
        made._take(rounded, self.sample_rate)
        object.__setattr__(made, "clipped_share", self.clipped_share)
        object.__setattr__(made, "_derived", {})
        return made

    def __reduce__(self) -> tuple[object, ...]:
        """Travel without derived quantities, and arrive checked and read-only."""
        return (type(self), (self.samples, self.sample_rate, self.clipped_share))

    def __eq__(self, other: object) -> bool:
        """Compare rate and samples."""
        if not isinstance(other, Audio):
            return NotImplemented
        return self.sample_rate == other.sample_rate and np.array_equal(self.samples, other.samples)

    def __hash__(self) -> int:
        """Hash by content."""
        return hash(self.sha256)


def _peak(samples: NDArray[np.floating]) -> float:
    """Return the largest magnitude; NaN where a sample is NaN, 0 where there is none."""
    with np.errstate(invalid="ignore"):
        return float(np.maximum(samples.max(initial=0.0), -samples.min(initial=0.0)))


def check_sample_rate(value: float) -> int:
    """Return a sample rate as an integer.

    Raises:
        AudioFormatError: It is not a positive whole number.
    """
    is_number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not is_number or not np.isfinite(value) or int(value) != value:
        msg = f"sample_rate must be a whole number of Hz, found {value!r}"
        raise AudioFormatError(msg)
    if value <= 0:
        msg = f"sample_rate must be positive, found {value}"
        raise AudioFormatError(msg)
    return int(value)


def round_to_int16(samples: NDArray[np.floating]) -> NDArray[np.int16]:
    """Scale [-1, 1] by 32768, round half to even, and limit to the 16-bit range."""
    # A power of two scales float32 without rounding, so its own precision is enough.
    scaled = samples * samples.dtype.type(32768)
    np.rint(scaled, out=scaled)
    np.clip(scaled, -32768, 32767, out=scaled)
    rounded: NDArray[np.int16] = scaled.astype(np.int16)
    return rounded
