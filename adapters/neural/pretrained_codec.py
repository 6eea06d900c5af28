"""What the residual quantising codecs of the transformers library have in common."""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, cast

from codecbench.adapters.base import CodecInfo, OperatingPoint
from codecbench.adapters.neural.inference import fold_weight_norm
from codecbench.adapters.neural.neural_codec import NeuralCodec
from codecbench.adapters.neural.pretrained import (
    WEIGHTS,
    fetch,
    find_folder,
    load_pretrained,
    quiet_transformers,
    require_model_type,
    stored_config,
)
from codecbench.adapters.reference.settings import Number, point_number, rate_points
from codecbench.core.checkpoint import Checkpoint, CheckpointError, checkpoint_sha256
from codecbench.core.dependency import require
from codecbench.core.fingerprint import hash_json, package_versions

if TYPE_CHECKING:
    from torch import nn


class Facts(Protocol):
    """What a configuration says of rates; equal facts make equal points."""

    @property
    def sample_rate(self) -> int:
        """In Hz."""

    @property
    def hop_length(self) -> int:
        """Samples per frame."""

    @property
    def codebook_size(self) -> int:
        """Entries of each codebook."""


class PretrainedCodec(NeuralCodec):
    """A codec whose network is a model of transformers, and whose rate is a number of codebooks.

    Its checkpoint is a folder as ``save_pretrained`` writes it, or the name of a model in the
    local cache; nothing is downloaded unless that is allowed. The codes of fewer codebooks are the
    first rows of those of more, and are decoded alone, never filled up with zeros.

    Attributes:
        model_type: As ``config.json`` names it.
        model_name: Class of the model in transformers.
        config_name: Class of its configuration.
        facts: What the configuration, or the published one, says.
    """

    rate_option: ClassVar[str | None] = "codebooks"
    weight_files: ClassVar[tuple[str, ...]] = (WEIGHTS,)
    model_type: ClassVar[str]
    model_name: ClassVar[str]
    config_name: ClassVar[str]
    facts: Facts

    def __init__(
        self,
        info: CodecInfo,
        points: Sequence[OperatingPoint],
        *,
        checkpoint: str | None,
        allow_download: bool,
        device: str,
    ) -> None:
        """Complete the facts; see `NeuralCodec`. A subclass sets `facts` before.

        Args:
            info: All but version, fingerprint, trained, deterministic and needs.
            points: In rising order of rate.
            checkpoint: Folder or name of a model, or None for random weights.
            allow_download: Whether a named model that is not there may be downloaded.
            device: "cpu" or "cuda".
        """
        self.allow_download = allow_download
        super().__init__(info, points, checkpoint=checkpoint, device=device)
        library = f"transformers {package_versions(['transformers'])['transformers']}"
        torch_need, *others = self.info.needs
        self.info = replace(
            self.info,
            version=f"{library}, {self.info.version}",
            needs=(torch_need, "pkg:transformers", *others),
        )

    @classmethod
    @abstractmethod
    def facts_of(cls, config: Mapping[str, Any]) -> Facts:
        """Read a ``config.json``; what it leaves out has the published values.

        Raises:
            UnsupportedSettingError: A configuration that cannot be used.
        """

    @classmethod
    def stored_facts(cls, checkpoint: str | None) -> Facts:
        """Return the facts of a folder or cached model, the published ones if there is none.

        Raises:
            CheckpointError: It is another model's.
        """
        config = stored_config(checkpoint)
        require_model_type(checkpoint, config, cls.model_type)
        return cls.facts_of(config)

    def make_points(
        self,
        codebooks: int | Sequence[int] | None,
        default: Sequence[int],
        check: Callable[[Number], Number],
    ) -> tuple[OperatingPoint, ...]:
        """Return a point for each number of codebooks, of `default` if none was asked for.

        Raises:
            UnsupportedSettingError: `check` refuses one.
        """
        if codebooks is None or (isinstance(codebooks, Sequence) and None in codebooks):
            codebooks = default
        bits = (self.facts.codebook_size - 1).bit_length()
        frame_rate = self.facts.sample_rate / self.facts.hop_length
        return rate_points(
            self.model_type,
            "codebooks",
            codebooks,
            check=check,
            nominal_bps=lambda value: value * bits * frame_rate,
        )

    def _weights_fingerprint(self) -> str:
        folder = find_folder(self.checkpoint) if self.checkpoint is not None else None
        if folder is None or not (folder / WEIGHTS).is_file():
            return super()._weights_fingerprint()
        config = hash_json(stored_config(self.checkpoint))
        return f"sha256 {checkpoint_sha256(folder / WEIGHTS)} config {config}"

    def find_weights(self, checkpoint: str) -> Path:
        """Return the file of weights; see `NeuralCodec`."""
        return fetch(checkpoint, allow_download=self.allow_download) / WEIGHTS

    def read_weights(self, path: Path) -> Checkpoint:
        """Return the facts alone: transformers reads and renames the tensors itself."""
        config = stored_config(str(path.parent))
        require_model_type(str(path.parent), config, self.model_type)
        found = self.facts_of(config)
        if found != self.facts:
            # Of a model that was not there yet when the options were checked.
            msg = f"'{path.parent}' is {found}, not {self.facts}; make the codec anew"
            raise CheckpointError(msg)
        return Checkpoint(path=path, sha256=checkpoint_sha256(path), tensors={}, config=config)

    def make_model(self, checkpoint: Checkpoint | None) -> "nn.Module":
        """Load the model, or make one of random weights whose codebooks are not all zero."""
        if checkpoint is not None:
            return load_pretrained(self.model_name, checkpoint.path.parent)
        from codecbench.adapters.neural.random_codebooks import fill_codebooks

        model = self.make_random()
        # Any: each model's encode has arguments of its own, and the defaults will do.
        encode = cast(Any, model).encode
        fill_codebooks(
            model,
            lambda noise: encode(noise, **self.all_codebooks()),
            sample_rate=self.facts.sample_rate,
        )
        return model

    def make_random(self) -> "nn.Module":
        """Make a model of the published configuration, as the library initialises it."""
        transformers = require("transformers")
        with quiet_transformers():
            model: nn.Module = getattr(transformers, self.model_name)(
                getattr(transformers, self.config_name)()
            )
        return model

    def all_codebooks(self) -> Mapping[str, Any]:
        """Return the arguments that make the model encode with all of its codebooks."""
        return {}

    def fold(self, model: "nn.Module") -> None:
        """Fold weight norm alone; otherwise the model runs as transformers would run it."""
        fold_weight_norm(model)

    def codebook_sizes(self, point: OperatingPoint) -> tuple[int, ...]:
        """Return the entries of each codebook of a point."""
        return (self.facts.codebook_size,) * int(point_number(point, "codebooks"))

    def padded_length(self, n_samples: int) -> int:
        """Return the length itself: these models fill up to whole frames in their own way."""
        return n_samples

    def code_frames(self, padded_length: int) -> int:
        """Return the number of frames, the last of which may be incomplete."""
        return ceil(padded_length / self.facts.hop_length)


def codebooks_of_bandwidths(
    bandwidths: Sequence[float], *, sample_rate: int, hop_length: int, codebook_size: int
) -> dict[int, float]:
    """Return the bandwidth in kbit/s for each number of codebooks, as transformers counts them."""
    bits = (codebook_size - 1).bit_length()
    frame_rate = ceil(sample_rate / hop_length)
    return {max(1, int(kbps * 1000 // (bits * frame_rate))): kbps for kbps in bandwidths}
