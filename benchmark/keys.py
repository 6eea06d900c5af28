"""What results are known by: hashes over everything that determines them, and over nothing else."""

from dataclasses import asdict, dataclass, field

from codecbench.benchmark.framing import Message
from codecbench.core.fingerprint import Json, hash_json


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricIdentity:
    """What the scoring keys of a metric hang on.

    Attributes:
        spec: Canonical spec that makes it.
        outputs: Names of its scores.
        identity: Name, definition, versions of packages, hash of a plug-in's source.
    """

    spec: str
    outputs: tuple[str, ...]
    identity: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionIdentity:
    """What keys hang on of a condition.

    Attributes:
        name: Canonical, as in the column ``condition``.
        identity: What determines the degraded signal; None where it is that of ``clean``.
        reference: What determines the reference; None where it is the clip itself.
    """

    name: str
    identity: Json = None
    reference: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunIdentity:
    """What the keys of a run hang on beside its clips and the facts of its systems.

    It is kept with the run, so that whoever has the results can compute the keys again.

    Attributes:
        sample_rate: Of the evaluation, in Hz.
        seed: Of the suite.
        resampler: Name and version.
        forensics: Version of what the coding step measures.
        adapters: Hash of the code of each system's adapter, by canonical name.
        metrics: In the order of the plan.
        conditions: In the order of the plan.
    """

    sample_rate: int
    seed: int
    resampler: str
    forensics: int
    adapters: dict[str, str] = field(default_factory=dict)
    metrics: tuple[MetricIdentity, ...] = ()
    conditions: tuple[ConditionIdentity, ...] = ()

    def to_json(self) -> Message:
        """Return it as it is kept in the run folder."""
        return asdict(self)

    def coding_key(
        self,
        *,
        clip: str,
        sha256: str,
        codec: str,
        version: str,
        fingerprint: str,
        point: str,
        condition: ConditionIdentity,
    ) -> str:
        """Return the key of one clip's coding at one point."""
        return hash_json(
            {
                "stage": "coding",
                "reference": sha256,
                "sample_rate": self.sample_rate,
                "resampler": self.resampler,
                "codec": codec,
                "version": version,
                "fingerprint": fingerprint,
                "adapter": self.adapters[codec],
                "point": point,
                "condition": self._for_clip(condition.identity, clip),
                "forensics": self.forensics,
            }
        )

    def scoring_key(
        self,
        *,
        clip: str,
        sha256: str,
        metric: Message,
        condition: ConditionIdentity,
        degraded: str,
    ) -> str:
        """Return the key of one metric on one degraded signal."""
        return hash_json(
            {
                "stage": "scoring",
                "reference": sha256,
                "sample_rate": self.sample_rate,
                "resampler": self.resampler,
                "degraded": degraded,
                "metric": metric,
                "treatment": self._for_clip(condition.reference, clip),
            }
        )

    def run_name(self, systems: list[tuple[str, str, list[str]]], dataset: str) -> str:
        """Return the name of the run: a hash over what was asked for.

        Args:
            systems: Canonical name, fingerprint and names of the points of each.
            dataset: Fingerprint of the data.
        """
        identity: Json = {
            "systems": [[codec, fingerprint, points] for codec, fingerprint, points in systems],
            "dataset": dataset,
            "metrics": [metric.identity for metric in self.metrics],
            "conditions": [[each.name, each.identity] for each in self.conditions],
            "sample_rate": self.sample_rate,
            "seed": self.seed,
        }
        return hash_json(identity)[:12]

    def _for_clip(self, identity: Json, clip: str) -> Json:
        """Add what random numbers are drawn from."""
        if identity is None:
            return None
        return {"what": identity, "clip": clip, "seed": self.seed}
