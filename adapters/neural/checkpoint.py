"""The loader of weights, `codecbench.core.checkpoint`, by the name that adapters know it by."""

from codecbench.core.checkpoint import (
    WRAPPERS,
    Checkpoint,
    CheckpointError,
    Tensors,
    checkpoint_sha256,
    find_checkpoint,
    load_tensors,
    plain_name,
    read_checkpoint,
    save_checkpoint,
    tensor_shapes,
)

__all__ = [
    "WRAPPERS",
    "Checkpoint",
    "CheckpointError",
    "Tensors",
    "checkpoint_sha256",
    "find_checkpoint",
    "load_tensors",
    "plain_name",
    "read_checkpoint",
    "save_checkpoint",
    "tensor_shapes",
]
