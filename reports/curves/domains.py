"""Where on its scale a metric still tells codecs apart; BD figures are computed there only."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """A stretch of a metric's scale.

    Attributes:
        low: Scores below it are left out.
        high: Scores above it are left out.
        reason: Why.
    """

    low: float = -math.inf
    high: float = math.inf
    reason: str = ""


UNLIMITED = Domain()

_PESQ = "P.862.2 maps raw scores to 1.04 … 4.64; near both ends it hardly moves"
_STOI = "correlations: near 1 what remains is rounding, below 0.3 speech is not understood"
_VISQOL = "the exponential mapping saturates near 5"

DOMAINS = {
    "pesq_wb": Domain(low=1.05, high=4.5, reason=_PESQ),
    "pesq_nb": Domain(low=1.05, high=4.45, reason="P.862.1 maps raw scores to 1.02 … 4.55"),
    "stoi": Domain(low=0.3, high=0.995, reason=_STOI),
    "estoi": Domain(low=0.1, high=0.99, reason=_STOI),
    "visqol": Domain(low=1.05, high=4.95, reason=_VISQOL),
    "visqol_lattice": Domain(low=1.05, high=4.95, reason="the scale ends at 5"),
    "visqol_audio": Domain(low=1.05, high=4.7, reason="identical files score 4.73"),
    "si_sdr": Domain(low=-30.0, high=60.0, reason="beyond, the score is one of rounding"),
    "si_sdr_aligned": Domain(low=-30.0, high=60.0, reason="beyond, the score is one of rounding"),
}
"""By metric output; a metric that is not here, such as a distance, has no end but 0."""


def domain_of(metric: str) -> Domain:
    """Return a metric's domain; unlimited where it is not listed."""
    return DOMAINS.get(metric, UNLIMITED)
