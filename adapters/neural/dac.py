"""DAC, the Descript Audio Codec, at 16, 24 and 44.1 kHz, and its variants from the ESC paper."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from codecbench.adapters.base import CodecInfo, OperatingPoint
from codecbench.adapters.neural.neural_codec import NeuralCodec
from codecbench.adapters.neural.pretrained import WEIGHTS, require_model_type, stored_config
from codecbench.adapters.neural.pretrained_codec import PretrainedCodec
from codecbench.adapters.neural.reach import Conv, Transposed, lookahead_samples, same
from codecbench.adapters.reference.settings import point_number, require_choice, require_whole
from codecbench.core.checkpoint import (
    Checkpoint,
    CheckpointError,
    find_checkpoint,
    load_tensors,
    read_checkpoint,
)

if TYPE_CHECKING:
    from torch import Tensor, nn
    from transformers import DacModel

Variant = Literal["16k", "24k", "44k", "esc-base", "esc-tiny"]
_OFFICIAL_FILES = (
    "weights_16khz.pth",
    "weights_24khz.pth",
    "weights.pth",
    "weights_44khz.pth",
    "weights_44khz_16kbps.pth",
    "dac/weights.pth",
    "model.pth",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DacFacts:
    """What tells one DAC from another.

    Attributes:
        sample_rate: In Hz.
        encoder_dim: Channels after the encoder's first convolution; each stage doubles them.
        decoder_dim: Channels after the decoder's first convolution; each stage halves them.
        rates: Downsampling factors; the decoder has them in reverse.
        codebooks: Stages of the residual quantiser.
        codebook_size: Entries of each codebook.
        codebook_dim: Dimensions of each codebook.
        default_codebooks: Codebooks of the points that are measured if none are asked for.
    """

    sample_rate: int
    encoder_dim: int = 64
    decoder_dim: int = 1536
    rates: tuple[int, ...] = (2, 4, 5, 8)
    codebooks: int
    codebook_size: int = 1024
    codebook_dim: int = 8
    default_codebooks: tuple[int, ...] = ()

    @property
    def hop_length(self) -> int:
        """Samples per frame; what a published config.json says of it is wrong."""
        return prod(self.rates)

    @property
    def tail_samples(self) -> int:
        """How much shorter than its frames the decoded signal is.

        A transposed convolution of odd stride s with 2s taps and ⌈s/2⌉ cut off on both sides makes
        one sample less than s for each step.
        """
        length, whole = 0, 1
        for rate in reversed(self.rates):
            length, whole = length * rate - rate % 2, whole * rate
        return -length

    def layers(self) -> list[Conv | Transposed]:
        """Return all layers from input to output, for their reach."""
        unit = same(*(6 * dilation for dilation in (1, 3, 9)))
        layers: list[Conv | Transposed] = [same(6)]
        for rate in self.rates:
            layers += [unit, Conv(2 * rate - 1, rate, ceil(rate / 2))]
        layers += [same(2), same(6)]
        for rate in reversed(self.rates):
            layers += [Transposed(rate, ceil(rate / 2)), unit]
        return [*layers, same(6)]

    def config(self) -> dict[str, Any]:
        """Return arguments of transformers' DacConfig."""
        return {
            "sampling_rate": self.sample_rate,
            "encoder_hidden_size": self.encoder_dim,
            "decoder_hidden_size": self.decoder_dim,
            "downsampling_ratios": list(self.rates),
            "n_codebooks": self.codebooks,
            "codebook_size": self.codebook_size,
            "codebook_dim": self.codebook_dim,
        }


# Sources: the official repository's releases and conf/final/*.yml; ESC's
# baselines/configs/16khz_dns_9k.yml and 16khz_dns_9k_tiny.yml, whose tiny one also halves the
# encoder, other than the paper says.
VARIANTS = {
    "16k": DacFacts(sample_rate=16000, codebooks=12, default_codebooks=(3, 6, 9, 12)),
    "24k": DacFacts(sample_rate=24000, codebooks=32, default_codebooks=(2, 4, 8, 16, 32)),
    "44k": DacFacts(
        sample_rate=44100, codebooks=9, rates=(2, 4, 8, 8), default_codebooks=(2, 4, 6, 9)
    ),
    "esc-base": DacFacts(sample_rate=16000, codebooks=18, default_codebooks=(3, 6, 9, 12, 15, 18)),
    "esc-tiny": DacFacts(
        sample_rate=16000,
        codebooks=18,
        encoder_dim=32,
        decoder_dim=288,
        default_codebooks=(3, 6, 9, 12, 15, 18),
    ),
}


