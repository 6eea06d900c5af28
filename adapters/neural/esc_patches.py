"""ESC's way from a spectrogram to tokens and back.

Source:
    Gu & Diao, "ESC", EMNLP 2024, arXiv:2404.19441, and the authors' code (MIT).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

PATCH = (3, 2)
"""Frequency bins and frames per token."""
HEIGHT = 64
"""Tokens over frequency: 192 bins."""
MARGIN = 3
"""Tokens on each side of one that shape its pixels."""


class PatchEmbed(nn.Module):
    """Tokens of 3 bins × 2 frames; an odd last frame is dropped."""

    def __init__(self, width: int) -> None:
        """Make the layers."""
        super().__init__()
        self.proj = nn.Conv2d(2, width, PATCH, PATCH)
        self.norm = nn.LayerNorm(width)

    def forward(self, spectrum: Tensor) -> Tensor:
        """Return ``(batch, 64 · time, width)`` of ``(batch, 2, 192, frames)``."""
        out: Tensor = self.norm(self.proj(spectrum).flatten(2).transpose(1, 2))
        return out


class PatchDeEmbed(nn.Module):
    """A spectrogram from tokens: two convolutions with a shuffle to full resolution between."""

    def __init__(self, width: int) -> None:
        """Make the layers."""
        super().__init__()
        self.width = width
        self.de_proj1 = nn.Conv2d(width, PATCH[0] * PATCH[1] * width, 5, padding=2)
        self.de_proj2 = nn.Conv2d(width, 2, 3, padding=1)
        self.merged: nn.Conv2d | None = None

    def forward(self, tokens: Tensor) -> Tensor:
        """Return ``(batch, 2, 192, 2 · time)`` of ``(batch, 64 · time, width)``."""
        batch = tokens.shape[0]
        grid = tokens.view(batch, HEIGHT, -1, self.width).permute(0, 3, 1, 2)
        if self.merged is None or grid.shape[-1] < 2 * MARGIN:
            out: Tensor = self.de_proj2(self.shuffle(self.de_proj1(grid)))
            return out
        return self._mend_edges(self.shuffle(self.merged(grid)), grid)

    def fold(self) -> None:
        """Merge both convolutions, between which nothing but the shuffle stands, into one.

        A pixel of the result depends on 7 × 7 tokens: two more on each side for the first
        convolution, one for the second. The merged convolution has a twelfth of the products. Only
        at the edges of the spectrogram is it not the same: there the second convolution sees zeros
        where the merged one sees what the first would have made of its own padding.
        """
        first, second = self.de_proj1, self.de_proj2
        first_bias, second_bias = first.bias, second.bias
        assert first_bias is not None and second_bias is not None  # noqa: PT018  (for the checker)
        kernel = 2 * MARGIN + 1
        with torch.no_grad():
            # The response to a single token, one channel at a time, is the mirrored kernel.
            size = 2 * kernel - 1
            impulses = torch.zeros(self.width, self.width, size, size, dtype=torch.float64)
            impulses[range(self.width), range(self.width), kernel - 1, kernel - 1] = 1
            weights = [w.double() for w in (first.weight, second.weight)]
            inner = functional.conv2d(impulses, weights[0], padding=2)
            outer = functional.conv2d(self.shuffle(inner), weights[1], padding=1)
            coarse = self.unshuffle(outer)[:, :, MARGIN : MARGIN + kernel, MARGIN : MARGIN + kernel]
            # Biases alone make a pattern of 3 × 2 pixels.
            pattern = first_bias.double().view(1, -1, 1, 1).expand(1, -1, 3, 3)
            pattern = functional.conv2d(self.shuffle(pattern), weights[1], padding=1)
            constant = self.unshuffle(pattern + second_bias.double().view(1, -1, 1, 1))[0, :, 1, 1]
            merged = nn.Conv2d(self.width, coarse.shape[1], kernel, padding=MARGIN)
            merged.weight.copy_(coarse.flip(2, 3).transpose(0, 1))
            merged.bias = nn.Parameter(constant.float())
        self.merged = merged.requires_grad_(False).to(first.weight.device)

    def _mend_edges(self, spectrum: Tensor, grid: Tensor) -> Tensor:
        """Compute the outermost rows and columns of pixels as they were before merging."""
        # Of a strip of MARGIN + 1 tokens the outermost are right: their pixels see no cut.
        keep = MARGIN + 1
        for edge in (slice(None, keep), slice(-keep, None)):
            side = 0 if edge.start is None else -1
            flat = self.de_proj2(self.shuffle(self.de_proj1(grid[:, :, edge])))
            spectrum[:, :, side] = flat[:, :, side]
            flat = self.de_proj2(self.shuffle(self.de_proj1(grid[:, :, :, edge])))
            spectrum[..., side] = flat[..., side]
        return spectrum

    def unshuffle(self, fine: Tensor) -> Tensor:
        """Undo `shuffle`."""
        batch, channels, height, time = fine.shape
        rows, columns = PATCH
        coarse = fine.view(batch, channels, height // rows, rows, time // columns, columns)
        return coarse.permute(0, 3, 5, 1, 2, 4).reshape(batch, -1, height // rows, time // columns)

    def shuffle(self, coarse: Tensor) -> Tensor:
        """Spread channels, subpixel slow and width fast, over 3 × 2 pixels."""
        batch, channels, height, time = coarse.shape
        fine = coarse.view(batch, *PATCH, channels // (PATCH[0] * PATCH[1]), height, time)
        fine = fine.permute(0, 3, 4, 1, 5, 2)
        return fine.reshape(batch, -1, height * PATCH[0], time * PATCH[1])
