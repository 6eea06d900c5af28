"""Mimi, the codec of Moshi, by transformers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, cast

from codecbench.adapters.base import CodecInfo, OperatingPoint
from codecbench.adapters.neural.pretrained_codec import PretrainedCodec
from codecbench.adapters.reference.settings import point_number, require_whole

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import MimiModel

_DEFAULT_CODEBOOKS = (4, 8, 16, 32)


@dataclass(frozen=True, slots=True, kw_only=True)
class MimiFacts:
    """What tells one Mimi from another; the defaults are those of the published model.

    Attributes:
        sample_rate: In Hz.
        hop_length: Samples per frame.
        codebook_size: Entries of each codebook.
        codebooks: All there are.
        semantic: How many of them are semantic, and always sent.
    """

    sample_rate: int = 24000
    hop_length: int = 1920
    codebook_size: int = 2048
    codebooks: int = 32
    semantic: int = 1


class MimiCodec(PretrainedCodec):
    """Mimi: causal, 12.5 frames a second, 137.5 bit/s for each codebook; Moshi uses eight.

    A frame is 80 ms, so a short clip costs noticeably more than the nominal rate.

    Source:
        Défossez et al., "Moshi: a speech-text foundation model for real-time dialogue",
        arXiv:2410.00037, section 3.3.
    """

    model_type = "mimi"
    model_name = "MimiModel"
    config_name = "MimiConfig"
    facts: MimiFacts

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
            codebooks: How many codebooks are sent, 1 … 32; by default 4, 8, 16 and 32.
            checkpoint: A folder in the style of Hugging Face, or the name of a model in its cache
                such as ``kyutai/mimi``.
            allow_download: Whether a named model may be downloaded.
            device: "cpu" or "cuda".

        Raises:
            UnsupportedSettingError: An option that Mimi does not have.
            CheckpointError: The folder is another model's.
        """
        self.facts = facts = cast(MimiFacts, self.stored_facts(checkpoint))
        points = self.make_points(
            codebooks,
            [n for n in _DEFAULT_CODEBOOKS if n <= facts.codebooks] or [facts.codebooks],
            lambda value: require_whole(
                "mimi", "codebooks", value, facts.semantic, facts.codebooks
            ),
        )
        info = CodecInfo(
            name="mimi",
            version="",
            fingerprint="",
            sample_rate=facts.sample_rate,
            frame_samples=facts.hop_length,
            licence="Apache-2.0 (transformers), CC-BY-4.0 (weights)",
            source="Défossez et al., arXiv:2410.00037",
        )
        super().__init__(
            info, points, checkpoint=checkpoint, allow_download=allow_download, device=device
        )

    @classmethod
    def facts_of(cls, config: Mapping[str, Any]) -> MimiFacts:
        """Read a configuration; see `PretrainedCodec`."""
        published = MimiFacts()
        sample_rate = int(config.get("sampling_rate", published.sample_rate))
        # A last layer of stride 2 follows the convolutions; older files say the frame rate instead.
        frame_rate = config.get("frame_rate") or config.get("_frame_rate")
        ratios = config.get("upsampling_ratios", (8, 6, 5, 4))
        return MimiFacts(
            sample_rate=sample_rate,
            hop_length=round(sample_rate / frame_rate) if frame_rate else 2 * prod(ratios),
            codebook_size=int(config.get("codebook_size", published.codebook_size)),
            codebooks=int(config.get("num_quantizers", published.codebooks)),
            semantic=int(config.get("num_semantic_quantizers", published.semantic)),
        )

    def model_codes(self, samples: "Tensor", point: OperatingPoint) -> "Tensor":
        """Run the encoder; see `NeuralCodec`."""
        rows = int(point_number(point, "codebooks"))
        coded = cast("MimiModel", self.model).encode(samples[:, None], num_quantizers=rows)
        codes: Tensor = coded.audio_codes[0]
        return codes

    def model_samples(self, codes: "Tensor") -> "Tensor":
        """Run the decoder on just the rows there are; see `NeuralCodec`."""
        samples: Tensor = cast("MimiModel", self.model).decode(codes[None]).audio_values[0, 0]
        return samples
