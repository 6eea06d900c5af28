"""PESQ through the package that wraps the code published with the standard.

The C code may not be adapted or translated, so it is used as it is and fenced in: it crashes on
many utterances, gives codes below zero for errors, and holds the interpreter lock.
"""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from codecbench.core.audio import Audio
from codecbench.core.dependency import require
from codecbench.core.errors import MetricError, TooShortError
from codecbench.metrics.base import Metric
from codecbench.metrics.utterances import measure_activity

MAX_UTTERANCES = 50
"""Length of the static arrays in the published code (MAXNUTTERANCES)."""
_MIN_SECONDS = 0.25
_SURELY_HEARD_S = 0.4
"""A reference with less continuous speech is tried against itself before anything else."""


class _Pesq(Metric):
    """PESQ in one of its two modes."""

    unit: ClassVar[str] = "MOS-LQO"
    higher_is_better: ClassVar[bool] = True
    min_seconds: ClassVar[float] = _MIN_SECONDS
    # The compiler's flags move it by up to 0.0003: docs/platforms.md.
    tolerance: ClassVar[float] = 1e-3
    packages: ClassVar[tuple[str, ...]] = ("pesq", "soxr")
    modules: ClassVar[tuple[str, ...]] = ("pesq",)
    mode: ClassVar[str]
    domain: ClassVar[str] = (
        "speech of one talker, 0.25 s to about 30 s, at most 50 utterances; made for "
        "telephone and VoIP codecs of its time. Neural and parametric codecs, music and noise "
        "lie outside of what it was fitted to"
    )

    def prepare(self, reference: Audio) -> NDArray[np.float64]:
        """Check that the published code can handle the reference.

        Raises:
            TooShortError: Shorter than a quarter of a second.
            MetricError: More than 50 utterances, which crash the code, or none.
        """
        if reference.n_samples < _MIN_SECONDS * reference.sample_rate:
            msg = f"{reference.duration_s:g} s; PESQ needs {_MIN_SECONDS:g} s"
            raise TooShortError(msg)
        activity = measure_activity(reference)
        if activity.utterances > MAX_UTTERANCES:
            msg = (
                f"about {activity.utterances} utterances; the published code of PESQ holds "
                f"{MAX_UTTERANCES}: cut the clip into shorter ones"
            )
            raise MetricError(msg, reason="too_many_utterances")
        samples = reference.samples.astype(np.float64)
        if activity.longest_s < _SURELY_HEARD_S:
            # Where the code finds no utterance, that is the reference's doing, not the codec's.
            self._run(samples, samples, reference.sample_rate)
        return samples

    def score(self, prepared: NDArray[np.float64], degraded: Audio) -> Mapping[str, float]:
        """Return the MOS-LQO.

        Raises:
            MetricError: The published code gave up, with its reason.
            TooShortError: It found the signal too short.
        """
        samples = degraded.samples.astype(np.float64)
        return {self.name: self._run(prepared, samples, degraded.sample_rate)}

    def _run(
        self, reference: NDArray[np.float64], degraded: NDArray[np.float64], sample_rate: int
    ) -> float:
        package = require("pesq")
        try:
            value = float(package.pesq(sample_rate, reference, degraded, self.mode))
        except package.BufferTooShortError as error:
            msg = f"{reference.size} samples at {sample_rate} Hz are too short for PESQ"
            raise TooShortError(msg) from error
        except package.NoUtterancesError as error:
            msg = "PESQ found no utterance of 0.2 s or more"
            raise MetricError(msg, reason="no_utterances") from error
        except (package.PesqError, ValueError, RuntimeError, MemoryError) as error:
            # ValueError is what a NaN inside the C code becomes.
            msg = f"PESQ gave up: {error}"
            raise MetricError(msg, reason="pesq_error") from error
        low, high = self.range
        if not low <= value <= high + 1e-3:
            # The package's error codes are negative numbers in place of a score.
            msg = f"PESQ returned {value:g}, outside of its range {low:g} to {high:g}"
            raise MetricError(msg, reason="pesq_error")
        return value


