"""ESC's network as it is trained: straight-through gradients, streams left out, or no look-up.

Source:
    Gu & Diao, "ESC", EMNLP 2024, arXiv:2404.19441, sections 3.3 and 3.4, and the authors' code
    (MIT).
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from codecbench.adapters.neural.esc_model import STREAMS, EscModel
from codecbench.adapters.neural.esc_quantizer import ProductQuantizer


class Quantized(NamedTuple):
    """What one stream's quantiser makes of its tokens.

    Attributes:
        tokens: Of the shape of those that went in.
        commitment: How far vectors are from their codewords; scalar, for the encoder.
        codebook: The same for the codebooks.
        vectors: What was searched for, of each group ``(batch, frames, dimensions)``.
        codes: What was found, of each group ``(batch, frames)``; none without look-up.
    """

    tokens: Tensor
    commitment: Tensor
    codebook: Tensor
    vectors: list[Tensor]
    codes: list[Tensor]


class Output(NamedTuple):
    """What a step of training compares.

    Attributes:
        samples: Decoded, ``(batch, samples)``.
        spectrum: Decoded, ``(batch, 2, 192, frames)``.
        commitment: Sum over the streams that are sent.
        codebook: Likewise.
        streams: All six, sent or not.
    """

    samples: Tensor
    spectrum: Tensor
    commitment: Tensor
    codebook: Tensor
    streams: list[Quantized]


def quantize(quantizer: ProductQuantizer, tokens: Tensor, *, look_up: bool) -> Quantized:
    """Quantise, or only go through the projections to the codebooks' dimensions and back."""
    parts, vectors, codes = [], [], []
    commitment, codebook = [], []
    projections = zip(
        quantizer.books(),
        quantizer.down_projs,
        quantizer.up_projs,
        quantizer.split(tokens),
        strict=True,
    )
    for book, down, up, part in projections:
        vector = down(part).float()
        vectors.append(vector)
        if look_up:
            # The nearest codeword is not to be found in half precision.
            with torch.no_grad(), torch.autocast(vector.device.type, enabled=False):
                found = book.search(vector)
            word = book.lookup(found)
            codes.append(found)
            commitment.append(functional.mse_loss(vector, word.detach()))
            codebook.append(functional.mse_loss(word, vector.detach()))
            vector = vector + (word - vector).detach()
        else:
            # Gradients of zero, not none: weight decay acts on codebooks all the time.
            commitment.append(vector.new_zeros(()))
            codebook.append(0.0 * book.embedding.weight.sum())
        parts.append(up(vector))
    return Quantized(
        quantizer.join(parts),
        torch.stack(commitment).mean(),
        torch.stack(codebook).mean(),
        vectors,
        codes,
    )


def run(model: EscModel, samples: Tensor, streams: int, *, look_up: bool = True) -> Output:
    """Code and decode a batch with gradients.

    Streams that are not sent are computed and multiplied by zero, as in the authors' code: their
    gradients are zeros, and an optimiser's weight decay still acts on their weights.

    Args:
        model: In training mode.
        samples: ``(batch, samples)``, 80 less than a multiple of 320 of them.
        streams: How many are sent, 1 … 6.
        look_up: Use codewords; without, the projections stay as the bottleneck.
    """
    with torch.autocast(samples.device.type, enabled=False):
        transformed = model.ft(samples)
    levels: Sequence[Tensor] = model.encoder(transformed)[::-1]
    found = [quantize(model.quantizer(0), levels[0], look_up=look_up)]
    x = found[0].tokens
    for level in range(STREAMS - 1):
        more = quantize(model.quantizer(level + 1), levels[level] - x, look_up=look_up)
        found.append(more)
        x = x + more.tokens * float(level + 1 < streams)
        x = model.decoder.climb(x, level)
    spectrum = model.decoder.finish(x).float()
    sent = [float(stream < streams) for stream in range(STREAMS)]
    return Output(
        model.ift.inverse(spectrum),
        spectrum,
        torch.stack([each.commitment * on for each, on in zip(found, sent, strict=True)]).sum(),
        torch.stack([each.codebook * on for each, on in zip(found, sent, strict=True)]).sum(),
        found,
    )
