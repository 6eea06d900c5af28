"""X-codec, whose codes also carry what a speech model hears, by transformers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, prod
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from codecbench.adapters.base import CodecInfo, OperatingPoint
from codecbench.adapters.neural.pretrained_codec import PretrainedCodec, codebooks_of_bandwidths
from codecbench.adapters.reference.settings import point_number, require_choice
from codecbench.core.errors import EncodeError

if TYPE_CHECKING:
    from torch import Tensor, nn
    from transformers import XcodecModel

    from codecbench.core.checkpoint import Checkpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class XcodecFacts:
    """What tells one X-codec from another; the defaults are those of the published models.

    Attributes:
        sample_rate: In Hz.
        hop_length: Samples per frame.
        codebook_size: Entries of each codebook.
        bandwidths: Rates that it was trained for, in kbit/s.
    """

    sample_rate: int = 16000
    hop_length: int = 320
    codebook_size: int = 1024
    bandwidths: tuple[float, ...] = (0.5, 1.0, 1.5, 2.0, 4.0)

    def codebooks(self) -> dict[int, float]:
        """Return the bandwidth in kbit/s for each number of codebooks."""
        return codebooks_of_bandwidths(
            self.bandwidths,
            sample_rate=self.sample_rate,
            hop_length=self.hop_length,
            codebook_size=self.codebook_size,
        )


class XcodecCodec(PretrainedCodec):
    """X-codec at 16 kHz: 50 frames a second, 0.5 … 4 kbit/s.

    The speech model inside (HuBERT or WavLM) attends to the whole clip, so every code depends on
    all of it and nothing streams; no look-ahead is declared, since none would do. Clips are filled
    up with zeros to whole frames: the model itself drops an incomplete one.

    Source:
        Ye et al., "Codec Does Matter: Exploring the Semantic Shortcoming of Codec for Audio
        Language Model", AAAI 2025, arXiv:2408.17175.
    """

    model_type = "xcodec"
    model_name = "XcodecModel"
    config_name = "XcodecConfig"
    facts: XcodecFacts

    def __init__(
        self,
        *,
        codebooks: int | Sequence[int] | None = None,
        checkpoint: str | None = None,
        allow_download: bool = False,
        device: str = "cpu",
    ) -> None:
        """Check the options.

        Args:
            codebooks: 1, 2, 3, 4 or 8, each worth 500 bit/s; all of them by default.
            checkpoint: A folder in the style of Hugging Face, or the name of a model in its cache
                such as ``hf-audio/xcodec-hubert-librispeech``.
            allow_download: Whether a named model may be downloaded.
            device: "cpu" or "cuda".

        Raises:
            UnsupportedSettingError: An option that X-codec does not have.
            CheckpointError: The folder is another model's.
        """
        self.facts = cast(XcodecFacts, self.stored_facts(checkpoint))
        choices = sorted(self.facts.codebooks())
        points = self.make_points(
            codebooks, choices, lambda value: require_choice("xcodec", "codebooks", value, choices)
        )
        info = CodecInfo(
            name="xcodec",
            version="",
            fingerprint="",
            sample_rate=self.facts.sample_rate,
            frame_samples=self.facts.hop_length,
            causal=False,
            licence="Apache-2.0 (transformers), CC-BY-4.0 (weights)",
            source="Ye et al., AAAI 2025, arXiv:2408.17175",
        )
        super().__init__(
            info, points, checkpoint=checkpoint, allow_download=allow_download, device=device
        )

    @classmethod
    def facts_of(cls, config: Mapping[str, Any]) -> XcodecFacts:
        """Read a configuration; see `PretrainedCodec`."""
        published = XcodecFacts()
        acoustic = config.get("acoustic_model_config") or {}
        ratios = acoustic.get("downsampling_ratios", (published.hop_length,))
        return XcodecFacts(
            sample_rate=int(config.get("sample_rate", published.sample_rate)),
            hop_length=prod(ratios),
            codebook_size=int(config.get("codebook_size", published.codebook_size)),
            bandwidths=tuple(map(float, config.get("target_bandwidths", published.bandwidths))),
        )

    def make_model(self, checkpoint: "Checkpoint | None") -> "nn.Module":
        """Load the model and let its activations work in place; see `PretrainedCodec`."""
        from codecbench.adapters.neural.dac_model import speed_up

        model = super().make_model(checkpoint)
        if checkpoint is not None:
            _let_go(model)
        speed_up(model)
        return model

    def make_random(self) -> "nn.Module":
        """Make a model of the published configuration; see `PretrainedCodec`."""
        model = super().make_random()
        _let_go(model)
        return model

    def padded_length(self, n_samples: int) -> int:
        """Return the next whole number of frames, in samples."""
        return ceil(n_samples / self.facts.hop_length) * self.facts.hop_length

    def official_samples(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the samples as they are, if they are at least a frame."""
        if samples.size < self.facts.hop_length:
            msg = (
                f"X-codec needs {self.facts.hop_length} samples, found {samples.size}; "
                "encode() fills up"
            )
            raise EncodeError(msg)
        return samples

    def model_codes(self, samples: "Tensor", point: OperatingPoint) -> "Tensor":
        """Run the encoder; see `NeuralCodec`."""
        bandwidth = self.facts.codebooks()[int(point_number(point, "codebooks"))]
        coded = cast("XcodecModel", self.model).encode(samples[:, None], bandwidth=bandwidth)
        codes: Tensor = coded.audio_codes[0]
        return codes

    def model_samples(self, codes: "Tensor") -> "Tensor":
        """Run the decoder on just the rows there are; see `NeuralCodec`."""
        decoded = cast("XcodecModel", self.model).decode(codes[None])
        samples: Tensor = decoded.audio_values[0, 0]
        return samples


def _let_go(model: Any) -> None:  # noqa: ANN401  (sets what the library's class keeps private)
    """Keep the library from holding on to the model for ever.

    Its method that lists convolutions is cached by an ``lru_cache`` of the class, in which every
    model that ever coded stays, 640 MB each (transformers 5.23).
    """
    model._get_conv1d_layers = _convolutions


def _convolutions(module: "nn.Module") -> tuple["nn.Module", ...]:
    return tuple(part for part in module.modules() if type(part).__name__ == "Conv1d")