class DacCodec(PretrainedCodec):
    """DAC by transformers' DacModel, from official files or Hugging Face folders.

    Signals are filled up with zeros to whole frames as the official model does, and are not brought
    to a loudness of their own: that is a habit of the official command line alone, which also codes
    in overlapping windows at about twice the nominal rate. Where the decoder gives eight samples
    less than its frames have (strides 2, 4, 5 and 8), zeros stand at the end.

    Source:
        Kumar et al., "High-Fidelity Audio Compression with Improved RVQGAN", NeurIPS 2023,
        arXiv:2306.06546; https://github.com/descriptinc/descript-audio-codec.
    """

    model_type = "dac"
    model_name = "DacModel"
    config_name = "DacConfig"
    weight_files = (WEIGHTS, *_OFFICIAL_FILES)
    facts: DacFacts

    def __init__(
        self,
        *,
        codebooks: int | Sequence[int] | None = None,
        variant: Variant | None = None,
        checkpoint: str | None = None,
        allow_download: bool = False,
        device: str = "cpu",
    ) -> None:
        """Check the options.

        Args:
            codebooks: How many codebooks are sent; by default a choice from few to all.
            variant: Published configuration, 16k if it is not said; a folder in the style of
                Hugging Face has its own, which needs no variant.
            checkpoint: An official file or a folder with one, a folder in the style of Hugging
                Face, or the name of a model in its cache such as ``descript/dac_16khz``.
            allow_download: Whether a named model may be downloaded.
            device: "cpu" or "cuda".

        Raises:
            UnsupportedSettingError: An option that DAC does not have.
            CheckpointError: The folder is another model's, or not the variant's.
        """
        if variant is not None:
            require_choice("dac", "variant", variant, VARIANTS)
        self.variant = variant
        config = stored_config(checkpoint)
        require_model_type(checkpoint, config, self.model_type)
        published = VARIANTS[variant or _published_variant(checkpoint)]
        self.facts = facts = self.facts_of(config) if config else published
        if config and variant is not None and facts.config() != published.config():
            msg = f"'{checkpoint}' is not DAC {variant}; leave out variant"
            raise CheckpointError(msg)
        points = self.make_points(
            codebooks,
            facts.default_codebooks or (facts.codebooks,),
            lambda value: require_whole("dac", "codebooks", value, 1, facts.codebooks),
        )
        self.tail_samples = facts.tail_samples
        info = CodecInfo(
            name="dac",
            version="",
            fingerprint="",
            sample_rate=facts.sample_rate,
            frame_samples=facts.hop_length,
            lookahead_samples=lookahead_samples(facts.layers(), facts.hop_length),
            causal=False,
            licence="MIT",
            source="Kumar et al., NeurIPS 2023, arXiv:2306.06546",
        )
        super().__init__(
            info, points, checkpoint=checkpoint, allow_download=allow_download, device=device
        )

    @classmethod
    def facts_of(cls, config: Mapping[str, Any]) -> DacFacts:
        """Read a configuration; what it leaves out has the defaults of transformers' DacConfig.

        What it says of ``hop_length`` is not believed: published files are wrong there.
        """
        rates = tuple(config.get("downsampling_ratios", (2, 4, 8, 8)))
        codebooks = int(config.get("n_codebooks", 9))
        published = {(facts.rates, facts.codebooks): facts for facts in VARIANTS.values()}
        known = published.get((rates, codebooks))
        return DacFacts(
            sample_rate=int(config.get("sampling_rate", 16000)),
            encoder_dim=int(config.get("encoder_hidden_size", 64)),
            decoder_dim=int(config.get("decoder_hidden_size", 1536)),
            rates=rates,
            codebooks=codebooks,
            codebook_size=int(config.get("codebook_size", 1024)),
            codebook_dim=int(config.get("codebook_dim", 8)),
            default_codebooks=known.default_codebooks if known else (),
        )

    def find_weights(self, checkpoint: str) -> Path:
        """Return the official file or the file of a folder; see `NeuralCodec`."""
        path = Path(checkpoint).expanduser()
        if path.is_file() or any((path / name).is_file() for name in _OFFICIAL_FILES):
            return find_checkpoint(path, self.weight_files)
        return super().find_weights(checkpoint)

    def read_weights(self, path: Path) -> Checkpoint:
        """Read an official file, or the facts of a folder."""
        if path.name == WEIGHTS and stored_config(str(path.parent)):
            return super().read_weights(path)
        return read_checkpoint(path)

    def make_model(self, checkpoint: Checkpoint | None) -> "nn.Module":
        """Make the model, with weight norm unless the file has none; see `NeuralCodec`."""
        from codecbench.adapters.neural.dac_model import make_dac, speed_up

        if checkpoint is not None and not checkpoint.tensors:
            model = super().make_model(checkpoint)
        else:
            model = make_dac(self.facts.config())
            if checkpoint is not None:
                self._load_official(model, checkpoint)
        speed_up(model)
        return model

    def _load_official(self, model: "nn.Module", checkpoint: Checkpoint) -> None:
        from codecbench.adapters.neural.dac_model import official_to_transformers

        tensors = checkpoint.tensors
        if not any(".res_unit" in name for name in tensors):
            tensors = {
                official_to_transformers(name, stages=len(self.facts.rates)): value
                for name, value in tensors.items()
            }
        fitting = [
            name
            for name, facts in VARIANTS.items()
            if _tensor_facts(checkpoint) == (facts.encoder_dim, facts.decoder_dim, facts.codebooks)
        ]
        if fitting and not any(VARIANTS[name] == self.facts for name in fitting):
            msg = f"'{checkpoint.path}' is another DAC; say variant={' or '.join(fitting)}"
            raise CheckpointError(msg)
        load_tensors(model, tensors, what=f"DAC from '{checkpoint.path.name}'")

    def padded_length(self, n_samples: int) -> int:
        """Return the next whole number of frames, in samples."""
        return ceil(n_samples / self.facts.hop_length) * self.facts.hop_length

    def official_samples(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the signal filled up to whole frames, as the official preprocessing does."""
        return np.pad(samples, (0, self.padded_length(samples.size) - samples.size))

    def fold(self, model: "nn.Module") -> None:
        """Fold weight norm, and lay convolutions out as for codecs of our own code."""
        NeuralCodec.fold(self, model)

    def model_codes(self, samples: "Tensor", point: OperatingPoint) -> "Tensor":
        """Run the encoder; see `NeuralCodec`."""
        model = cast("DacModel", self.model)
        rows = int(point_number(point, "codebooks"))
        codes: Tensor = model.encode(samples[:, None], n_quantizers=rows).audio_codes[0]
        return codes

    def model_samples(self, codes: "Tensor") -> "Tensor":
        """Run the decoder on just the rows there are; see `NeuralCodec`."""
        model = cast("DacModel", self.model)
        decoded: Tensor = model.decode(audio_codes=codes[None]).audio_values[0]
        return decoded


def _published_variant(checkpoint: str | None) -> str:
    """Return the variant that the name of a published file or model says; 16k if it says none."""
    name = (checkpoint or "").rpartition("/")[2]
    return next((v for v in ("24k", "44k") if f"{v}hz" in name), "16k")


def _tensor_facts(checkpoint: Checkpoint) -> tuple[int, int, int]:
    """Return the dimensions of encoder and decoder and the number of codebooks."""
    shapes = {name: value.shape for name, value in checkpoint.tensors.items()}
    books = [name for name in shapes if name.endswith(".codebook.weight")]
    encoder, decoder = shapes.get("encoder.block.0.bias"), shapes.get("decoder.model.0.bias")
    return (encoder[0] if encoder else 0, decoder[0] if decoder else 0, len(books))
