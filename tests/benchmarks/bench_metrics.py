"""What the core metrics cost: the obvious loop against ours, same pairs, same run, one core.

The pairs are five-second clips of the demo set (each played on from its start where it is shorter)
with degradations of several kinds. Times are CPU times of one thread; medians over all pairs. For
1, 5 and 30 degraded versions per reference our cost per pair is that of the degraded side plus its
share of the reference's.
"""

import json
import os
import statistics
import time
from collections.abc import Callable
from functools import partial

PINNED = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
for variable in PINNED:
    os.environ[variable] = "1"

import numpy as np
from obvious_loop import CORE, mcd_harvest

from codecbench.adapters.registry import get_codec
from codecbench.core.audio import Audio
from codecbench.core.audio_file import read_audio
from codecbench.datasets.registry import get_dataset
from codecbench.metrics.base import Metric
from codecbench.metrics.registry import get_metric

SECONDS = 5
REFERENCES = 6
CODERS = (
    "opus:bitrate=6000",
    "opus:bitrate=12000",
    "opus:bitrate=24000",
    "mnru:q=15",
    "codec2:mode=3200",
)
CONDITIONS = (1, 5, 30)
AGREE = {"pesq_wb": 1e-6, "stoi": 1e-7, "estoi": 1e-7, "mcd": 1e-6, "mel_dac": 1e-4, "si_sdr": 1e-4}
OURS = ("pesq_wb", "stoi", "estoi", "mcd", "visqol", "mel_dac", "si_sdr")
FURTHER = ("mcd_ref_f0", "visqol_lattice", "mel_dac_eval", "mel_esc", "lsd", "f0_rmse_cents",
           "vuv_error", "pesq_nb", "si_sdr_aligned", "visqol_audio")  # fmt: skip


def make_pairs() -> list[tuple[Audio, list[Audio]]]:
    """Return references of five seconds, each with its degraded versions."""
    pairs = []
    for clip in get_dataset("demo").clips[:REFERENCES]:
        samples = np.resize(read_audio(clip.path).samples, SECONDS * 16000)
        reference = Audio(samples, 16000)
        versions = []
        for spec in CODERS:
            encoder, decoder = get_codec(spec), get_codec(spec)
            encoder.load()
            decoder.load()
            native = resample_to(reference, encoder.info.sample_rate)
            decoded = decoder.decode(encoder.encode(native, encoder.points[0]))
            versions.append(fit(resample_to(decoded, 16000), reference.n_samples).quantize_16bit())
        pairs.append((reference, versions))
    return pairs


def resample_to(audio: Audio, rate: int) -> Audio:
    from codecbench.core.resampling import resample

    return resample(audio, rate)


def fit(audio: Audio, n_samples: int) -> Audio:
    samples = np.zeros(n_samples, dtype=np.float32)
    samples[: min(n_samples, audio.n_samples)] = audio.samples[:n_samples]
    return Audio(samples, audio.sample_rate)


def fresh(audio: Audio) -> Audio:
    """Return a signal of which nothing is known yet."""
    return Audio(audio.samples, audio.sample_rate)


def timed(function: Callable[[], object]) -> tuple[float, object]:
    """Return milliseconds of CPU time, and the result."""
    started = time.process_time()
    result = function()
    return 1000.0 * (time.process_time() - started), result


def measure_ours(
    pairs: list[tuple[Audio, list[Audio]]], names: tuple[str, ...]
) -> dict[str, dict[str, float]]:
    """Time `prepare` and `score`, all metrics of a pair together so that they share."""
    metrics = {name: get_metric(name) for name in names}
    prepare: dict[str, list[float]] = {name: [] for name in names}
    score: dict[str, list[float]] = {name: [] for name in names}
    values: dict[tuple[int, int, str], float] = {}
    for index, (reference, versions) in enumerate(pairs):
        clean = fresh(reference)
        prepared = {}
        for name, metric in metrics.items():
            took, prepared[name] = timed(partial(prepare_at_rate, metric, clean))
            prepare[name].append(took)
        for number, version in enumerate(versions):
            degraded = fresh(version)
            for name, metric in metrics.items():
                took, scores = timed(partial(score_at_rate, metric, prepared[name], degraded))
                score[name].append(took)
                values[index, number, name] = scores[name]
    return {
        "prepare_ms": {name: statistics.median(prepare[name]) for name in names},
        "score_ms": {name: statistics.median(score[name]) for name in names},
        "values": values,
    }


