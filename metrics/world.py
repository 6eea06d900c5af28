"""WORLD analysis of a signal: fundamental frequency, spectral envelope, mel-cepstra.

The three build on one another and several metrics want them, so each is computed once for each
signal and kept with it. DIO, StoneMask and CheapTrick are our own code with WORLD's values; Harvest
is WORLD's.
"""

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from importlib.util import find_spec
from types import ModuleType
from typing import ClassVar, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from codecbench.core.audio import Audio
from codecbench.core.dependency import require
from codecbench.metrics.base import Metric
from codecbench.metrics.world_envelope import envelope_cepstra
from codecbench.metrics.world_f0 import dio, stonemask

F0Method: TypeAlias = Literal["dio", "harvest"]
"""How F0 is found; dio is followed by stonemask."""

FFT_SIZE = 1024
"""What CheapTrick needs at 16 kHz for the lowest F0 of 71 Hz: 2^(1 + floor(log2(3·16000/71 + 1))),
Morise, CheapTrick, Speech Communication 67, 2015."""
F0_FLOOR_HZ = 71.0
F0_CEIL_HZ = 800.0
"""Both are WORLD's own defaults, https://github.com/mmorise/World, src/world/constantnumbers.h."""
DEFAULT_FRAME_MS = 5.0
"""WORLD's default frame period."""

IMPLEMENTATION = "codecbench-world-1"
"""The code that computes; raised when it changes a value by more than rounding."""
_NEGLIGIBLE = 1e-18
"""Weight of a cepstral coefficient that cannot show in a mel-cepstrum: cepstra are below 40."""

F0_WORDS: dict[F0Method, str] = {
    "dio": f"dio + stonemask {F0_FLOOR_HZ:g}-{F0_CEIL_HZ:g} Hz",
    "harvest": f"harvest {F0_FLOOR_HZ:g}-{F0_CEIL_HZ:g} Hz",
}
"""The methods as metric definitions name them."""


class WorldMetric(Metric):
    """What all metrics that analyse with WORLD have in common."""

    sample_rate: ClassVar[int | None] = 16000
    min_seconds: ClassVar[float] = 0.1
    # A frame on the border between voiced and unvoiced may fall to either side.
    tolerance: ClassVar[float] = 1e-2
    packages: ClassVar[tuple[str, ...]] = ("numba", "numpy", "pyworld", "scipy", "soxr")
    modules: ClassVar[tuple[str, ...]] = ("numba", "pyworld", "scipy")

    def require_modules(self) -> None:
        """Import what the metric needs.

        Raises:
            MissingDependencyError: A module is absent or broken.
        """
        load_world()
        super().require_modules()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class F0Track:
    """Fundamental frequency over time.

    Attributes:
        f0: In Hz, 0 where unvoiced; float64, shape ``(frames,)``.
        times: Centres of the frames in s, same shape.
    """

    f0: NDArray[np.float64]
    times: NDArray[np.float64]

    @property
    def voiced(self) -> NDArray[np.bool_]:
        """Which frames have a fundamental frequency."""
        return np.asarray(self.f0 > 0.0)


@contextmanager
def pkg_resources_at_hand() -> Iterator[None]:
    """Let packages be imported that ask pkg_resources for their version, and for nothing else.

    setuptools 81 took pkg_resources away, and other packages want a newer setuptools.
    """
    if "pkg_resources" in sys.modules or find_spec("pkg_resources") is not None:
        yield
        return
    stand_in = ModuleType("pkg_resources")
    stand_in.__dict__["get_distribution"] = metadata.distribution
    sys.modules["pkg_resources"] = stand_in
    try:
        yield
    finally:
        sys.modules.pop("pkg_resources", None)


def load_world() -> ModuleType:
    """Import pyworld.

    Raises:
        MissingDependencyError: It is absent or broken.
    """
    if (loaded := sys.modules.get("pyworld")) is not None:
        return loaded
    with pkg_resources_at_hand(), warnings.catch_warnings():
        # Where pkg_resources is still there it warns of its own removal, which nobody here can
        # help; where warnings are errors the import would fail.
        warnings.simplefilter("ignore")
        return require("pyworld")


def world_samples(audio: Audio) -> NDArray[np.float64]:
    """Return the samples in the only form that pyworld takes: float64, contiguous."""
    return np.ascontiguousarray(audio.samples, dtype=np.float64)


