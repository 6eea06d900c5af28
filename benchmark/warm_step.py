"""One warm-up step, inside the child: a metric's kernels are compiled and kept on disk."""

import numpy as np

from codecbench.benchmark.framing import Message
from codecbench.core.audio import Audio
from codecbench.metrics.evaluation import evaluate, prepare_reference
from codecbench.metrics.registry import get_metric

_RATE = 16000
_SECONDS = 2.0


def run_warm_up(request: Message) -> Message:
    """Score a made-up pair, which compiles every kernel that the metric has.

    Args:
        request: ``metric`` (spec).

    Returns:
        ``ok``: Whether it had a value; where not, the steps that follow will say why.
    """
    metric = get_metric(str(request["metric"]))
    reference, degraded = _pair()
    cells = evaluate(metric, prepare_reference(metric, reference), degraded)
    return {"ok": all(cell.is_ok for cell in cells.values())}


def _pair() -> tuple[Audio, Audio]:
    """Return a buzz in syllables, and the same with noise."""
    t = np.arange(round(_SECONDS * _RATE)) / _RATE
    buzz = sum(np.sin(2.0 * np.pi * 130.0 * k * t) / k for k in range(1, 30))
    voice = 0.1 * buzz * np.clip(np.sin(2.0 * np.pi * 2.5 * t) + 0.5, 0.0, None)
    noise = 0.01 * np.random.default_rng(0).standard_normal(t.size)
    return Audio.clip(voice, _RATE), Audio.clip(voice + noise, _RATE).quantize_16bit()
