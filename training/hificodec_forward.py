"""HiFi-Codec's network as it is trained: group-residual quantisation with gradients.

Source:
    Yang et al., "HiFi-Codec", arXiv:2305.02765, algorithm 1; the official code, commit b6ac134, for
    the loss of the quantiser.
"""

from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from codecbench.adapters.neural.hificodec_model import HifiCodecModel, Quantizer
from codecbench.adapters.neural.layers.vector_quantizer import VectorQuantizer

COMMITMENT = 0.25
"""Weight of the distance from vectors to codewords beside that from codewords to vectors."""


class Quantized(NamedTuple):
    """What the quantiser makes of a batch.

    Attributes:
        latent: ``(batch, latent, frames)``, with straight-through gradients.
        loss: Mean over both layers.
        vectors: What each codebook searched for, ``(batch · frames, dimensions)``.
        codes: What it found, ``(batch · frames,)``.
    """

    latent: Tensor
    loss: Tensor
    vectors: list[Tensor]
    codes: list[Tensor]


def layers(quantizer: Quantizer) -> list[list[VectorQuantizer]]:
    """Return the codebooks layer by layer, group by group: the order of the codes."""
    both: tuple[nn.ModuleList, nn.ModuleList] = (
        quantizer.quantizer_modules,
        quantizer.quantizer_modules2,
    )
    return [[cast("VectorQuantizer", book) for book in layer] for layer in both]


def quantize(quantizer: Quantizer, latent: Tensor) -> Quantized:
    """Quantise with gradients.

    Args:
        quantizer: Its codebooks get gradients from the loss alone.
        latent: ``(batch, latent, frames)``, float32.
    """
    batch, channels, frames = latent.shape
    residual = latent.transpose(1, 2).reshape(batch * frames, channels)
    total = torch.zeros_like(residual)
    losses, vectors, codes = [], [], []
    for books in layers(quantizer):
        parts = residual.chunk(quantizer.groups, dim=1)
        words = []
        for book, part in zip(books, parts, strict=True):
            with torch.no_grad():
                found = book.search(part)
            words.append(book.lookup(found))
            vectors.append(part.detach())
            codes.append(found)
        joined = torch.cat(words, dim=1)
        losses.append(
            functional.mse_loss(joined, residual.detach())
            + COMMITMENT * functional.mse_loss(joined.detach(), residual)
        )
        total = total + residual + (joined - residual).detach()
        # As the official code subtracts the straight-through value, no gradient comes this way.
        residual = (residual - joined).detach()
    return Quantized(
        total.view(batch, frames, channels).transpose(1, 2),
        torch.stack(losses).mean(),
        vectors,
        codes,
    )


class Output(NamedTuple):
    """What a step of training compares.

    Attributes:
        samples: Decoded, ``(batch, samples)``.
        quantized: None without look-up.
    """

    samples: Tensor
    quantized: Quantized | None


def run(model: HifiCodecModel, samples: Tensor, *, look_up: bool = True) -> Output:
    """Code and decode a batch with gradients.

    Args:
        model: In training mode.
        samples: ``(batch, samples)``, whole frames.
        look_up: Use codewords; without, frames go to the generator as they are.
    """
    latent = model.encoder(samples[:, None]).float()
    quantized: Quantized | None = None
    if look_up:
        with torch.autocast(samples.device.type, enabled=False):
            quantized = quantize(model.quantizer, latent)
        latent = quantized.latent
    return Output(model.generator(latent)[:, 0].float(), quantized)
