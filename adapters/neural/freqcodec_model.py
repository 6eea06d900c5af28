"""FreqCodec's network: SEANet in two dimensions on magnitude and phase, with residual quantisation.

Every convolution is normalised over the whole utterance, the last one of the decoder too, so what
comes out has a level of its own; that of the input travels beside the codes.

Source:
    Du, Zhang, Hu and Zheng, "FunCodec: A Fundamental, Reproducible and Integrable Open-source
    Toolkit for Neural Speech Codec", arXiv:2309.07405; code
    https://github.com/modelscope/FunCodec, commit 3435d87.
"""

from math import ceil

import torch
from torch import Tensor, nn
from torch.nn import functional

from codecbench.adapters.neural.freqcodec_config import FreqCodecConfig

CHANNELS = 3
"""Logarithm of the magnitude, cosine and sine of the phase."""
FLOOR = 1e-6
"""Smallest magnitude."""
_QUIETEST = 1e-8
_NORM_EPSILON = 1e-5


def _reflect(x: Tensor, axis: int, before: int, after: int) -> Tensor:
    """Mirror an axis at its ends; one that is too short for that gets zeros at its end first."""
    length = x.shape[axis]
    short = max(before, after) - length + 1
    if short > 0:
        x = _pad(x, axis, 0, short, "constant")
    x = _pad(x, axis, before, after, "reflect")
    return x.narrow(axis, 0, length + before + after) if short > 0 else x


def _pad(x: Tensor, axis: int, before: int, after: int, mode: str) -> Tensor:
    if before == after == 0:
        return x
    if axis == x.ndim - 1:
        return functional.pad(x, (before, after, 0, 0) if x.ndim == 4 else (before, after), mode)
    return functional.pad(x, (0, 0, before, after), mode)


