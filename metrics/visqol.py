"""ViSQOL v3 as three metrics: speech with two mappings, and audio.

Own implementation, checked against the published conformance values of google/visqol. The mapping
is part of the metric's name, never chosen by what happens to be installed: the two of speech mode
differ by one to three points of opinion score.
"""

from abc import abstractmethod
from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar

from codecbench.core.audio import Audio
from codecbench.core.errors import MetricError, SignalMismatchError
from codecbench.metrics.base import Metric
from codecbench.metrics.visqol_analysis import (
    AUDIO,
    SPEECH,
    Features,
    Mode,
    Reference,
    compare,
    prepare_reference,
)
from codecbench.metrics.visqol_mapping import (
    LATTICE_SHA256,
    SVR_SHA256,
    LatticeMapper,
    SvrMapper,
    map_exponential,
)

VERSION = "codecbench-visqol-1"
"""To be raised with every change that moves a score by more than 1e-6."""


class _Visqol(Metric):
    """What the three have in common; `prepare` and the features of a pair are shared by mode."""

    unit = "MOS"
    higher_is_better = True
    range = (1.0, 5.0)
    min_seconds = 1.0
    modules: ClassVar[tuple[str, ...]] = ("numba", "scipy")
    mode: ClassVar[Mode]
    mapping: ClassVar[str]
    domain: ClassVar[str] = "speech of 1 s or more; 5 to 10 s are usual"

    @property
    def definition(self) -> str:
        """Mode, rate, alignment and mapping in one line."""
        mode = self.mode
        return (
            f"{VERSION}: ViSQOL v3, conformant to google/visqol 38d0b016, {mode.name} mode at "
            f"{self.sample_rate} Hz, {mode.bands} gammatone bands from 50 Hz, 80 ms Hann window, "
            f"20 ms hop, patches of {mode.width} frames, global and per-patch alignment, search "
            f"60 patches, {self.mapping}"
        )

    def prepare(self, reference: Audio) -> tuple[Audio, Reference]:
        """Analyse the reference; metrics of the same mode share the result.

        Raises:
            TooShortError: There is no room for a patch.
            SilentSignalError: Every sample is zero.
        """
        prepared = reference.derive(
            f"visqol {self.mode.name} reference",
            lambda: prepare_reference(reference.samples, reference.sample_rate, self.mode),
        )
        return reference, prepared

    def score(self, prepared: Any, degraded: Audio) -> Mapping[str, float]:  # noqa: ANN401
        """Score one degraded version.

        Raises:
            SignalMismatchError: The sample rates differ.
            MetricError: Nothing of it can be compared with the reference.
        """
        reference, analysis = prepared
        if degraded.sample_rate != reference.sample_rate:
            msg = (
                f"{self.name} needs one sample rate, found {reference.sample_rate} and "
                f"{degraded.sample_rate} Hz; resample the degraded signal"
            )
            raise SignalMismatchError(msg)
        features = degraded.derive(
            f"visqol {self.mode.name} {reference.sha256}",
            lambda: compare(analysis, degraded.samples),
        )
        value = self.map_features(features)
        if not value > 0:  # also where it is NaN
            msg = f"{self.name} is {value}; the signals hold nothing that can be compared"
            raise MetricError(msg)
        return {self.name: value}

    @abstractmethod
    def map_features(self, features: Features) -> float:
        """Return the score of some features."""


