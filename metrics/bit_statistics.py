"""What a codec's bits say without listening: rates, entropy, and how much of each book is used.

All shares are of the full size of a codebook. Dividing by the codes that happen to be used hides
the very collapse that one looks for.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from codecbench.core.errors import MetricError, TooShortError

MIN_CODES_PER_ENTRY = 10
"""Codes per entry of the book below which the share of used entries says more about the sample."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Rates of one coded clip, or of a pool of clips, in bit/s of the reference's duration.

    Attributes:
        nominal_bps: What the setting promises.
        payload_bps: Exact bits that the decoder needs.
        wire_bps: Packets in whole bytes.
        total_bps: With side information and length.
    """

    nominal_bps: float
    payload_bps: float
    wire_bps: float
    total_bps: float


def measure_rates(
    *, nominal_bps: float, payload_bits: int, wire_bits: int, total_bits: int, duration_s: float
) -> Rates:
    """Divide bits by time.

    Args:
        nominal_bps: What the setting promises, in bit/s.
        payload_bits: Exact bits of all packets.
        wire_bits: Bits of all packets in whole bytes.
        total_bits: Wire bits and all side information.
        duration_s: Duration of the reference, not of what the codec padded it to.

    Raises:
        TooShortError: The duration is not positive.
        MetricError: The bits cannot be: negative, or more payload than wire, or wire than total.
    """
    if not duration_s > 0.0:
        msg = f"rates need a positive duration, found {duration_s:g} s"
        raise TooShortError(msg)
    if not 0 <= payload_bits <= wire_bits <= total_bits:
        msg = (
            f"payload {payload_bits}, wire {wire_bits} and total {total_bits} bits; "
            "each must contain the one before it"
        )
        raise MetricError(msg, reason="inconsistent_bits")
    return Rates(
        nominal_bps=nominal_bps,
        payload_bps=payload_bits / duration_s,
        wire_bps=wire_bits / duration_s,
        total_bps=total_bits / duration_s,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CodebookStatistics:
    """How one codebook is used over a pool of clips.

    Attributes:
        size: Entries of the book.
        codes: Codes counted; every other number is worth as much as this one.
        distinct: Entries that occur.
        plugin_entropy_bits: Zero-order entropy of the counts, which reads low on few codes.
        entropy_bits: The same with the Miller-Madow correction, at most log2 of the size.
        normalised_entropy: Share of log2 of the size, in [0, 1]; None for a book of one entry.
        perplexity: 2 to the entropy: entries that would do if all were equally frequent.
        normalised_perplexity: Share of the size, in (0, 1].
        use: Share of the size that occurs, in (0, 1]; None where there are too few codes.
        use_reason: Why `use` is None.
    """

    size: int
    codes: int
    distinct: int
    plugin_entropy_bits: float
    entropy_bits: float
    normalised_entropy: float | None
    perplexity: float
    normalised_perplexity: float
    use: float | None
    use_reason: str


def count_codes(codes: ArrayLike, sizes: Sequence[int]) -> list[NDArray[np.int64]]:
    """Count how often each entry of each codebook occurs.

    Counts of several clips are pooled by adding them up.

    Args:
        codes: Quantizer indices, shape ``(codebooks, frames)``.
        sizes: Entries of each codebook.

    Raises:
        MetricError: The shape does not fit, or an index is not in its book.
    """
    rows = np.asarray(codes)
    if rows.ndim != 2 or rows.dtype.kind not in "iu" or len(rows) != len(sizes):
        msg = (
            f"codes must be integers of shape (codebooks, frames) with {len(sizes)} codebooks, "
            f"found {rows.dtype} of shape {rows.shape}"
        )
        raise MetricError(msg, reason="bad_codes")
    counts = []
    for index, (row, size) in enumerate(zip(rows, sizes, strict=True)):
        if row.size and (row.min() < 0 or row.max() >= size):
            msg = f"codebook {index} has {size} entries, found codes {row.min()} to {row.max()}"
            raise MetricError(msg, reason="bad_codes")
        counts.append(np.bincount(row, minlength=size).astype(np.int64))
    return counts


def codebook_statistics(counts: ArrayLike) -> CodebookStatistics:
    """Compute entropy, perplexity and use of one codebook.

    Args:
        counts: How often each entry occurs in all clips together, shape ``(size,)``, zeros
            included.

    Raises:
        MetricError: No entries, no codes, or counts that are none.

    Source:
        G. A. Miller, Note on the bias of information estimates, 1955: plug-in entropy + (K - 1) /
        (2 N ln 2) bits, K entries seen in N codes.
    """
    pooled = np.asarray(counts)
    if pooled.ndim != 1 or pooled.dtype.kind not in "iu" or not pooled.size or pooled.min() < 0:
        msg = f"counts must be whole numbers >= 0 of shape (size,), found shape {pooled.shape}"
        raise MetricError(msg, reason="bad_counts")
    size, total = int(pooled.size), int(pooled.sum())
    if total == 0:
        msg = f"no codes of a codebook of {size} entries"
        raise MetricError(msg, reason="no_codes")
    seen = pooled[pooled > 0] / total
    plugin = max(0.0, float(-(seen @ np.log2(seen))))
    most = math.log2(size)
    corrected = min(most, plugin + (seen.size - 1) / (2.0 * total * math.log(2.0)))
    enough = total >= MIN_CODES_PER_ENTRY * size
    wanted = MIN_CODES_PER_ENTRY * size
    return CodebookStatistics(
        size=size,
        codes=total,
        distinct=int(seen.size),
        plugin_entropy_bits=plugin,
        entropy_bits=corrected,
        normalised_entropy=corrected / most if size > 1 else None,
        perplexity=2.0**corrected,
        normalised_perplexity=2.0**corrected / size,
        use=int(seen.size) / size if enough else None,
        use_reason="" if enough else f"too_few_codes: {total} of {wanted} needed",
    )


def entropy_bps(
    codebooks: Sequence[CodebookStatistics], frame_rate: float | Sequence[float]
) -> float:
    """Return the rate that an ideal zero-order coder of each book alone would need.

    It bounds what such a coder can save; nobody pays this rate.

    Args:
        codebooks: Statistics of every codebook.
        frame_rate: Codes per second of each codebook, in Hz; one number where all are equal.

    Raises:
        MetricError: The number of rates is not that of the codebooks, or one is not positive.
    """
    given = np.atleast_1d(np.asarray(frame_rate, dtype=np.float64))
    rates = given.tolist() * (len(codebooks) if np.ndim(frame_rate) == 0 else 1)
    if len(rates) != len(codebooks) or any(not rate > 0.0 for rate in rates):
        msg = f"{len(codebooks)} codebooks need as many positive frame rates, found {frame_rate}"
        raise MetricError(msg, reason="bad_frame_rate")
    return math.fsum(book.entropy_bits * rate for book, rate in zip(codebooks, rates, strict=True))
