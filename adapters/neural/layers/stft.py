"""Short-time spectra of causal frames, and the signal back from them.

Frame t ends with sample ``hop (t + 1) - 1``: nothing later is seen, and the first frames reach into
``window - hop`` zeros before the signal. `torch.stft` with ``center=True`` looks half a window
ahead and mirrors the ends, so a stream could not repeat what it does.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from codecbench.adapters.neural.layers.causal import Memory


class CausalStft(nn.Module):
    """Spectra of Hann-windowed frames, each filled up with zeros to the length of the transform.

    Attributes:
        hop: Samples from frame to frame.
        bins: Frequencies from 0 to half the sample rate.
    """

    def __init__(self, *, window: int, hop: int, n_fft: int) -> None:
        """Make the window.

        Args:
            window: Samples that a frame sees, a multiple of `hop`.
            hop: Samples from frame to frame.
            n_fft: Length of the transform, at least `window`.
        """
        super().__init__()
        self.hop = hop
        self.n_fft = n_fft
        self.bins = n_fft // 2 + 1
        self.left = window - hop
        # Not a weight: it is made again, not stored.
        self.register_buffer("window", torch.hann_window(window), persistent=False)
        self.window: Tensor

    def forward(self, samples: Tensor) -> Tensor:
        """Return one frame per hop.

        Args:
            samples: ``(batch, samples)``, a whole number of hops.

        Returns:
            Complex ``(batch, bins, frames)``.
        """
        return self.transform(functional.pad(samples, (self.left, 0)))

    def transform(self, samples: Tensor) -> Tensor:
        """Return the spectra of all frames that lie wholly within `samples`."""
        frames = samples.unfold(-1, self.window.numel(), self.hop) * self.window
        spectra: Tensor = torch.fft.rfft(frames, self.n_fft)
        return spectra.transpose(1, 2)

    def stream(self) -> nn.Module:
        """Return the twin for a stream; see `streaming_copy`."""
        return _StreamingStft(self)


class _StreamingStft(nn.Module):
    def __init__(self, layer: CausalStft) -> None:
        super().__init__()
        self.layer = layer
        self.memory = Memory(layer.left)

    def forward(self, samples: Tensor) -> Tensor:
        return self.layer.transform(self.memory.extend(samples))


class CausalIstft(nn.Module):
    """The signal from spectra of `CausalStft`, by overlap and addition of windowed frames.

    A sample is final when the last frame that covers it is there, ``window - hop`` samples later.
    Only final samples are given, aligned with those of the analysis: N frames give
    ``N hop - (window - hop)``.
    """

    def __init__(self, *, window: int, hop: int, n_fft: int) -> None:
        """Make the window; the arguments are those of the analysis."""
        super().__init__()
        self.hop = hop
        self.n_fft = n_fft
        self.left = window - hop
        shape = torch.hann_window(window)
        # Sum of the squared windows over one hop in the midst of a signal; Hann's never vanishes.
        power = shape.square().view(-1, hop).sum(dim=0).repeat(window // hop)
        self.register_buffer("window", shape / power, persistent=False)
        self.window: Tensor

    def forward(self, spectra: Tensor) -> Tensor:
        """Return the final samples.

        Args:
            spectra: Complex ``(batch, bins, frames)``.

        Returns:
            ``(batch, samples)``.
        """
        return self.overlap_add(spectra)[:, self.left : spectra.shape[-1] * self.hop]

    def overlap_add(self, spectra: Tensor) -> Tensor:
        """Return the sum of all frames, the first ``window - hop`` samples before time zero."""
        length = self.window.numel()
        whole: Tensor = torch.fft.irfft(spectra.transpose(1, 2), self.n_fft)
        frames = whole[..., :length] * self.window
        batch, count, _ = frames.shape
        hops = length // self.hop
        # Part k of frame t belongs to hop t + k.
        parts = frames.view(batch, count, hops, self.hop)
        summed = frames.new_zeros(batch, count + hops - 1, self.hop)
        for k in range(hops):
            summed[:, k : k + count] += parts[:, :, k]
        return summed.view(batch, -1)

    def stream(self) -> nn.Module:
        """Return the twin for a stream; see `streaming_copy`."""
        return _StreamingIstft(self)


class _StreamingIstft(nn.Module):
    def __init__(self, layer: CausalIstft) -> None:
        super().__init__()
        self.layer = layer
        self.tail: Tensor | None = None
        self.before_start = layer.left

    def forward(self, spectra: Tensor) -> Tensor:
        summed = self.layer.overlap_add(spectra)
        if self.tail is not None:
            summed[:, : self.layer.left] += self.tail
        ready = spectra.shape[-1] * self.layer.hop
        self.tail = summed[:, ready:]
        skip = min(self.before_start, ready)
        self.before_start -= skip
        return summed[:, skip:ready]
