"""The contract that every metric fulfils."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from codecbench.core.audio import Audio
from codecbench.core.dependency import require
from codecbench.core.fingerprint import hash_json, package_versions


class Metric(ABC):
    """A full-reference metric: facts as class attributes, and two methods.

    The harness screens both signals first (`codecbench.metrics.screening`), brings them to
    `sample_rate`, and leaves out clips shorter than `min_seconds`; so `prepare` and `score` see
    finite mono audio with content, of equal length and rate.

    Attributes:
        name: As in ``--metrics``.
        outputs: Names of the scores; usually just the metric's own.
        unit: Unit of the scores, "" where there is none.
        higher_is_better: Direction of all outputs.
        range: Smallest and largest possible score.
        sample_rate: Rate at which it works, in Hz; None where the definition takes any rate.
        min_seconds: Shortest clip that it can score.
        deterministic: Whether equal input gives equal scores.
        tolerance: How far the scores of equal signals may lie apart on two machines that have the
            same versions: what processors and compilers do to the last digits.
        source: Paper or standard.
        formula: What is computed, in short.
        domain: The signals that its scores mean something for.
        caveats: What has to be known to read a score: blind spots, traps, look-alikes.
        packages: Distributions whose version can change the score; part of the cell's key.
        modules: Modules that must be importable.
    """

    name: ClassVar[str]
    outputs: ClassVar[tuple[str, ...]]
    unit: ClassVar[str] = ""
    higher_is_better: ClassVar[bool]
    range: ClassVar[tuple[float, float]]
    sample_rate: ClassVar[int | None] = 16000
    min_seconds: ClassVar[float]
    deterministic: ClassVar[bool] = True
    tolerance: ClassVar[float] = 1e-4
    source: ClassVar[str]
    formula: ClassVar[str] = ""
    domain: ClassVar[str] = ""
    caveats: ClassVar[str] = ""
    packages: ClassVar[tuple[str, ...]] = ()
    modules: ClassVar[tuple[str, ...]] = ()

    @property
    @abstractmethod
    def definition(self) -> str:
        """Everything that determines the score, with every parameter, in one line."""

    @abstractmethod
    def prepare(self, reference: Audio) -> Any:  # noqa: ANN401  (each metric has a type of its own)
        """Do once what depends on the reference alone.

        Raises:
            TooShortError: The reference is too short: undefined for every system.
            SilentSignalError: It has no content: undefined for every system.
            MetricError: Something else about it cannot be scored: undefined, with its reason.
        """

    @abstractmethod
    def score(self, prepared: Any, degraded: Audio) -> Mapping[str, float]:  # noqa: ANN401
        """Score one degraded version.

        Args:
            prepared: What `prepare` returned; not to be changed.
            degraded: Same length and rate as the reference.

        Returns:
            A finite value for each of `outputs`.

        Raises:
            MetricError: It cannot be scored: the cell has failed, with its reason.
        """

    def require_modules(self) -> None:
        """Import what the metric needs.

        Raises:
            MissingDependencyError: A module is absent or broken.
        """
        for module in self.modules:
            require(module)

    def versions(self) -> dict[str, str]:
        """Return the versions of `packages`."""
        return package_versions(self.packages)

    def definition_hash(self) -> str:
        """Return twelve hexadecimal digits that stand for definition and package versions."""
        return hash_json({"definition": self.definition, "versions": self.versions()})[:12]