class Visqol(_Visqol):
    """ViSQOL in speech mode with the exponential fit scaled to 5, as codec papers used it."""

    name = "visqol"
    outputs = ("visqol",)
    source = "Chinen and others, ViSQOL v3, QoMEX 2020; google/visqol 38d0b016"
    mode = SPEECH
    mapping = "exponential fit scaled to 5.0"
    formula: ClassVar[str] = (
        "exponential fit of the mean similarity (NSIM) of matched patches of gammatone "
        "spectrograms, scaled so that identity gives 5"
    )
    caveats: ClassVar[str] = (
        "Blind to gain, polarity and delay, since it aligns by itself, globally and patch by "
        "patch: a codec's wrong delay does not show. An offset of 0.05 raises it by 0.1; a "
        "clock drift of 100 ppm costs 0.1. This mapping crowds everything good between 4.5 "
        "and 5. visqol_lattice, Google's default, gives 0.3 to 2.9 less on the same pair: "
        "always say which."
    )

    def map_features(self, features: Features) -> float:
        """Apply the exponential fit."""
        return map_exponential(features)


class VisqolLattice(_Visqol):
    """ViSQOL in speech mode with the lattice network, the default of Google's command line.

    The network also looks at the level of the matched patches. Where two cuts of a patch are alike
    but for rounding, as in near-copies of the reference, either may be matched; by that, the last
    few hundredths of a score near its ceiling depend on rounding, here as in the original.
    """

    name = "visqol_lattice"
    outputs = ("visqol_lattice",)
    source = "Chinen and others, ViSQOL v3, QoMEX 2020; google/visqol 38d0b016"
    packages = ("visqol-python", "ai-edge-litert")
    modules = ("numba", "scipy", "ai_edge_litert.interpreter")
    mode = SPEECH
    mapping = f"deep lattice network {LATTICE_SHA256[:12]}, quantile 0.5"
    formula: ClassVar[str] = (
        "deep lattice network over the similarities of matched patches in each gammatone band "
        "and the level of the patches, quantile 0.5"
    )
    caveats: ClassVar[str] = (
        "Blind to gain, polarity and delay, since it aligns by itself, globally and patch by "
        "patch: a codec's wrong delay does not show. An offset of 0.05 raises it by 0.1; a "
        "clock drift of 100 ppm costs 0.1. Identity gives about 4.5 to 4.6, not 5. Codec "
        "papers that went through ViSQOL's Python interface used the other mapping, 0.3 to "
        "2.9 higher."
    )

    @cached_property
    def _mapper(self) -> LatticeMapper:
        return LatticeMapper()

    def require_modules(self) -> None:
        """Import what is needed and load the network.

        Raises:
            MissingDependencyError: Something is absent or another version.
        """
        super().require_modules()
        self._mapper.load()

    def map_features(self, features: Features) -> float:
        """Run the network."""
        return self._mapper.map(features)


class VisqolAudio(_Visqol):
    """ViSQOL in audio mode at 48 kHz with the support vector regression."""

    name = "visqol_audio"
    outputs = ("visqol_audio",)
    sample_rate = 48000
    source = "Chinen and others, ViSQOL v3, QoMEX 2020; google/visqol 38d0b016"
    packages = ("visqol-python",)
    mode = AUDIO
    mapping = f"nu-SVR {SVR_SHA256[:12]}"
    formula: ClassVar[str] = (
        "ν-support-vector regression on the mean similarity of matched patches in each of 32 "
        "gammatone bands"
    )
    domain: ClassVar[str] = (
        "audio at 48 kHz of 1 s or more; made for music at high rates. Speech at 16 kHz is "
        "resampled and lies outside of what it was fitted to"
    )
    caveats: ClassVar[str] = (
        "Blind to gain, polarity and delay, since it aligns by itself, globally and patch by "
        "patch: a codec's wrong delay does not show. An offset of 0.05 raises it by 0.1; a "
        "clock drift of 100 ppm costs 0.1. Identity gives 4.73, not 5."
    )

    @cached_property
    def _mapper(self) -> SvrMapper:
        return SvrMapper()

    def require_modules(self) -> None:
        """Import what is needed and load the model.

        Raises:
            MissingDependencyError: Something is absent or another version.
        """
        super().require_modules()
        self._mapper.load()

    def map_features(self, features: Features) -> float:
        """Evaluate the regression."""
        return self._mapper.map(features)
