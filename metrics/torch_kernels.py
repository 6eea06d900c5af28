"""The arithmetic of the batched metrics: each kernel is made for a reference and given versions.

Sources stand beside the metrics in `stoi`, `stoi_bands`, `mel_distance` and `si_sdr`.
"""

import math
from abc import ABC, abstractmethod

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from codecbench.core.audio import Audio
from codecbench.metrics import stoi_bands
from codecbench.metrics.mel_distance import FLOOR, MelDac
from codecbench.metrics.mel_filters import mel_weights
from codecbench.metrics.si_sdr import LIMIT_DB
from codecbench.metrics.spectra import periodic_hann
from codecbench.metrics.stoi import CLIP, FLAT, analysed_reference

_EPS = float(np.finfo(np.float64).eps)


class Kernel(ABC):
    """One metric for one reference."""

    @abstractmethod
    def __init__(self, reference: Audio, device: str) -> None:
        """Bring what is known of the reference to the device.

        Args:
            reference: The signal.
            device: Of torch.
        """

    @abstractmethod
    def __call__(self, samples: Tensor) -> Tensor:
        """Score versions.

        Args:
            samples: float64 ``(versions, samples)`` on the device.

        Returns:
            float64 ``(versions,)``; NaN where the metric is not defined.
        """


class _Intelligibility(Kernel):
    """What STOI and ESTOI have in common: the band envelopes."""

    def __init__(self, reference: Audio, device: str) -> None:
        self._sample_rate = reference.sample_rate
        clean = analysed_reference(reference)
        self._active = torch.from_numpy(clean.active).to(device)
        self._window = torch.from_numpy(stoi_bands.frame_window()).to(device)
        self._matrix = torch.from_numpy(stoi_bands.band_matrix()).to(device)
        self._clean = torch.from_numpy(clean.bands).to(device)

    def _segments(self, samples: Tensor) -> Tensor:
        """Return the segments of versions, ``(versions, bands, segments, SEGMENT_FRAMES)``."""
        frames = self._frames(self._resample(samples))[:, self._active]
        hop = stoi_bands.HOP
        joined = functional.pad(frames[..., :hop], (0, 0, 0, 1))
        joined = joined + functional.pad(frames[..., hop:], (0, 0, 1, 0))
        spectrum = torch.fft.rfft(self._frames(joined.flatten(1)), n=stoi_bands.FFT)
        power = spectrum.real.square() + spectrum.imag.square()
        bands = (self._matrix @ power.transpose(1, 2)).sqrt()
        segments: Tensor = bands.unfold(-1, stoi_bands.SEGMENT_FRAMES, 1)
        return segments

    def _frames(self, samples: Tensor) -> Tensor:
        count = max(0, -(-(samples.shape[-1] - stoi_bands.FRAME) // stoi_bands.HOP))
        frames = samples.unfold(-1, stoi_bands.FRAME, stoi_bands.HOP)[:, :count]
        return torch.mul(frames, self._window)

    def _resample(self, samples: Tensor) -> Tensor:
        if self._sample_rate == stoi_bands.SAMPLE_RATE:
            return samples
        common = math.gcd(stoi_bands.SAMPLE_RATE, self._sample_rate)
        up, down = stoi_bands.SAMPLE_RATE // common, self._sample_rate // common
        # Output m = up·q + r is a filter of its own for each r, moved on by `down` samples per q.
        taps = up * stoi_bands.octave_filter(up, down)
        half = taps.size // 2
        before, after = half // up, (half + (up - 1) * down) // up
        places = half + down * np.arange(up)[:, None] - up * np.arange(-before, after + 1)
        inside = (places >= 0) & (places < taps.size)
        phases = np.where(inside, taps[np.clip(places, 0, taps.size - 1)], 0.0)
        length = -(-samples.shape[-1] * up // down)
        padded = functional.pad(samples[:, None], (before, after + down))
        out = functional.conv1d(padded, torch.from_numpy(phases).to(samples)[:, None], stride=down)
        return out.transpose(1, 2).flatten(1)[:, :length]


class StoiKernel(_Intelligibility):
    """STOI."""

    def __init__(self, reference: Audio, device: str) -> None:
        """See `Kernel`."""
        super().__init__(reference, device)
        clean = self._clean.unfold(-1, stoi_bands.SEGMENT_FRAMES, 1)
        self._norms = clean.norm(dim=-1, keepdim=True)
        self._limits = clean * CLIP
        centred = clean - clean.mean(-1, keepdim=True)
        self._normalised = centred / (centred.norm(dim=-1, keepdim=True) + _EPS)

    def __call__(self, samples: Tensor) -> Tensor:
        """See `Kernel`."""
        coded = self._segments(samples)
        scaled = coded * (self._norms / (coded.norm(dim=-1, keepdim=True) + _EPS))
        scaled = torch.minimum(scaled, self._limits)
        scaled = scaled - scaled.mean(-1, keepdim=True)
        products = (scaled * self._normalised).sum(-1) / (scaled.norm(dim=-1) + _EPS)
        found: Tensor = products.mean((1, 2))
        return found


class EstoiKernel(_Intelligibility):
    """ESTOI."""

    def __init__(self, reference: Audio, device: str) -> None:
        """See `Kernel`."""
        super().__init__(reference, device)
        self._normalised = _rows_and_columns(
            self._clean[None].unfold(-1, stoi_bands.SEGMENT_FRAMES, 1)
        )

    def __call__(self, samples: Tensor) -> Tensor:
        """See `Kernel`."""
        coded = _rows_and_columns(self._segments(samples))
        total = (coded * self._normalised).sum((1, 2, 3))
        return total / (stoi_bands.SEGMENT_FRAMES * coded.shape[2])


class MelDacKernel(Kernel):
    """DAC's mel distance."""

    def __init__(self, reference: Audio, device: str) -> None:
        """See `Kernel`."""
        self._scales = [
            (
                torch.from_numpy(periodic_hann(window)).to(device),
                torch.from_numpy(mel_weights(reference.sample_rate, window, mels, "slaney")).to(
                    device, torch.float32
                ),
            )
            for window, mels in zip(MelDac.windows, MelDac.mels, strict=True)
        ]
        samples = torch.from_numpy(reference.samples.astype(np.float64)).to(device)
        self._clean = [self._logarithms(samples[None], *scale) for scale in self._scales]

    def __call__(self, samples: Tensor) -> Tensor:
        """See `Kernel`."""
        total = samples.new_zeros(len(samples))
        for scale, clean in zip(self._scales, self._clean, strict=True):
            difference = (self._logarithms(samples, *scale) - clean).abs()
            total += difference.mean((1, 2), dtype=torch.float64)
        return total

    @staticmethod
    def _logarithms(samples: Tensor, window: Tensor, weights: Tensor) -> Tensor:
        length = window.numel()
        padded = functional.pad(samples[:, None], (length // 2, length // 2), mode="reflect")[:, 0]
        spectrum = torch.fft.rfft(padded.unfold(-1, length, length // 4) * window)
        magnitudes = (spectrum.real.square() + spectrum.imag.square()).sqrt().float()
        return torch.log10((magnitudes @ weights).clamp(min=FLOOR))


class SiSdrKernel(Kernel):
    """SI-SDR."""

    def __init__(self, reference: Audio, device: str) -> None:
        """See `Kernel`."""
        samples = reference.samples.astype(np.float64)
        self._clean = torch.from_numpy(samples - samples.mean()).to(device)

    def __call__(self, samples: Tensor) -> Tensor:
        """See `Kernel`."""
        centred = samples - samples.mean(-1, keepdim=True)
        gain = centred @ self._clean / self._clean.square().sum()
        target = gain.square() * self._clean.square().sum()
        noise = (centred - gain[:, None] * self._clean).square().sum(-1)
        # 0 / 0, a constant version, stays NaN through the limits.
        return torch.clamp(10.0 * (target / noise).log10(), -LIMIT_DB, LIMIT_DB)


def _rows_and_columns(raw: Tensor) -> Tensor:
    """Normalise ``(versions, bands, segments, frames)`` over time, then over bands."""
    level = raw.norm(dim=-1, keepdim=True)
    rows = raw - raw.mean(-1, keepdim=True)
    spread = rows.norm(dim=-1, keepdim=True)
    rows = torch.where(spread > FLAT * level, rows / spread, 0.0)
    rows = rows - rows.mean(1, keepdim=True)
    spread = rows.norm(dim=1, keepdim=True)
    return torch.where(spread > FLAT, rows / spread, 0.0)


KERNELS: dict[str, type[Kernel]] = {
    "stoi": StoiKernel,
    "estoi": EstoiKernel,
    "mel_dac": MelDacKernel,
    "si_sdr": SiSdrKernel,
}