def at_rate(audio: Audio, metric: Metric) -> Audio:
    rate = metric.sample_rate
    return audio if rate is None else resample_to(audio, rate)


def prepare_at_rate(metric: Metric, reference: Audio) -> object:
    return metric.prepare(at_rate(reference, metric))


def score_at_rate(metric: Metric, prepared: object, degraded: Audio) -> object:
    return metric.score(prepared, at_rate(degraded, metric))


def measure_obvious(pairs: list[tuple[Audio, list[Audio]]]) -> dict[str, object]:
    """Time the packages, one by one."""
    took: dict[str, list[float]] = {name: [] for name in (*CORE, "mcd_harvest")}
    values = {}
    for index, (reference, versions) in enumerate(pairs):
        clean = reference.samples.astype(np.float64)
        for number, version in enumerate(versions):
            degraded = version.samples.astype(np.float64)
            for name, function in CORE.items():
                ms, values[index, number, name] = timed(partial(function, clean, degraded))
                took[name].append(ms)
            if number == 0:
                took["mcd_harvest"].append(timed(partial(mcd_harvest, clean, degraded))[0])
    return {"ms": {name: statistics.median(ms) for name, ms in took.items()}, "values": values}


def measure() -> dict[str, object]:
    """Run both and compare costs and values."""
    pairs = make_pairs()
    warm = [(pairs[0][0], pairs[0][1][:1])]
    measure_ours(warm, (*OURS, *FURTHER))
    measure_obvious(warm)
    ours, obvious = measure_ours(pairs, OURS), measure_obvious(pairs)
    lean = measure_ours(pairs, tuple("mcd_ref_f0" if n == "mcd" else n for n in OURS))
    further = {name: measure_ours(pairs[:2], (name,)) for name in FURTHER}
    for key, value in ours["values"].items():
        tolerance = AGREE.get(key[2])
        if tolerance is not None and abs(value - obvious["values"][key]) > tolerance:
            msg = f"{key}: ours {value}, the obvious loop {obvious['values'][key]}"
            raise AssertionError(msg)
    loop = sum(obvious["ms"][name] for name in CORE)
    harvest = loop - obvious["ms"]["mcd"] + obvious["ms"]["mcd_harvest"]
    rows = {
        f"{count} versions per reference": summary(ours, lean, count, loop, harvest)
        for count in CONDITIONS
    }
    return {
        "name": "metrics",
        "clip_s": SECONDS,
        "pairs": sum(len(versions) for _, versions in pairs),
        "obvious_ms": obvious["ms"],
        "obvious_total_ms": loop,
        "obvious_harvest_total_ms": harvest,
        "ours_prepare_ms": ours["prepare_ms"],
        "ours_score_ms": ours["score_ms"],
        "further_score_ms": {name: f["score_ms"][name] for name, f in further.items()},
        "totals": rows,
    }


def summary(
    ours: dict[str, dict[str, float]],
    lean: dict[str, dict[str, float]],
    count: int,
    loop: float,
    harvest: float,
) -> dict[str, float]:
    """Return our cost per pair with `count` versions per reference, and the ratios."""
    total = sum(ours["score_ms"].values()) + sum(ours["prepare_ms"].values()) / count
    leaner = sum(lean["score_ms"].values()) + sum(lean["prepare_ms"].values()) / count
    return {
        "ours_ms": total,
        "with_mcd_ref_f0_ms": leaner,
        "pesq_share": ours["score_ms"]["pesq_wb"] / total,
        "times_faster": loop / total,
        "times_faster_than_harvest": harvest / total,
    }


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
