"""Peak resident memory of a scoring child: 30 degraded versions of one clip of 30 s.

The target is 600 MB for the core metrics; all metrics together are shown beside it.
"""

import json
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import psutil

from codecbench.benchmark.supervisor import SupervisedChild
from codecbench.core.audio import Audio
from codecbench.core.audio_file import read_audio, write_audio
from codecbench.datasets.registry import get_dataset
from codecbench.metrics.registry import CORE

SECONDS = 30
VERSIONS = 30
FURTHER = (*CORE, "mcd_ref_f0", "mel_esc", "mel_dac_eval", "lsd", "f0_rmse_cents", "pesq_nb",
           "si_sdr_aligned", "visqol_lattice", "visqol_audio")  # fmt: skip


def speech_of(seconds: int) -> Audio:
    """Return the clips of the demo set one after the other."""
    samples = np.concatenate([read_audio(clip.path).samples for clip in get_dataset("demo").clips])
    return Audio(samples[: seconds * 16000], 16000).quantize_16bit()


def write_versions(reference: Audio, folder: Path, count: int) -> list[tuple[Path, str]]:
    """Write the reference with noise at falling levels; return files and hashes."""
    noise = np.random.default_rng(0).standard_normal(reference.n_samples)
    written = []
    for index in range(count):
        samples = reference.samples + 10 ** (-(30 + index) / 20) * noise
        degraded = Audio.clip(samples, 16000).quantize_16bit()
        path = folder / f"degraded{index}.flac"
        write_audio(path, degraded)
        written.append((path, degraded.sha256))
    return written


def peak_mb(metrics: Iterable[str], *, seconds: int, versions: int) -> float:
    """Return the largest resident memory that a child had after scoring, in MB (10^6 bytes).

    The steps are those of a scoring task: all metrics of one degraded version, then the next.
    """
    reference = speech_of(seconds)
    with tempfile.TemporaryDirectory() as name, SupervisedChild() as child:
        folder = Path(name)
        path = folder / "reference.flac"
        write_audio(path, reference)
        requests = [
            {
                "op": "score",
                "metric": metric,
                "path": str(path),
                "sha256": reference.sha256,
                "clip": "reference",
                "condition": "clean",
                "seed": 0,
                "sample_rate": 16000,
                "degraded": str(degraded),
                "degraded_sha256": sha256,
            }
            for degraded, sha256 in write_versions(reference, folder, versions)
            for metric in metrics
        ]
        for request, reply in zip(requests, child.stream(requests), strict=True):
            if reply.value is None:
                msg = f"{request['metric']}: {reply.reason} {reply.detail}"
                raise AssertionError(msg)
        return high_water_mb()


def high_water_mb() -> float:
    """Return the peak of the one child process that scores; Linux keeps it."""
    (child,) = [
        process
        for process in psutil.Process().children()
        if "codecbench.benchmark.child" in process.cmdline()
    ]
    status = Path(f"/proc/{child.pid}/status").read_text(encoding="ascii")
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024 / 1e6


def measure() -> dict[str, object]:
    """Return both peaks."""
    return {
        "name": "memory",
        "clip_s": SECONDS,
        "versions": VERSIONS,
        "target_mb": 600,
        "core_mb": peak_mb(CORE, seconds=SECONDS, versions=VERSIONS),
        "further_mb": peak_mb(FURTHER, seconds=SECONDS, versions=3),
    }


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