class _Normed(nn.Module):
    """A convolution and the norm after it, by the names of the official code."""

    def __init__(self, name: str, conv: nn.Module, channels: int) -> None:
        super().__init__()
        self.add_module(name, conv)
        self.name = name
        self.norm = nn.GroupNorm(1, channels, eps=_NORM_EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        normed: Tensor = self.norm(self.get_submodule(self.name)(x))
        return normed


class SameConv1d(nn.Module):
    """A convolution in time that keeps the length."""

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__()
        self.total = kernel - 1
        self.conv = _Normed("conv", nn.Conv1d(inputs, outputs, kernel), outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return the same number of frames."""
        after = self.total // 2
        convolved: Tensor = self.conv(_reflect(x, 2, self.total - after, after))
        return convolved


class SameConv2d(nn.Module):
    """A convolution over frequency and time that keeps the size, or divides it by its strides.

    Where time does not divide evenly, one more mirrored frame is put in front, so that all is
    late by it; EnCodec puts it at the end.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: tuple[int, int],
        *,
        stride: tuple[int, int] = (1, 1),
        dilation: tuple[int, int] = (1, 1),
        groups: int = 1,
    ) -> None:
        super().__init__()
        self.spans = tuple((k - 1) * d for k, d in zip(kernel, dilation, strict=True))
        self.stride = stride
        conv = nn.Conv2d(inputs, outputs, kernel, stride, dilation=dilation, groups=groups)
        self.conv = _Normed("conv", conv, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return frequencies and frames, divided by the strides and rounded up in time."""
        for axis, span, stride in zip((2, 3), self.spans, self.stride, strict=True):
            total = span - (stride - 1)
            extra = -x.shape[axis] % stride if axis == 3 else 0
            after = total // 2
            x = _reflect(x, axis, total - after + extra, after)
        convolved: Tensor = self.conv(x)
        return convolved


class UpConv2d(nn.Module):
    """A transposed convolution that multiplies frequency and time by its strides."""

    def __init__(
        self, inputs: int, outputs: int, stride: tuple[int, int], *, groups: int, more_bins: int
    ) -> None:
        super().__init__()
        self.stride, self.more_bins = stride, more_bins
        kernel = (2 * stride[0], 2 * stride[1])
        conv = nn.ConvTranspose2d(inputs, outputs, kernel, stride, groups=groups)
        self.convtr = _Normed("convtr", conv, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return frequencies and frames, multiplied by the strides."""
        x = self.convtr(x)
        for axis, stride, more in zip((2, 3), self.stride, (self.more_bins, 0), strict=True):
            after = stride // 2
            x = x.narrow(axis, stride - after, x.shape[axis] - stride + more)
        return x


class ResidualUnit(nn.Module):
    """Two convolutions beside one of a single tap."""

    def __init__(self, channels: int, config: FreqCodecConfig, index: int) -> None:
        super().__init__()
        inner, ratio = channels // config.compress, config.group_ratio
        taps = config.residual_kernel
        groups = _groups(min(channels, inner), ratio)
        spread = (1, config.dilation_base**index)
        self.block = nn.Sequential(
            nn.ELU(),
            SameConv2d(channels, inner, (taps, taps), dilation=spread, groups=groups),
            nn.ELU(),
            SameConv2d(inner, channels, (1, 1), groups=groups),
        )
        self.shortcut = SameConv2d(channels, channels, (1, 1), groups=_groups(channels, ratio))

    def forward(self, x: Tensor) -> Tensor:
        """Return the same shape."""
        changed: Tensor = self.shortcut(x) + self.block(x)
        return changed


def _groups(channels: int, ratio: int) -> int:
    return channels // 2 // ratio if ratio > 0 else 1


class _Lstm(nn.Module):
    def __init__(self, size: int, layers: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(size, size, layers)

    def forward(self, x: Tensor) -> Tensor:
        in_time = x.permute(2, 0, 1)
        summed: Tensor = self.lstm(in_time)[0] + in_time
        return summed.permute(1, 2, 0)


class _Squeeze(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.squeeze(2)


class _Unsqueeze(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.unsqueeze(2)


class Encoder(nn.Module):
    """From features ``(batch, 3, bins, spectra)`` to frames ``(batch, dimension, frames)``."""

    def __init__(self, config: FreqCodecConfig) -> None:
        super().__init__()
        width = config.filters
        layers: list[nn.Module] = [SameConv2d(CHANNELS, width, (config.kernel,) * 2)]
        for f, t in reversed(config.ratios):
            layers += [ResidualUnit(width, config, j) for j in range(config.residual_layers)]
            groups = _groups(width, config.group_ratio)
            down = SameConv2d(width, 2 * width, (2 * f, 2 * t), stride=(f, t), groups=groups)
            layers += [nn.ELU(), down]
            width *= 2
        layers.append(_Squeeze())
        if config.lstm_layers:
            layers.append(_Lstm(width, config.lstm_layers))
        layers += [nn.ELU(), SameConv1d(width, config.dimension, config.last_kernel)]
        self.model = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Return frames."""
        frames: Tensor = self.model(x)
        return frames


class Decoder(nn.Module):
    """From codewords ``(batch, dimension, frames)`` to features ``(batch, 3, bins, spectra)``."""

    def __init__(self, config: FreqCodecConfig) -> None:
        super().__init__()
        width = config.filters * 2 ** len(config.ratios)
        layers: list[nn.Module] = [SameConv1d(config.dimension, width, config.kernel)]
        if config.lstm_layers:
            layers.append(_Lstm(width, config.lstm_layers))
        layers.append(_Unsqueeze())
        for index, stride in enumerate(config.ratios):
            # An even number of bins comes of doubling; the spectrum has one more.
            more_bins = 1 if index == len(config.ratios) - 1 else 0
            groups = _groups(width, config.up_group_ratio)
            up = UpConv2d(width, width // 2, stride, groups=groups, more_bins=more_bins)
            width //= 2
            units = [ResidualUnit(width, config, j) for j in range(config.residual_layers)]
            layers += [nn.ELU(), up, *units]
        layers += [nn.ELU(), SameConv2d(width, CHANNELS, (config.last_kernel,) * 2)]
        self.model = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Return features."""
        features: Tensor = self.model(x)
        return features


class Quantizer(nn.Module):
    """Codebooks that code one after the other what is left, by distance."""

    def __init__(self, config: FreqCodecConfig) -> None:
        super().__init__()
        # Averages of training, not parameters.
        books = torch.randn(config.codebooks, config.codebook_size, config.dimension)
        self.register_buffer("embed", books)
        self.embed: Tensor

    def encode(self, frames: Tensor, codebooks: int) -> Tensor:
        """Return codes ``(codebooks, frames)`` of vectors ``(frames, dimension)``."""
        codes, rest = [], frames
        for book in self.embed[:codebooks]:
            # |v - w|² without |v|², which all codewords share.
            nearest = torch.addmm(book.square().sum(1), rest, book.T, alpha=-2).argmin(-1)
            rest = rest - book[nearest]
            codes.append(nearest)
        return torch.stack(codes)

    def decode(self, codes: Tensor) -> Tensor:
        """Return vectors ``(frames, dimension)`` of codes ``(codebooks, frames)``."""
        total = torch.zeros(codes.shape[1], self.embed.shape[2], device=self.embed.device)
        for book, row in zip(self.embed, codes, strict=False):
            total = total + book[row]
        return total


class FreqCodecModel(nn.Module):
    """FreqCodec of the domain magnitude and phase, for one utterance at a time."""

    def __init__(self, config: FreqCodecConfig) -> None:
        """Make the network with random weights."""
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.quantizer = Quantizer(config)
        self.decoder = Decoder(config)
        # Not a weight: it is made again, not stored.
        self.register_buffer("window", torch.hann_window(config.n_fft), persistent=False)
        self.window: Tensor

    def features(self, samples: Tensor) -> Tensor:
        """Return log-magnitude, cosine and sine: ``(1, samples)`` to ``(1, 3, bins, spectra)``."""
        spectra = torch.stft(
            samples, self.config.n_fft, self.config.hop_length, window=self.window,
            center=True, pad_mode="reflect", return_complex=True,
        )  # fmt: skip
        magnitude = spectra.abs().clamp(min=FLOOR)
        parts = (magnitude.log(), spectra.real / magnitude, spectra.imag / magnitude)
        return torch.stack(parts, dim=1)

    def frames(self, samples: Tensor) -> Tensor:
        """Return what is quantised, ``(frames, dimension)``, of a signal ``(1, samples)``."""
        encoded: Tensor = self.encoder(self.features(samples / level(samples)))
        return encoded[0].T

    def decode(self, codes: Tensor) -> Tensor:
        """Return the signal ``(samples,)`` of codes, at the level that the network gives it."""
        features = self.decoder(self.quantizer.decode(codes).T[None])
        magnitude = functional.softplus(features[:, 0])
        # The pair is not brought to unit length: what it lacks or has too much changes the level.
        spectra = magnitude * torch.complex(features[:, 1], features[:, 2])
        samples: Tensor = torch.istft(
            spectra, self.config.n_fft, self.config.hop_length, window=self.window, center=True
        )
        return samples[0]


def level(samples: Tensor) -> Tensor:
    """Return the root of the mean square that a signal is divided by, never 0."""
    return _QUIETEST + samples.square().mean().sqrt()


def spectra_of(n_samples: int, config: FreqCodecConfig) -> int:
    """Return the number of spectra of a signal."""
    return 1 + n_samples // config.hop_length


def frames_of(n_samples: int, config: FreqCodecConfig) -> int:
    """Return the number of frames of codes of a signal."""
    return ceil(spectra_of(n_samples, config) / config.time_ratio)


def late_spectra(n_samples: int, config: FreqCodecConfig) -> int:
    """Return by how many hops the decoded signal is late: the frames mirrored in front."""
    late, step, spectra = 0, 1, spectra_of(n_samples, config)
    for _, time in reversed(config.ratios):
        extra = -spectra % time
        late += extra * step
        spectra = (spectra + extra) // time
        step *= time
    return late
