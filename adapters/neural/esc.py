"""ESC, the Efficient Speech Codec: one to six streams of 1.5 kbit/s at 16 kHz."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Literal, cast

import numpy as np
from numpy.typing import NDArray

from codecbench.adapters.base import CodecInfo, OperatingPoint
from codecbench.adapters.neural.neural_codec import NeuralCodec
from codecbench.adapters.reference.settings import (
    point_number,
    rate_points,
    require_choice,
    require_whole,
)
from codecbench.core.checkpoint import Checkpoint, CheckpointError, load_tensors
from codecbench.core.errors import EncodeError

if TYPE_CHECKING:
    from torch import Tensor, nn

    from codecbench.adapters.neural.esc_model import EscModel

STREAMS = 6
GROUPS = 3
CODEBOOK_SIZE = 1024
FRAME = 320
"""Samples per frame of codes: 20 ms. Source: 5 ms hop, 2 frames per token, 2 tokens per code."""
HOP_LENGTH = 80
STREAM_BPS = 1500.0
"""Three codes of 10 bits, 50 times a second. Source: Gu & Diao 2024, table 1."""
VARIANTS: dict[str, tuple[int, tuple[int, ...]]] = {
    "base": (2, (32, 32, 16, 12, 8, 6)),
    "base-adversarial": (2, (8,) * STREAMS),
    "large": (4, (8,) * STREAMS),
}
"""Blocks per layer and dimensions of the codewords. Source: the authors' configs/9kbps_esc_base,
9kbps_esc_base_adv and 9kbps_esc_large."""
Variant = Literal["base", "base-adversarial", "large"]


class EscCodec(NeuralCodec):
    """ESC: cross-scale residual vector quantised transformers on complex spectrograms.

    `encode` fills any clip up with zeros to whole frames of codes; `encode_codes` takes just the
    lengths that the official model takes, as they are. Official evaluations leave out the last 80
    samples of each clip (`official_crop`).
    """

    rate_option: ClassVar[str | None] = "streams"
    weight_files: ClassVar[tuple[str, ...]] = ("model.pth", "model.safetensors")

    def __init__(
        self,
        *,
        streams: int | Sequence[int] = (1, 2, 3, 4, 5, 6),
        variant: Variant | None = None,
        checkpoint: str | None = None,
        device: str = "cpu",
    ) -> None:
        """Check the options.

        Args:
            streams: How many streams are sent, 1 … 6, each 1500 bit/s.
            variant: Published configuration; base if there is neither this nor a checkpoint. A
                checkpoint says itself what it is, and is refused where it says otherwise.
            checkpoint: The official folder, its ``model.pth``, a safetensors file, or "untrained";
                by default the narrow network that comes with codecbench, unless `variant` asks
                for a published one.
            device: ``cpu`` or ``cuda``.

        Raises:
            UnsupportedSettingError: A value that ESC does not have.
        """
        if variant is not None:
            require_choice("esc", "variant", variant, VARIANTS)
        self.variant = variant
        facts = CodecInfo(
            name="esc",
            version="",
            fingerprint="",
            sample_rate=16000,
            frame_samples=FRAME,
            lookahead_samples=reach(VARIANTS[variant or "base"][0]) - FRAME,
            causal=False,
            licence="MIT",
            source="Gu & Diao, ESC, EMNLP 2024, arXiv:2404.19441",
        )
        points = rate_points(
            "esc",
            "streams",
            streams,
            check=lambda value: require_whole("esc", "streams", value, 1, STREAMS),
            nominal_bps=lambda value: STREAM_BPS * value,
        )
        super().__init__(
            facts, points, checkpoint=checkpoint, device=device, shipped=variant is None
        )

    def make_model(self, checkpoint: Checkpoint | None) -> "nn.Module":
        """Make the model of the variant, or of the checkpoint; see `NeuralCodec`."""
        from codecbench.adapters.neural.esc_model import EscConfig, EscModel, infer_config

        wanted: EscConfig | None = None
        if self.variant is not None or checkpoint is None:
            depth, dims = VARIANTS[self.variant or "base"]
            wanted = EscConfig(depth=depth, codebook_dims=dims)
        if checkpoint is None:
            assert wanted is not None  # for the type checker: set just above
            return EscModel(wanted)
        config = infer_config({key: value.shape for key, value in checkpoint.tensors.items()})
        model = EscModel(config)
        load_tensors(model, checkpoint.tensors, what=f"ESC from '{checkpoint.path}'")
        if wanted is not None and wanted != config:
            msg = (
                f"ESC from '{checkpoint.path}' has {config}, which is not variant={self.variant}; "
                "leave out variant"
            )
            raise CheckpointError(msg)
        self.info = replace(self.info, lookahead_samples=reach(config.depth) - FRAME)
        return model

    def fold(self, model: "nn.Module") -> None:
        """Merge the last two convolutions and pack the linear layers; see `EscModel.fold`."""
        super().fold(model)
        cast("EscModel", model).fold()

    def codebook_sizes(self, point: OperatingPoint) -> tuple[int, ...]:
        """Return 1024 for each of three groups of each stream."""
        return (CODEBOOK_SIZE,) * (GROUPS * int(point_number(point, "streams")))

    def padded_length(self, n_samples: int) -> int:
        """Return the next length that decodes to as many samples as it has."""
        return FRAME * -(-(n_samples + HOP_LENGTH) // FRAME) - HOP_LENGTH

    def code_frames(self, padded_length: int) -> int:
        """Return one frame for every 20 ms."""
        return (padded_length + HOP_LENGTH) // FRAME

    def official_samples(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the samples as they are, if the official model takes so many."""
        from codecbench.adapters.neural.esc_model import accepts_length

        if not accepts_length(samples.size):
            msg = (
                f"the official ESC takes n samples with n // 80 ≡ 0 or 3 modulo 4 and n ≥ 240; "
                f"found {samples.size}; leave out the end, or use encode, which pads"
            )
            raise EncodeError(msg)
        return samples

    def model_codes(self, samples: "Tensor", point: OperatingPoint) -> "Tensor":
        """Return codes stream by stream, three rows each; see `NeuralCodec`."""
        streams = int(point_number(point, "streams"))
        return self._esc().encode(samples, streams)[0].flatten(0, 1)

    def model_samples(self, codes: "Tensor") -> "Tensor":
        """Return the decoded signal; see `NeuralCodec`."""
        return self._esc().decode(codes.view(1, -1, GROUPS, codes.shape[1]))[0]

    def _esc(self) -> "EscModel":
        return cast("EscModel", self.model)


def reach(depth: int) -> int:
    """Return by how many samples the last input that shapes an output can be later than it.

    Each block of the network lets a token see two tokens of 10 ms further, alternately through
    windows and shifted ones; there are 12 layers of `depth` blocks. Pairing in the quantiser, the
    last two convolutions and both transforms add six tokens. Found the same, to 15 samples, by
    changing single samples of a float64 model without codebooks: 8625 for depth 2, 16305 for 4.
    """
    return (24 * depth + 6) * 2 * HOP_LENGTH


def official_crop(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Leave out the last 80 samples, as the official training and evaluation do.

    Signals of whole tens of milliseconds then come back with exactly their length. Source:
    scripts of the authors' repository.
    """
    return samples[:-HOP_LENGTH]
