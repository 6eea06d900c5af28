"""Time alignment of ViSQOL: lags from the correlation of envelopes, and pieces cut by them.

Source: google/visqol 38d0b016, alignment.cc, envelope.cc, xcorr.cc, comparison_patches_selector.cc.
"""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray


def envelope(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what ViSQOL calls the upper envelope, without a Fourier transform.

    ViSQOL means the magnitude of the analytic signal, but its inverse transform keeps the real
    part alone. What is left of |x + j H(x)| is |2 x| less the mean and the Nyquist component of
    the signal padded to a power of two, which the construction of the analytic signal does not
    double. Scores depend on it through the lags, so it is computed as it is, not as it is named.

    Args:
        samples: Shape ``(samples,)``, not empty.

    Returns:
        Shape ``(samples,)``.
    """
    n = samples.size
    padded = 1 << (n - 1).bit_length()
    mean = float(samples.mean())
    centred = samples - mean
    even, odd = float(centred[0::2].sum()), float(centred[1::2].sum())
    share = 1.0 if n == padded else 2.0
    result = 2.0 * centred - (even + odd) / padded
    nyquist = share * (even - odd) / padded
    result[0::2] -= nyquist
    result[1::2] += nyquist
    return np.asarray(np.abs(result) + mean, dtype=np.float64)


def correlation_length(longest: int) -> int:
    """Return a transform length that holds all lags of signals up to `longest` samples."""
    from scipy.fft import next_fast_len

    return int(next_fast_len(max(2 * longest - 1, 1), real=True))


def envelope_spectra(pieces: list[NDArray[np.float64]], length: int) -> NDArray[np.complex128]:
    """Transform the envelopes of some signals, padded with zeros to `length`.

    Returns:
        Shape ``(pieces, length // 2 + 1)``.
    """
    from scipy.fft import rfft

    padded = np.zeros((len(pieces), length))
    for row, piece in zip(padded, pieces, strict=True):
        row[: piece.size] = envelope(piece)
    return np.asarray(rfft(padded, axis=1), dtype=np.complex128)


def best_lags(
    reference: NDArray[np.complex128],
    degraded: NDArray[np.complex128],
    longest: NDArray[np.int64],
    length: int,
) -> list[int]:
    """Return the lag of the largest correlation of each pair of envelopes.

    Args:
        reference: `envelope_spectra`, shape ``(pairs, length // 2 + 1)``.
        degraded: The same of the other side.
        longest: Samples in the longer signal of each pair, at least 2.
        length: Transform length.

    Returns:
        Samples by which each degraded signal has to be delayed (advanced, if negative); of equal
        maxima the lowest lag.
    """
    from scipy.fft import irfft

    correlations = irfft(reference * np.conj(degraded), n=length, axis=1)
    lags = []
    for correlation, samples in zip(correlations, longest.tolist(), strict=True):
        early, late = correlation[length - samples + 1 :], correlation[:samples]
        first, second = int(early.argmax()), int(late.argmax())
        lags.append(first - samples + 1 if early[first] >= late[second] else second)
    return lags


def plausible(lag: int, reference_samples: int) -> int:
    """Return the lag, or 0 where it is more than half of the reference."""
    return lag if abs(lag) <= reference_samples / 2 else 0


@dataclass(frozen=True, slots=True)
class Piece:
    """Some zeros and then ``samples[begin:end]`` of a signal.

    Attributes:
        zeros: Number of zeros in front.
        begin: First sample.
        end: One past the last sample.
    """

    zeros: int
    begin: int
    end: int

    def __len__(self) -> int:
        """Return the length with the zeros."""
        return self.zeros + self.end - self.begin

    def drop(self, count: int) -> Self:
        """Leave out the first `count` samples."""
        kept = max(0, self.zeros - count)
        begin = self.begin + count - (self.zeros - kept)
        return replace(self, zeros=kept, begin=min(begin, self.end))

    def limit(self, count: int) -> Self:
        """Keep the first `count` samples."""
        zeros = min(self.zeros, count)
        return replace(self, zeros=zeros, end=min(self.end, self.begin + count - zeros))

    def shift(self, lag: int) -> Self:
        """Delay by zeros, or advance by leaving out, without change of the end."""
        return replace(self, zeros=self.zeros + lag) if lag >= 0 else self.drop(-lag)

    def take(self, samples: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the piece of a signal."""
        part = samples[self.begin : self.end]
        return np.concatenate([np.zeros(self.zeros), part]) if self.zeros else part


def cut(start_s: float, end_s: float, n_samples: int, sample_rate: int) -> Piece:
    """Find the samples between two times, as ViSQOL does.

    Times are cut down to samples (so 0.58 s at 16 kHz is sample 9279, since 0.58 * 16000 is just
    below 9280 in floating point), the last sample of the signal is never used, and what is missing
    at its end is made up by zeros in front.

    Args:
        start_s: Not negative.
        end_s: After `start_s`.
        n_samples: Length of the signal.
        sample_rate: In Hz.
    """
    begin = int(start_s * sample_rate)
    end = min(n_samples - 1, int(end_s * sample_rate))
    missing = end_s * sample_rate - n_samples
    return Piece(max(0, int(missing)), min(begin, end), end)


def align_pieces(
    reference: Piece, degraded: Piece, lag: int, sample_rate: int
) -> tuple[Piece, Piece]:
    """Shift the degraded piece by a lag and cut both to the same length.

    Args:
        reference: Piece of the reference.
        degraded: Piece of the degraded signal.
        lag: From `best_lags`, made `plausible`.
        sample_rate: In Hz.
    """
    degraded = degraded.shift(lag)
    if len(reference) < len(degraded) and lag > 0:
        # Through seconds and back, as the lag travels there: it may come back one sample smaller.
        back = int(lag / sample_rate * sample_rate)
        reference, degraded = reference.drop(back), degraded.drop(back)
    shortest = min(len(reference), len(degraded))
    return reference.limit(shortest), degraded.limit(shortest)
