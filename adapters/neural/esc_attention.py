"""Swin attention on ESC's grid of frequency × time: windows of 4 × 4 tokens, half of them shifted.

Source:
    Liu et al., "Swin Transformer", ICCV 2021, arXiv:2103.14030; Gu & Diao, "ESC", EMNLP 2024,
    arXiv:2404.19441, and the authors' code (MIT) for what the paper leaves open: padded tokens are
    not masked, and the resampler comes last in a layer.
"""

from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from codecbench.adapters.neural.layers.packed_linear import PackedLinear, can_pack

WINDOW = 4
TOKENS = WINDOW * WINDOW
FORBIDDEN = -100.0
"""Added to the logits of pairs that only wrapping has brought together. Source: Swin's code."""


class WindowPlan(NamedTuple):
    """Where the tokens of a grid stand in its windows.

    Attributes:
        windows: Rows and columns of windows.
        gather: Token at each place of each window, int64 ``(windows · 16,)``; tokens of padding
            have the index one past the last.
        scatter: Place of each token, int64 ``(height · width,)``.
        padded: Whether there is padding.
    """

    windows: tuple[int, int]
    gather: Tensor
    scatter: Tensor
    padded: bool


@lru_cache(maxsize=32)
def window_plan(height: int, width: int, shift: int, device: torch.device) -> WindowPlan:
    """Lay out windows over a grid, padded to multiples of 4 at the bottom and the right.

    Args:
        height: Frequency bands.
        width: Time steps.
        shift: By how many rows and columns the windows are moved, wrapping around.
        device: Where the indices are needed.
    """
    rows, columns = -(-height // WINDOW), -(-width // WINDOW)
    # A plan laid out while coding must serve training in the same process.
    with torch.inference_mode(False):
        token = torch.arange(height * width).view(height, width)
        grid = torch.full((rows * WINDOW, columns * WINDOW), height * width)
        grid[:height, :width] = token
        grid = grid.roll((-shift, -shift), dims=(0, 1))
        gather = grid.view(rows, WINDOW, columns, WINDOW).transpose(1, 2).reshape(-1)
        scatter = torch.empty(height * width + 1, dtype=torch.int64)
        scatter[gather] = torch.arange(gather.numel())
        return WindowPlan(
            (rows, columns),
            gather.to(device),
            scatter[:-1].to(device),
            gather.numel() != height * width,
        )


def relative_positions() -> Tensor:
    """Return which entry of the bias table each pair of tokens of a window has, ``(16, 16)``."""
    row = torch.arange(WINDOW).repeat_interleave(WINDOW)
    column = torch.arange(WINDOW).repeat(WINDOW)
    rows = row[:, None] - row[None, :] + WINDOW - 1
    columns = column[:, None] - column[None, :] + WINDOW - 1
    return rows * (2 * WINDOW - 1) + columns


def wrap_masks() -> Tensor:
    """Return what shifting forbids: in the last row, the last column and the corner of windows.

    Shifting by 2 wraps the first two rows (columns) of the grid into the second half of the last
    row (column) of windows; the halves must not see each other.

    Returns:
        float32 ``(3, 16, 16)``.
    """
    low = torch.arange(TOKENS) // WINDOW >= WINDOW // 2
    late = torch.arange(TOKENS) % WINDOW >= WINDOW // 2
    row = low[:, None] != low[None, :]
    column = late[:, None] != late[None, :]
    return FORBIDDEN * torch.stack([row, column, row | column]).float()


class WindowAttention(nn.Module):
    """Attention among the 16 tokens of each window, with a learnt bias per relative position."""

    relative_position_index: Tensor
    masks: Tensor

    def __init__(self, channels: int, heads: int, *, shifted: bool) -> None:
        """Make the layers.

        Args:
            channels: Width of the tokens, a multiple of `heads`.
            heads: Number of heads.
            shifted: Whether windows wrap around the edges of the grid.
        """
        super().__init__()
        self.heads = heads
        self.shifted = shifted
        self.relative_position_bias_table = nn.Parameter(torch.empty((2 * WINDOW - 1) ** 2, heads))
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)
        self.register_buffer("relative_position_index", relative_positions())
        self.register_buffer("masks", wrap_masks(), persistent=False)
        self.qkv = nn.Linear(channels, 3 * channels)
        self.proj = nn.Linear(channels, channels)

    def forward(self, tokens: Tensor, windows: tuple[int, int]) -> Tensor:
        """Let the tokens of each window see each other.

        Args:
            tokens: ``(batch, windows · 16, channels)``.
            windows: Rows and columns of windows.
        """
        batch, count, channels = tokens.shape
        rows, columns = windows
        shape = (batch * rows * columns, TOKENS, 3, self.heads, channels // self.heads)
        query, key, value = self.qkv(tokens).view(shape).permute(2, 0, 3, 1, 4)
        scale = (channels // self.heads) ** -0.5
        logits = (query * scale) @ key.transpose(-2, -1)
        logits = logits.view(batch, rows, columns, self.heads, TOKENS, TOKENS) + self.bias()
        if self.shifted:
            row, column, corner = self.masks
            logits[:, -1, :-1] += row
            logits[:, :-1, -1] += column
            logits[:, -1, -1] += corner
        weights = functional.softmax(logits, dim=-1).view(-1, self.heads, TOKENS, TOKENS)
        mixed = (weights @ value).transpose(1, 2).reshape(batch, count, channels)
        out: Tensor = self.proj(mixed)
        return out

    def bias(self) -> Tensor:
        """Return what is added to the logits of each pair, ``(heads, 16, 16)``."""
        table = self.relative_position_bias_table[self.relative_position_index]
        return table.permute(2, 0, 1)


class Mlp(nn.Module):
    """Two layers with a GELU between."""

    def __init__(self, channels: int, hidden: int) -> None:
        """Make the layers from `channels` to `hidden` and back."""
        super().__init__()
        self.linear_1: nn.Module = nn.Linear(channels, hidden)
        self.linear_2 = nn.Linear(hidden, channels)
        self.activation: nn.Module = nn.GELU()

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the shape of `x`."""
        out: Tensor = self.linear_2(self.activation(self.linear_1(x)))
        return out

    def fold(self) -> None:
        """Compute the first layer and the GELU in one pass."""
        if isinstance(self.linear_1, nn.Linear) and can_pack(self.linear_1.weight.device):
            self.linear_1 = PackedLinear(self.linear_1, gelu=True)
            self.activation = nn.Identity()


class SwinBlock(nn.Module):
    """Attention within windows, then two layers on each token, each with norm and residual."""

    def __init__(self, channels: int, heads: int, *, shifted: bool, ratio: int = 4) -> None:
        """Make the layers; the hidden width of the second part is `ratio` · `channels`."""
        super().__init__()
        self.shift = WINDOW // 2 if shifted else 0
        self.norm1 = nn.LayerNorm(channels)
        self.attn = WindowAttention(channels, heads, shifted=shifted)
        self.norm2 = nn.LayerNorm(channels)
        self.mlp = Mlp(channels, ratio * channels)

    def forward(self, x: Tensor, height: int) -> Tensor:
        """Return a tensor of the shape of `x`, ``(batch, height · time, channels)``."""
        plan = window_plan(height, x.shape[1] // height, self.shift, x.device)
        tokens = self.norm1(x)
        if plan.padded:
            tokens = functional.pad(tokens, (0, 0, 0, 1))  # the token that padding points at
        attended = self.attn(tokens[:, plan.gather], plan.windows)
        x = x + attended[:, plan.scatter]
        out: Tensor = x + self.mlp(self.norm2(x))
        return out
