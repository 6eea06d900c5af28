"""EnCodec at 24 kHz, by transformers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from codecbench.adapters.base import CodecInfo, OperatingPoint
from codecbench.adapters.neural.checkpoint import Checkpoint, load_tensors, read_checkpoint
from codecbench.adapters.neural.pretrained import stored_config
from codecbench.adapters.neural.pretrained_codec import PretrainedCodec, codebooks_of_bandwidths
from codecbench.adapters.reference.settings import point_number, require_choice
from codecbench.core.errors import UnsupportedSettingError

if TYPE_CHECKING:
    from torch import Tensor, nn

_META_NAMES = (
    (".model.", ".layers."),
    (".conv.conv.", ".conv."),
    (".convtr.convtr.", ".conv."),
    ("quantizer.vq.layers", "quantizer.layers"),
    ("._codebook.", ".codebook."),
)
"""From the names of Meta's files to those of transformers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodecFacts:
    """What tells one EnCodec from another; the defaults are those of the published 24 kHz model.

    Attributes:
        sample_rate: In Hz.
        hop_length: Samples per frame.
        codebook_size: Entries of each codebook.
        bandwidths: Rates that it was trained for, in kbit/s.
        causal: Whether no convolution looks ahead.
    """

    sample_rate: int = 24000
    hop_length: int = 320
    codebook_size: int = 1024
    bandwidths: tuple[float, ...] = (1.5, 3.0, 6.0, 12.0, 24.0)
    causal: bool = True

    def codebooks(self) -> dict[int, float]:
        """Return the bandwidth in kbit/s for each number of codebooks."""
        return codebooks_of_bandwidths(
            self.bandwidths,
            sample_rate=self.sample_rate,
            hop_length=self.hop_length,
            codebook_size=self.codebook_size,
        )


class EncodecCodec(PretrainedCodec):
    """EnCodec for speech and sound at 24 kHz: causal, 75 frames a second, 1.5 … 24 kbit/s.

    Codes are those of the network alone; the entropy coder of the official file format, which saves
    a quarter or so, is not used. A clip is one packet, as in that format.

    Source:
        Défossez et al., "High Fidelity Neural Audio Compression", TMLR 2023, arXiv:2210.13438.
    """

    model_type = "encodec"
    model_name = "EncodecModel"
    config_name = "EncodecConfig"
    facts: EncodecFacts

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
            codebooks: 2, 4, 8, 16 or 32, each worth 750 bit/s; all of them by default.
            checkpoint: A folder in the style of Hugging Face, the name of a model in its cache
                such as ``facebook/encodec_24khz``, or Meta's file ``encodec_24khz-d7cc33bc.th``.
            allow_download: Whether a named model may be downloaded.
            device: "cpu" or "cuda".

        Raises:
            UnsupportedSettingError: An option that EnCodec does not have.
            CheckpointError: The folder is another model's.
        """
        self.facts = cast(EncodecFacts, self.stored_facts(checkpoint))
        choices = sorted(self.facts.codebooks())
        points = self.make_points(
            codebooks, choices, lambda value: require_choice("encodec", "codebooks", value, choices)
        )
        info = CodecInfo(
            name="encodec",
            version="",
            fingerprint="",
            sample_rate=self.facts.sample_rate,
            frame_samples=self.facts.hop_length,
            causal=self.facts.causal,
            licence="Apache-2.0 (transformers), MIT (weights)",
            source="Défossez et al., TMLR 2023, arXiv:2210.13438",
        )
        super().__init__(
            info, points, checkpoint=checkpoint, allow_download=allow_download, device=device
        )

    @classmethod
    def facts_of(cls, config: Mapping[str, Any]) -> EncodecFacts:
        """Read a configuration; see `PretrainedCodec`."""
        chunked = config.get("normalize") or config.get("chunk_length_s")
        if chunked or config.get("audio_channels") == 2:
            msg = (
                "encodec: the 48 kHz stereo model is for music and codes in overlapping chunks "
                "with levels of their own; give the 24 kHz model"
            )
            raise UnsupportedSettingError(msg)
        published = EncodecFacts()
        return EncodecFacts(
            sample_rate=int(config.get("sampling_rate", published.sample_rate)),
            hop_length=prod(config.get("upsampling_ratios", (published.hop_length,))),
            codebook_size=int(config.get("codebook_size", published.codebook_size)),
            bandwidths=tuple(map(float, config.get("target_bandwidths", published.bandwidths))),
            causal=bool(config.get("use_causal_conv", published.causal)),
        )

    def find_weights(self, checkpoint: str) -> Path:
        """Return Meta's file, or that of a folder; see `NeuralCodec`."""
        path = Path(checkpoint).expanduser()
        return path if path.is_file() else super().find_weights(checkpoint)

    def read_weights(self, path: Path) -> Checkpoint:
        """Read Meta's file, or the facts of a folder; see `NeuralCodec`."""
        if stored_config(str(path.parent)):
            return super().read_weights(path)
        read = read_checkpoint(path)
        return replace(read, tensors={_from_meta(key): read.tensors[key] for key in read.tensors})

    def make_model(self, checkpoint: Checkpoint | None) -> "nn.Module":
        """Load the model from whatever kind of file; see `PretrainedCodec`."""
        if checkpoint is None or not checkpoint.tensors:
            return super().make_model(checkpoint)
        model = self.make_random()
        load_tensors(model, checkpoint.tensors, what=f"EnCodec from '{checkpoint.path.name}'")
        return model

    def all_codebooks(self) -> Mapping[str, Any]:
        """Return the highest bandwidth: the library's own default is the lowest."""
        return {"bandwidth": max(self.facts.bandwidths)}

    def model_codes(self, samples: "Tensor", point: OperatingPoint) -> "Tensor":
        """Run the encoder; see `NeuralCodec`."""
        bandwidth = self.facts.codebooks()[int(point_number(point, "codebooks"))]
        model: Any = self.model  # the library's annotations cover all that its flags allow
        coded = model.encode(samples[:, None], bandwidth=bandwidth)
        codes: Tensor = coded.audio_codes[0, 0]
        return codes

    def model_samples(self, codes: "Tensor") -> "Tensor":
        """Run the decoder on just the rows there are; see `NeuralCodec`."""
        model: Any = self.model
        decoded = model.decode(codes[None, None], [None])
        samples: Tensor = decoded.audio_values[0, 0]
        return samples


def _from_meta(name: str) -> str:
    for theirs, ours in _META_NAMES:
        name = name.replace(theirs, ours)
    return name