class PesqWideband(_Pesq):
    """Wideband PESQ without Corrigendum 2, as all codec papers report it.

    With that corrigendum of 2018 scores are half a MOS higher on average; the package does not
    have it.
    """

    name: ClassVar[str] = "pesq_wb"
    outputs: ClassVar[tuple[str, ...]] = ("pesq_wb",)
    # Mapping of P.862.2: 0.999 + 4 / (1 + exp(-1.3669 raw + 3.8224)), raw at most 4.5.
    range: ClassVar[tuple[float, float]] = (0.999, 4.644)
    sample_rate: ClassVar[int | None] = 16000
    source: ClassVar[str] = "ITU-T P.862 (2001) and P.862.2 (2007)"
    mode: ClassVar[str] = "wb"
    formula: ClassVar[str] = (
        "0.999 + 4 / (1 + exp(-1.3669 r + 3.8224)), r the raw score of P.862 with the "
        "wideband input filter: a sum over time and frequency of loudness differences, after "
        "alignment of level and time"
    )
    caveats: ClassVar[str] = (
        "Blind to gain and polarity. It aligns time by itself: 5 ms of delay cost about 0.01, "
        "20 ms 0.17 and 100 ms 0.5, chiefly by what is cut off at the end. A clip with over "
        "50 utterances is refused: the published C code crashes there. Pure noise can score "
        "above speech with noise at 0 dB, so look at the anchors at the low end. Two builds "
        "of the C code differ by up to 0.0003. The package lacks Corrigendum 2 of 2018, which "
        "raises scores by 0.5 on average (0.1 to 1.1): never mix the two."
    )

    @property
    def definition(self) -> str:
        """Everything that determines the score."""
        return "pesq_wb: PESQ-WB (P.862.2 without Corrigendum 2), MOS-LQO, package pesq, 16000 Hz"


class PesqNarrowband(_Pesq):
    """Narrowband PESQ of signals at 16 kHz, as the package and its users compute it.

    The published code limits the band itself. Resampling to 8 kHz first gives slightly other
    scores, 1.666 instead of 1.607 on the package's own pair.
    """

    name: ClassVar[str] = "pesq_nb"
    outputs: ClassVar[tuple[str, ...]] = ("pesq_nb",)
    # Mapping of P.862.1: 0.999 + 4 / (1 + exp(-1.4945 raw + 4.6607)), raw at most 4.5.
    range: ClassVar[tuple[float, float]] = (0.999, 4.549)
    sample_rate: ClassVar[int | None] = 16000
    source: ClassVar[str] = "ITU-T P.862 (2001) and P.862.1 (2003)"
    mode: ClassVar[str] = "nb"
    formula: ClassVar[str] = (
        "0.999 + 4 / (1 + exp(-1.4945 r + 4.6607)), r the raw score of P.862: a sum over time "
        "and frequency of loudness differences up to 4 kHz, after alignment of level and time"
    )
    caveats: ClassVar[str] = (
        "Blind to gain and polarity. It aligns time by itself: 5 ms of delay cost about 0.01, "
        "20 ms 0.17 and 100 ms 0.5, chiefly by what is cut off at the end. A clip with over "
        "50 utterances is refused: the published C code crashes there. Pure noise can score "
        "above speech with noise at 0 dB, so look at the anchors at the low end. Two builds "
        "of the C code differ by up to 0.0003. Deaf to everything above 4 kHz: a low-pass at "
        "3.5 kHz scores 4.5. Resampled to 8 kHz before, the same pair scores up to 0.06 "
        "differently."
    )

    @property
    def definition(self) -> str:
        """Everything that determines the score."""
        return "pesq_nb: PESQ-NB (P.862 with P.862.1 mapping), MOS-LQO, package pesq, 16000 Hz"
