"""Codecs and metrics that exist by name alone, for runs so large that nothing can be computed."""

from collections.abc import Mapping
from typing import ClassVar

from codecbench.adapters.base import Codec, CodecInfo, OperatingPoint
from codecbench.adapters.bitstream import Encoded
from codecbench.core.audio import Audio
from codecbench.metrics.base import Metric

RATES = (2000, 4000, 8000, 16000, 32000)


class PaperCodec(Codec):
    """A system for each variant, at five rates; it cannot code."""

    rate_option = "bitrate"

    def __init__(self, *, variant: int = 0, bitrate: tuple[int, ...] = RATES) -> None:
        self.variant = variant
        self.info = CodecInfo(
            name="paper",
            version="1",
            fingerprint=f"paper-{variant}",
            sample_rate=16000,
            frame_samples=320,
            source="tests",
        )
        self.points = tuple(
            OperatingPoint(name=str(rate), nominal_bps=float(rate)) for rate in bitrate
        )

    def encode(self, audio: Audio, point: OperatingPoint) -> Encoded:
        raise NotImplementedError

    def decode(self, encoded: Encoded) -> Audio:
        raise NotImplementedError


class _PaperMetric(Metric):
    higher_is_better: ClassVar[bool] = True
    range: ClassVar[tuple[float, float]] = (1.0, 5.0)
    min_seconds: ClassVar[float] = 0.01
    source: ClassVar[str] = "tests"

    @property
    def definition(self) -> str:
        return f"number {self.name}"

    def prepare(self, reference: Audio) -> Audio:
        return reference

    def score(self, prepared: Audio, degraded: Audio) -> Mapping[str, float]:
        raise NotImplementedError


def _metric(number: int) -> type[_PaperMetric]:
    name = f"quality_{number}"
    facts = {"name": name, "outputs": (name,), "__module__": __name__}
    return type(f"Quality{number}", (_PaperMetric,), facts)


METRICS = tuple(f"Quality{number}" for number in range(10))
globals().update({name: _metric(number) for number, name in enumerate(METRICS)})