def estimate_f0(
    audio: Audio, *, method: F0Method = "dio", frame_ms: float = DEFAULT_FRAME_MS
) -> F0Track:
    """Estimate the fundamental frequency, once for each signal and setting.

    Args:
        audio: Any signal.
        method: ``dio`` is five to twenty times faster than ``harvest``.
        frame_ms: Frame period in ms.

    Raises:
        MissingDependencyError: pyworld is absent.

    Source:
        Morise, Kawahara and Katayose, AES 35th Int. Conf., 2009 (DIO); Morise, Interspeech 2017,
        doi:10.21437/Interspeech.2017-68 (Harvest).
    """

    def compute() -> F0Track:
        samples, rate = world_samples(audio), audio.sample_rate
        limits = {"f0_floor": F0_FLOOR_HZ, "f0_ceil": F0_CEIL_HZ}
        if method == "harvest":
            f0, times = load_world().harvest(samples, rate, frame_period=frame_ms, **limits)
            return F0Track(f0=f0, times=times)
        f0, times, hangs = dio(samples, rate, frame_ms=frame_ms, **limits)
        if hangs:
            f0, times = load_world().dio(samples, rate, frame_period=frame_ms, **limits)
        return F0Track(f0=stonemask(samples, rate, f0, times), times=times)

    return audio.derive(f"world-f0:{method}:{frame_ms!r}", compute)


def mel_cepstra(
    audio: Audio, *, method: F0Method, frame_ms: float, order: int, alpha: float
) -> NDArray[np.float64]:
    """Compute mel-cepstra from the signal's own F0, once for each signal and setting.

    Args:
        audio: Any signal.
        method: How F0 is found.
        frame_ms: Frame period in ms.
        order: Highest coefficient.
        alpha: All-pass constant of the frequency warping.

    Returns:
        Coefficients 0 to `order`, shape ``(frames, order + 1)``.
    """

    def compute() -> NDArray[np.float64]:
        track = estimate_f0(audio, method=method, frame_ms=frame_ms)
        return analyse(world_samples(audio), audio.sample_rate, track, order=order, alpha=alpha)

    return audio.derive(f"world-mcep:{method}:{frame_ms!r}:{order}:{alpha!r}", compute)


def analyse(
    samples: NDArray[np.float64], sample_rate: int, track: F0Track, *, order: int, alpha: float
) -> NDArray[np.float64]:
    """Compute mel-cepstra of the CheapTrick envelope with a given F0.

    Args:
        samples: float64, contiguous.
        sample_rate: In Hz.
        track: F0 of this signal, or of the one that it is compared with.
        order: Highest coefficient.
        alpha: All-pass constant.

    Returns:
        Shape ``(frames, order + 1)``.
    """
    warping = mel_cepstrum_matrix(order, alpha)
    cepstra = envelope_cepstra(
        samples, sample_rate, track.f0, track.times, fft_size=FFT_SIZE, count=len(warping)
    )
    return np.asarray(cepstra @ warping)


@lru_cache(maxsize=16)
def mel_cepstrum_matrix(order: int, alpha: float) -> NDArray[np.float64]:
    """Return the matrix from cepstra of log power to mel-cepstra.

    Args:
        order: Highest coefficient.
        alpha: All-pass constant.

    Returns:
        Shape ``(used, order + 1)``; coefficients beyond ``used`` do not matter.
    """
    matrix = frequency_transform(FFT_SIZE // 2 + 1, order, alpha)
    # The cepstrum of power counts c0 twice as much as the minimum-phase one of magnitude.
    matrix[0] *= 0.5
    used = int(np.flatnonzero(np.abs(matrix).max(axis=1) > _NEGLIGIBLE)[-1]) + 1
    matrix = matrix[:used].copy()
    matrix.setflags(write=False)
    return matrix


def frequency_transform(size: int, order: int, alpha: float) -> NDArray[np.float64]:
    """Return the matrix that warps a cepstrum by a first-order all-pass.

    Args:
        size: Number of coefficients before.
        order: Highest coefficient after.
        alpha: All-pass constant.

    Returns:
        Shape ``(size, order + 1)``; row n holds the warped form of a cepstrum that is 1 at n.

    Source:
        Oppenheim and Johnson, Discrete representation of signals, Proc. IEEE 60(6), 1972,
        doi:10.1109/PROC.1972.8727. Row n is the power series in z^-1 of the n-th power of the
        all-pass (z^-1 + alpha) / (1 + alpha z^-1), whence the recursion.
    """
    matrix = np.zeros((size, order + 1))
    matrix[0, 0] = 1.0
    for row in range(1, size):
        before = matrix[row - 1]
        now = matrix[row]
        now[0] = alpha * before[0]
        if order >= 1:
            now[1] = (1.0 - alpha * alpha) * before[0] + alpha * before[1]
        for column in range(2, order + 1):
            now[column] = before[column - 1] + alpha * (before[column] - now[column - 1])
    return matrix
