"""EnCodec by transformers: Meta's at 24 kHz, and those that others trained."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from codecbench.adapters.base import CodecInfo, OperatingPoint
from codecbench.adapters.neural.encodec_facts import (
    UNWRAP,
    VARIANTS,
    EncodecFacts,
    facts_of_config,
    facts_of_shapes,
    library_name,
)
from codecbench.adapters.neural.pretrained import WEIGHTS, quiet_transformers
from codecbench.adapters.neural.pretrained_codec import PretrainedCodec, codebooks_of_bandwidths
from codecbench.adapters.neural.reach import Conv, Transposed, lookahead_samples, same
from codecbench.adapters.reference.settings import point_number, require_choice, require_whole
from codecbench.core.checkpoint import (
    Checkpoint,
    CheckpointError,
    load_tensors,
    read_checkpoint,
    tensor_shapes,
)
from codecbench.core.dependency import require

if TYPE_CHECKING:
    from torch import Tensor, nn


class EncodecCodec(PretrainedCodec):
    """EnCodec for speech: Meta's causal model at 24 kHz, and AcademiCodec's three retrained ones.

    A file of weights says itself what it is: strides and codebooks are read off its tensors, so
    that any file of Meta's or of AcademiCodec's layout loads. AcademiCodec's network is not causal,
    has codewords of 512 numbers, and is also that of its "SoundStream": the two names of the
    HiFi-Codec paper differ only in how they were trained. No weights of that SoundStream are
    public.

    Codes are those of the network alone; the entropy coder of the official file format, which saves
    a quarter or so, is not used. A clip is one packet, as in that format.

    Source:
        Défossez et al., "High Fidelity Neural Audio Compression", TMLR 2023, arXiv:2210.13438;
        Yang et al., arXiv:2305.02765, https://github.com/yangdongchao/AcademiCodec.
    """

    model_type = "encodec"
    model_name = "EncodecModel"
    config_name = "EncodecConfig"
    unwrap = UNWRAP
    facts: EncodecFacts

    def __init__(
        self,
        *,
        sample_rate: int | None = None,
        variant: Literal["meta_24k", "16k_320d", "24k_240d", "24k_32d"] | None = None,
        codebooks: int | Sequence[int] | None = None,
        checkpoint: str | None = None,
        allow_download: bool = False,
        device: str = "cpu",
    ) -> None:
        """Check the options.

        Args:
            sample_rate: In Hz; only for a file of weights whose strides no published one has.
            variant: Which network: ``meta_24k``, or AcademiCodec's ``16k_320d``, ``24k_240d`` or
                ``24k_32d``. Without a checkpoint it is Meta's; with one, what the file says, and a
                variant named here is compared with that.
            codebooks: How many; each is worth 750 bit/s with Meta's model. By default the numbers
                that the model was trained with, Meta's with 2, 4, 8, 16 and 32.
            checkpoint: A folder in the style of Hugging Face, the name of a model in its cache
                such as ``facebook/encodec_24khz``, Meta's file ``encodec_24khz-d7cc33bc.th``, or
                one of AcademiCodec's such as ``encodec_16k_320d.pth``.
            allow_download: Whether a named model may be downloaded.
            device: "cpu" or "cuda".

        Raises:
            UnsupportedSettingError: An option that EnCodec does not have.
            CheckpointError: The file or folder is another model's.
        """
        if variant is not None:
            require_choice("encodec", "variant", variant, VARIANTS)
        self.facts = self._find_facts(checkpoint, variant, sample_rate)
        most = self.facts.codebooks
        points = self.make_points(
            codebooks,
            self.facts.listed,
            lambda value: require_whole("encodec", "codebooks", value, 1, most),
        )
        metas = self.facts.causal
        info = CodecInfo(
            name="encodec",
            version="",
            fingerprint="",
            sample_rate=self.facts.sample_rate,
            frame_samples=self.facts.hop_length,
            lookahead_samples=0 if metas else self._lookahead(),
            causal=metas,
            licence=f"Apache-2.0 (transformers), MIT ({'weights' if metas else 'by a readme'})",
            source="arXiv:2210.13438" if metas else "arXiv:2305.02765",
        )
        super().__init__(
            info, points, checkpoint=checkpoint, allow_download=allow_download, device=device
        )

    def _find_facts(
        self, checkpoint: str | None, variant: str | None, sample_rate: int | None
    ) -> EncodecFacts:
        path = _weights_file(checkpoint)
        if path is not None:
            shapes = {library_name(n): s for n, s in tensor_shapes(path, unwrap=UNWRAP).items()}
            found = facts_of_shapes(shapes, sample_rate=sample_rate, what=f"'{path}'")
        elif checkpoint is not None or variant is None:
            found = cast(EncodecFacts, self.stored_facts(checkpoint))
        else:
            found = VARIANTS[variant]
        if variant is not None and found != VARIANTS[variant]:
            msg = f"'{checkpoint}' is not EnCodec {variant} but {found}; leave variant out"
            raise CheckpointError(msg)
        if sample_rate is not None and found.sample_rate != sample_rate:
            msg = f"encodec here is of {found.sample_rate} Hz; leave out '@{sample_rate}'"
            raise CheckpointError(msg)
        return found

    def _lookahead(self) -> int:
        """Return how far past its frame the network without causal padding looks."""
        ratios = self.facts.ratios
        layers: list[Conv | Transposed] = [same(6)]
        for ratio in ratios[::-1]:
            # A residual unit of 3 taps; then twice as many taps as steps, padded more on the left.
            layers += [same(2), Conv(2 * ratio - 1, ratio, ratio - ratio // 2)]
        layers += [same(6), same(6)]
        for ratio in ratios:
            layers += [Transposed(ratio, ratio - ratio // 2), same(2)]
        return lookahead_samples([*layers, same(6)], self.facts.hop_length)

    @classmethod
    def facts_of(cls, config: Mapping[str, Any]) -> EncodecFacts:
        """Read a configuration; see `PretrainedCodec`."""
        return facts_of_config(config)

    def find_weights(self, checkpoint: str) -> Path:
        """Return an official file, or that of a folder; see `NeuralCodec`."""
        return _weights_file(checkpoint) or super().find_weights(checkpoint)

    def read_weights(self, path: Path) -> Checkpoint:
        """Read an official file, or the facts of a folder; see `NeuralCodec`."""
        if _weights_file(self.checkpoint) is None:
            return super().read_weights(path)
        read = read_checkpoint(path, unwrap=UNWRAP)
        return replace(read, tensors={library_name(k): read.tensors[k] for k in read.tensors})

    def make_model(self, checkpoint: Checkpoint | None) -> "nn.Module":
        """Load the model from whatever kind of file; see `PretrainedCodec`."""
        if checkpoint is None or not checkpoint.tensors:
            return super().make_model(checkpoint)
        model = self.make_random()
        load_tensors(model, checkpoint.tensors, what=f"EnCodec from '{checkpoint.path.name}'")
        return model

    def make_random(self) -> "nn.Module":
        """Make the network that the facts describe; see `PretrainedCodec`."""
        transformers = require("transformers")
        with quiet_transformers():
            config = transformers.EncodecConfig(**self.facts.library_config())
            model: nn.Module = transformers.EncodecModel(config)
        return model

    def all_codebooks(self) -> Mapping[str, Any]:
        """Return the highest bandwidth: the library's own default is the lowest."""
        return {"bandwidth": self.facts.bandwidth(self.facts.codebooks)}

    def model_codes(self, samples: "Tensor", point: OperatingPoint) -> "Tensor":
        """Run the encoder; see `NeuralCodec`."""
        count = int(point_number(point, "codebooks"))
        model: Any = self.model  # the library's annotations cover all that its flags allow
        # A configuration from a file lists its bandwidths in its own way.
        by_count = codebooks_of_bandwidths(
            model.config.target_bandwidths,
            sample_rate=self.facts.sample_rate,
            hop_length=self.facts.hop_length,
            codebook_size=self.facts.codebook_size,
        )
        # A number in between is the first rows of the next one that is listed.
        bandwidth = by_count[min(listed for listed in by_count if listed >= count)]
        coded = model.encode(samples[:, None], bandwidth=bandwidth)
        codes: Tensor = coded.audio_codes[0, 0, :count]
        return codes

    def model_samples(self, codes: "Tensor") -> "Tensor":
        """Run the decoder on just the rows there are; see `NeuralCodec`."""
        model: Any = self.model
        decoded = model.decode(codes[None, None], [None])
        samples: Tensor = decoded.audio_values[0, 0]
        return samples


def _weights_file(checkpoint: str | None) -> Path | None:
    """Return the file that an option names, None where it names a folder or a cached model."""
    path = Path(checkpoint).expanduser() if checkpoint is not None else None
    return path if path is not None and path.is_file() and path.name != WEIGHTS else None
