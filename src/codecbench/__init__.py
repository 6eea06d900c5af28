"""Compare speech codecs: real bytes, conformant metrics, honest failures, paired statistics.

Everything public is reachable from here and loaded when first used, so that importing the
package costs next to nothing.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codecbench.adapters.base import Codec as Codec
    from codecbench.adapters.base import CodecInfo as CodecInfo
    from codecbench.adapters.base import OperatingPoint as OperatingPoint
    from codecbench.adapters.bit_packer import pack_codes as pack_codes
    from codecbench.adapters.bit_packer import unpack_codes as unpack_codes
    from codecbench.adapters.bitstream import Encoded as Encoded
    from codecbench.adapters.registry import get_codec as get_codec
    from codecbench.benchmark.check.follow import run_checks as run_checks
    from codecbench.benchmark.score import score as score
    from codecbench.core.audio import Audio as Audio
    from codecbench.core.audio_file import read_audio as read_audio
    from codecbench.core.audio_file import write_audio as write_audio
    from codecbench.core.cell import Cell as Cell
    from codecbench.core.cell import Status as Status
    from codecbench.core.errors import CodecBenchError as CodecBenchError
    from codecbench.core.resampling import resample as resample
    from codecbench.datasets.base import Clip as Clip
    from codecbench.datasets.base import Dataset as Dataset
    from codecbench.datasets.registry import get_dataset as get_dataset
    from codecbench.metrics.base import Metric as Metric
    from codecbench.metrics.registry import get_metric as get_metric
    from codecbench.reports.launch import run as run
    from codecbench.reports.regression.assertion import assert_no_regression as assert_no_regression
    from codecbench.reports.regression.compare import compare as compare
    from codecbench.reports.run import Run as Run
    from codecbench.reports.run import open_run as open_run

__version__ = "0.1.0"

_HOMES = {
    "Audio": "core.audio",
    "Cell": "core.cell",
    "Clip": "datasets.base",
    "Codec": "adapters.base",
    "CodecBenchError": "core.errors",
    "CodecInfo": "adapters.base",
    "Dataset": "datasets.base",
    "Encoded": "adapters.bitstream",
    "Metric": "metrics.base",
    "OperatingPoint": "adapters.base",
    "Run": "reports.run",
    "Status": "core.cell",
    "assert_no_regression": "reports.regression.assertion",
    "compare": "reports.regression.compare",
    "get_codec": "adapters.registry",
    "get_dataset": "datasets.registry",
    "get_metric": "metrics.registry",
    "open_run": "reports.run",
    "pack_codes": "adapters.bit_packer",
    "read_audio": "core.audio_file",
    "resample": "core.resampling",
    "run": "reports.launch",
    "run_checks": "benchmark.check.follow",
    "score": "benchmark.score",
    "unpack_codes": "adapters.bit_packer",
    "write_audio": "core.audio_file",
}

__all__ = ["__version__", *sorted(_HOMES)]


def __getattr__(name: str) -> object:
    """Import a public name when it is first used."""
    if name not in _HOMES:
        msg = f"module 'codecbench' has no attribute '{name}'"
        raise AttributeError(msg)
    value: object = getattr(importlib.import_module(f"codecbench.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return list(__all__)
