"""What a result hangs on besides the suite: versions, machine, commit."""

import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import psutil

from codecbench.core.fingerprint import Json, package_versions

PACKAGES = (
    "ai-edge-litert",
    "av",
    "joblib",
    "libsvm-official",
    "matplotlib",
    "numba",
    "numpy",
    "pandas",
    "pesq",
    "pycodec2",
    "pystoi",
    "pyworld",
    "scipy",
    "soundfile",
    "soxr",
    "torch",
    "transformers",
    "visqol-python",
)


def describe_environment() -> dict[str, Json]:
    """Return versions, machine and commit as JSON; nothing of it names a person or a folder."""
    return {
        "codecbench": package_versions(["codecbench"])["codecbench"],
        "commit": _commit(),
        "python": platform.python_version(),
        "implementation": sys.implementation.name,
        "platform": platform.platform(),
        "cpu": cpu_name(),
        "cores": os.cpu_count() or 0,
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "packages": package_versions(PACKAGES),
        "plugins": _plugins(),
    }


def _commit() -> str:
    """Return the commit of a checkout with "+changes" where it is not clean; "" without one."""
    folder = Path(__file__).resolve().parent.parent
    if not (folder / ".git").exists():
        return ""
    try:
        commit = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, check=True
        ).stdout.strip()
        changes = subprocess.run(
            ["git", "status", "--porcelain", "--untracked-files=no"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
    return f"{commit}+changes" if changes else commit


def cpu_name() -> str:
    """Return what the processor calls itself."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _plugins() -> list[str]:
    groups = ("codecbench.adapters", "codecbench.metrics", "codecbench.datasets")
    points = [point for group in groups for point in metadata.entry_points(group=group)]
    return sorted(
        f"{point.group}:{point.name}={point.dist.name} {point.dist.version}"
        for point in points
        if point.dist is not None
    )
