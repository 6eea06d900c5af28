"""NOMAD's network: wav2vec 2.0 and one linear layer, as transformers has them.

Source:
    Ragano, Skoglund and Hines, "NOMAD: Unsupervised Learning of Perceptual Embeddings for Speech
    Enhancement and Non-Matching Reference Audio Quality Assessment", ICASSP 2024,
    arXiv:2309.16284; code https://github.com/alessandroragano/nomad, commit 7e7a00e (MIT).
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from codecbench.core.checkpoint import load_tensors
from codecbench.core.dependency import require

if TYPE_CHECKING:
    from transformers import Wav2Vec2Config

EMBEDDING = 256
_FAIRSEQ_NAMES = (
    (r"^feature_extractor\.conv_layers\.(\d+)\.0\.", r"feature_extractor.conv_layers.\1.conv."),
    (r"^feature_extractor\.conv_layers\.0\.2\.", "feature_extractor.conv_layers.0.layer_norm."),
    (r"^layer_norm\.", "feature_projection.layer_norm."),
    (r"^post_extract_proj\.", "feature_projection.projection."),
    (r"^mask_emb$", "masked_spec_embed"),
    (r"^encoder\.pos_conv\.0\.", "encoder.pos_conv_embed.conv."),
    (r"^(encoder\.layers\.\d+)\.self_attn\.", r"\1.attention."),
    (r"^(encoder\.layers\.\d+)\.self_attn_layer_norm\.", r"\1.layer_norm."),
    (r"^(encoder\.layers\.\d+)\.fc1\.", r"\1.feed_forward.intermediate_dense."),
    (r"^(encoder\.layers\.\d+)\.fc2\.", r"\1.feed_forward.output_dense."),
)
"""From the names of fairseq, which the published file has, to those of transformers."""


class NomadModel(nn.Module):
    """From a signal to an embedding of unit length."""

    def __init__(self, config: "Wav2Vec2Config | None" = None) -> None:
        """Make the network with random weights.

        Args:
            config: By default that of wav2vec 2.0 BASE, which the published weights have.
        """
        super().__init__()
        transformers = require("transformers")
        if config is None:
            config = transformers.Wav2Vec2Config()
        self.ssl_model: nn.Module = transformers.Wav2Vec2Model(config)
        self.embedding_layer = nn.Sequential(nn.ReLU(), nn.Linear(config.hidden_size, EMBEDDING))

    def forward(self, samples: Tensor) -> Tensor:
        """Return the embedding ``(256,)`` of one signal ``(samples,)`` at 16 kHz, as it is."""
        hidden: Tensor = self.ssl_model(samples[None]).last_hidden_state
        return self.embed(hidden[0])

    def embed(self, frames: Tensor) -> Tensor:
        """Return the embedding of the transformer's output ``(frames, features)``."""
        projected: Tensor = self.embedding_layer(frames.mean(0))
        return functional.normalize(projected, dim=0)


def load_nomad(model: NomadModel, tensors: Mapping[str, Tensor], *, what: str) -> None:
    """Load the published weights.

    Raises:
        CheckpointError: A tensor is missing, unexpected or of another shape.
    """
    load_tensors(model, {library_name(name): value for name, value in tensors.items()}, what=what)


def library_name(name: str) -> str:
    """Return the name that `NomadModel` has for a tensor of the published file."""
    head, dot, rest = name.partition(".")
    if head != "ssl_model":
        return name
    for theirs, ours in _FAIRSEQ_NAMES:
        renamed = re.sub(theirs, ours, rest)
        if renamed != rest:
            return head + dot + renamed
    return name


def distance(embedding: Tensor, other: Tensor) -> float:
    """Return the distance of two embeddings, 0 … 2."""
    return float(torch.linalg.vector_norm(embedding - other))
