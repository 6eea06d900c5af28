"""When a network loses: slots of 10 ms that are good or bad, whatever is sent in them."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codecbench.core.errors import ConfigError

SLOT_MS = 10.0
"""Length of a slot: that of the shortest usual packet."""
_MAX_TRACE_BYTES = 2**26


def draw_bad_slots(
    n_slots: int, loss: float, burst: float | None, generator: np.random.Generator
) -> NDArray[np.bool_]:
    """Draw bad slots from the Gilbert–Elliott chain whose good state loses nothing.

    A bad slot is followed by a good one with probability r = 1 / burst, and a good one by a bad
    one with p = r·loss / (1 - loss). The chain starts in its stationary state. Drawing more slots
    from the same generator gives the same ones first.

    Args:
        n_slots: How many.
        loss: Share of bad slots in the long run, [0, 1).
        burst: Mean length of a run of bad slots, at least 1; None for independent slots.
        generator: Of random numbers.

    Returns:
        Shape ``(n_slots,)``, true where the slot is bad.

    Raises:
        ConfigError: No chain has this loss and this burst.

    Source:
        Gilbert, Bell System Technical Journal 39, 1960, pages 1253–1265; Elliott, ibid. 42, 1963,
        pages 1977–1997, with k = 1 and h = 0.
    """
    begin, end = transitions(loss, burst)
    u = generator.random(n_slots)
    if n_slots == 0 or loss == 0.0:
        return np.zeros(n_slots, dtype=np.bool_)
    low, high = min(begin, 1.0 - end), max(begin, 1.0 - end)
    # Below both thresholds a slot is bad after any other, above both it is good; between them it
    # is as the one before, or its opposite where bad slots shun each other.
    decided = (u < low) | (u >= high)
    bad = u < low
    decided[0], bad[0] = True, bool(u[0] < loss)
    since = np.maximum.accumulate(np.where(decided, np.arange(n_slots), 0))
    flips = begin > 1.0 - end
    found: NDArray[np.bool_] = bad[since] ^ (flips & ((np.arange(n_slots) - since) % 2 == 1))
    return found


def transitions(loss: float, burst: float | None) -> tuple[float, float]:
    """Return the probabilities that losses begin and end with the next slot.

    Raises:
        ConfigError: No chain has this loss and this burst.
    """
    if not 0.0 <= loss < 1.0:
        msg = f"loss must be at least 0 % and below 100 %, found {100 * loss:g} %"
        raise ConfigError(msg)
    end = 1.0 - loss if burst is None else 1.0 / max(burst, 1e-9)
    if end > 1.0:
        msg = f"a burst is at least one slot of {SLOT_MS:g} ms long, found {burst:g}"
        raise ConfigError(msg)
    begin = end * loss / (1.0 - loss)
    if begin > 1.0:
        msg = (
            f"{100 * loss:g} % cannot be lost in bursts of {burst:g} slots; "
            f"make them at least {loss / (1.0 - loss):.3g} slots long"
        )
        raise ConfigError(msg)
    return begin, end


def burst_in_packets(loss: float, burst: float | None, packet_slots: int) -> float:
    """Return the mean run of lost packets of a codec that sends one every so many slots.

    Two slots that lie m apart are bad together with probability loss·(loss + (1 - loss)·λ^m) where
    λ = 1 - p - r, since the chain has two states.
    """
    begin, end = transitions(loss, burst)
    stays = loss + (1.0 - loss) * (1.0 - begin - end) ** packet_slots
    return 1.0 / (1.0 - stays)


def read_trace(path: Path) -> NDArray[np.bool_]:
    """Read a trace of losses: digits 1 (lost) and 0 (arrived), blanks and lines as one likes.

    Args:
        path: Text; what follows a ``#`` on its line is not read.

    Returns:
        Shape ``(entries,)``.

    Raises:
        ConfigError: It cannot be read, is empty, too large, or holds something else.
    """
    try:
        if path.stat().st_size > _MAX_TRACE_BYTES:
            msg = f"trace {path} has more than {_MAX_TRACE_BYTES} bytes"
            raise ConfigError(msg)
        lines = path.read_text(encoding="ascii").splitlines()
    except (OSError, ValueError) as error:
        # ValueError: no text in ASCII, or no name that a file could have.
        msg = f"trace {path} cannot be read ({error})"
        raise ConfigError(msg) from error
    digits = "".join("".join(line.partition("#")[0].split()) for line in lines)
    if not digits or digits.strip("01"):
        odd = digits.strip("01")[:1]
        what = f"found '{odd}'" if odd else "found nothing"
        msg = f"trace {path} must hold digits 0 (arrived) and 1 (lost); {what}"
        raise ConfigError(msg)
    lost: NDArray[np.bool_] = np.frombuffer(digits.encode(), dtype=np.uint8) == ord("1")
    return lost


def lost_packets(
    bad: NDArray[np.bool_], count: int, packet_samples: int, sample_rate: int, slot_ms: float
) -> NDArray[np.bool_]:
    """Return which packets are lost: those sent in a bad slot.

    A packet is sent when its last sample has been recorded; at the very border of two slots it
    falls into the later one.

    Args:
        bad: Bad slots; at least `slots_needed` of them.
        count: Packets.
        packet_samples: Samples per packet.
        sample_rate: In Hz.
        slot_ms: Length of a slot.
    """
    found: NDArray[np.bool_] = bad[_slots(count, packet_samples, sample_rate, slot_ms)]
    return found


def slots_needed(count: int, packet_samples: int, sample_rate: int, slot_ms: float) -> int:
    """Return how many slots pass until the last packet has been sent."""
    return int(_slots(count, packet_samples, sample_rate, slot_ms)[-1]) + 1 if count else 0


def _slots(count: int, packet_samples: int, sample_rate: int, slot_ms: float) -> NDArray[np.int64]:
    # In integers of a microsecond: a packet's end on a border must not fall to either side by
    # rounding.
    ends = (np.arange(count, dtype=np.int64) + 1) * packet_samples
    found: NDArray[np.int64] = ends * 1_000_000 // (sample_rate * round(1000 * slot_ms))
    return found
