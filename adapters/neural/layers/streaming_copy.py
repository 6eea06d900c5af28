"""From a causal model that codes whole signals to its twin that codes them piece by piece.

A layer that looks back says how it remembers: it has a method ``stream`` that returns a twin with
the same weights and a memory of its own, silence at first. All other layers look at one step at a
time and need none. So a model is written once, for whole signals, and streams unchanged.
"""

import copy
from itertools import chain
from typing import Protocol, TypeVar, runtime_checkable

from torch import nn

Model = TypeVar("Model", bound=nn.Module)


@runtime_checkable
class Streamable(Protocol):
    """A layer whose output depends on earlier input."""

    def stream(self) -> nn.Module:
        """Return a twin that carries its context from call to call, and shares the weights."""


def streaming_copy(model: Model) -> Model:
    """Return a twin of a causal model for one stream, with the weights of the original.

    Fed with consecutive pieces, each a whole number of the model's strides, it gives the pieces of
    what the original gives for the whole signal, up to rounding. Batch normalisation must be in
    evaluation mode and weight norm folded.

    Args:
        model: Not changed.
    """
    shared = {id(tensor): tensor for tensor in chain(model.parameters(), model.buffers())}
    twin = copy.deepcopy(model, shared)
    _replace_layers(twin)
    return twin


def _replace_layers(module: nn.Module) -> None:
    for name, child in list(module.named_children()):
        if isinstance(child, Streamable):
            setattr(module, name, child.stream())
        else:
            _replace_layers(child)
