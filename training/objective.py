"""The contract of everything that can be trained: one step, one state, one thing to export."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from codecbench.core.errors import RunError
from codecbench.training.schedule import learning_rate
from codecbench.training.settings import ObjectiveSettings
from codecbench.training.weight_average import WeightAverage

SettingsT = TypeVar("SettingsT", bound=ObjectiveSettings)


class DivergedError(RunError):
    """A loss or gradient is no finite number; the weights of the last save are still good."""


@dataclass(frozen=True, slots=True, eq=False)
class Reconstruction:
    """A clip coded and decoded with the hard quantiser.

    Attributes:
        samples: Decoded, float32 ``(samples,)``, as many as went in; None where this phase of the
            training cannot decode yet.
        codes: Integers ``(codebooks, frames)``; None where there is no quantiser yet.
        codebook_sizes: Entries of each codebook.
        scores: What else there is to say of this clip, by name.
    """

    samples: Tensor | None
    codes: Tensor | None
    codebook_sizes: tuple[int, ...]
    scores: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Export:
    """What a checkpoint holds.

    Attributes:
        model: Its state under plain names is what the codec's adapter loads.
        config: What the adapter wants to find beside the weights.
    """

    model: nn.Module
    # Any: each adapter has options of its own.
    config: Mapping[str, Any]


class Objective(ABC, Generic[SettingsT]):
    """Networks, optimisers, losses and phases of one recipe.

    A subclass makes its networks and optimisers in its constructor and puts them into `networks`
    and `optimizers`; then they are moved, saved and resumed. Whatever else has state, such as
    averages of codebooks, is an `nn.Module` in `networks` too. Randomness in `train_step` comes
    from torch's default generators, which the loop seeds for every step from seed and number of
    the step: nothing has to be saved of them.

    Attributes:
        settings_type: Class of the settings that a recipe fills.
        sample_rate: Of all batches, in Hz.
        crop_multiple: Crops are whole multiples of so many samples.
        points: Operating points that are validated, in rising rate; names are free.
        settings: This recipe's.
        steps: Length of the whole training.
        device: Where the networks are.
        bfloat16: Whether `autocast` computes in it; by default on a GPU.
        networks: By name.
        optimizers: By name.
        marks: Steps at which a phase ends, by name; figures show them.
    """

    settings_type: ClassVar[type[ObjectiveSettings]]
    sample_rate: ClassVar[int] = 16000
    crop_multiple: ClassVar[int] = 1
    points: tuple[str, ...] = ("",)

    def __init__(self, settings: SettingsT, *, steps: int, device: str = "cpu") -> None:
        """Remember the settings; call this first, then make networks and optimisers.

        Args:
            settings: Of the class `settings_type`.
            steps: Length of the whole training.
            device: "cpu" or "cuda".
        """
        self.settings = settings
        self.steps = steps
        self.device = device
        self.bfloat16 = device != "cpu"
        self.networks: dict[str, nn.Module] = {}
        self.optimizers: dict[str, Optimizer] = {}
        self.marks: dict[str, int] = {}

    # What a subclass says.

    @abstractmethod
    def train_step(self, batch: Tensor, step: int) -> dict[str, float]:
        """Do one whole step: generator, discriminators, averages, change of phase.

        Args:
            batch: float32 ``(batch, samples)`` on the device.
            step: Number of the step, from 0.

        Returns:
            Losses by name, for the log.

        Raises:
            DivergedError: A loss or a gradient is not finite.
        """

    @abstractmethod
    def reconstruct(self, samples: Tensor, point: str) -> Reconstruction:
        """Code and decode one clip as the exported codec would.

        Called without gradients and with the networks in evaluation mode.

        Args:
            samples: float32 ``(samples,)`` on the device, of any length.
            point: One of `points`.
        """

    @abstractmethod
    def export(self) -> Export:
        """Return the model and the configuration that the codec's adapter loads."""

    def start_from(self, tensors: Mapping[str, Tensor], config: Mapping[str, Any]) -> None:
        """Begin with the weights of a checkpoint of another training.

        Args:
            tensors: By plain name.
            config: Of that checkpoint.

        Raises:
            ConfigError: They do not fit.
        """
        from codecbench.core.checkpoint import load_tensors

        del config
        model, average = self.networks["model"], self.networks.get("average")
        load_tensors(model, tensors, what="the checkpoint to start from")
        if isinstance(average, WeightAverage):
            average.restart(model)

    # What subclasses use.

    def add_model(self, model: nn.Module) -> None:
        """Put a model on the device, as "model", and its average where one is asked for."""
        self.networks["model"] = model.to(self.device)
        if self.settings.average_decay > 0:
            self.networks["average"] = WeightAverage(model, self.settings.average_decay)

    def update_average(self) -> None:
        """Let the average follow the model; call it once per step."""
        average = self.networks.get("average")
        if isinstance(average, WeightAverage):
            average.update(self.networks["model"])

    @property
    def averaged(self) -> nn.Module:
        """The model to export and to validate: the average once it has begun, or the model."""
        average = self.networks.get("average")
        if isinstance(average, WeightAverage) and int(average.updates):
            return average.model
        return self.networks["model"]

    def autocast(self) -> AbstractContextManager[object]:
        """Compute in bfloat16 where that helps: on a GPU. Losses belong outside."""
        if not self.bfloat16:
            return nullcontext()
        return torch.autocast(self.device, dtype=torch.bfloat16)

    def rate(self, step: int) -> float:
        """Return the learning rate of a step."""
        return learning_rate(self.settings, step, self.steps)

    def descend(
        self,
        name: str,
        loss: Tensor,
        *,
        rate: float,
        clip_norm: float | None = None,
    ) -> float:
        """Take one step of an optimiser down a loss; nothing is changed if it is not finite.

        Args:
            name: Of the optimiser.
            loss: Scalar.
            rate: Learning rate of this step.
            clip_norm: Largest norm of the gradient; that of the settings by default.

        Returns:
            The norm of the gradient before clipping.

        Raises:
            DivergedError: The loss or the norm is not finite.
        """
        optimizer = self.optimizers[name]
        value = float(loss.detach())
        if not math.isfinite(value):
            msg = f"the loss of '{name}' is {value}"
            raise DivergedError(msg)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        parameters = [each for group in optimizer.param_groups for each in group["params"]]
        most = self.settings.clip_norm if clip_norm is None else clip_norm
        limit = most if most > 0 else math.inf
        norm = float(nn.utils.clip_grad_norm_(parameters, limit))
        if not math.isfinite(norm):
            msg = f"the gradient of '{name}' has the norm {norm} at a loss of {value:g}"
            raise DivergedError(msg)
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()
        return norm

    # What the loop uses.

    def train(self, *, training: bool = True) -> None:
        """Put all networks into training or evaluation mode; averages stay in the latter."""
        for network in self.networks.values():
            network.train(training and not isinstance(network, WeightAverage))

    def state(self) -> dict[str, Any]:
        """Return all that must be saved to go on exactly from here; tensors are not copied."""
        # Any: optimisers mix tensors and plain values.
        return {
            "networks": {name: each.state_dict() for name, each in self.networks.items()},
            "optimizers": {name: each.state_dict() for name, each in self.optimizers.items()},
        }

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` returned.

        Raises:
            ConfigError: It is of other networks.
        """
        for name, network in self.networks.items():
            network.load_state_dict(state["networks"][name])
        for name, optimizer in self.optimizers.items():
            optimizer.load_state_dict(state["optimizers"][name])


def log_entry(
    loss: Tensor, parts: Mapping[str, Tensor], gradient_norm: float, **counts: float
) -> dict[str, float]:
    """Return what `Objective.train_step` says of a step.

    Args:
        loss: That was descended, a scalar.
        parts: What it was made of, scalars by name.
        gradient_norm: As `Objective.descend` returned it.
        counts: What else the step counted.
    """
    return {
        "loss": float(loss.detach()),
        **{name: float(value.detach()) for name, value in parts.items()},
        "gradient_norm": gradient_norm,
        **{name: float(value) for name, value in counts.items()},
    }
